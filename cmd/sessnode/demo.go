package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/child"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
)

// What the demo consists of.
const (
	demoNodes    = 3
	demoShops    = 2
	startTimeout = 30 * time.Second // for all of it to be ready
)

func (p *program) demoCommand() *ffcli.Command {
	flags := newFlags("demo")
	once := flags.Bool("once", false, "unattended: count to 200 while the primary is killed halfway, and check the count")
	dir := flags.String("dir", "", "`DIR` for logs and state, which stay (default a temporary one)")
	return &ffcli.Command{
		Name:       "demo",
		ShortUsage: "sessnode demo [-once]",
		ShortHelp:  "three nodes, two application servers and a page to kill nodes from",
		LongHelp: `It runs on loopback, on free ports, and prints the address of a page with a shopping cart. Kill the node that holds
your cart and go on shopping. Ctrl-C ends all of it and leaves nothing behind.

EXAMPLE
  sessnode demo
  sessnode demo -once`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			run := p.show
			if *once {
				run = p.check
			}
			return p.demo(ctx, *dir, run)
		},
	}
}

// demo is the processes of one run.
type demo struct {
	nodes, shops []*child.Process
	nodeAddrs    []string // of nodes, in the same order
	shopURLs     []string
}

// demo starts everything, lets run use it, and ends everything, whatever happens.
func (p *program) demo(ctx context.Context, dir string, run func(context.Context, *demo) error) (err error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // a closed terminal must leave nothing behind either
	defer stop()
	if dir == "" {
		if dir, err = os.MkdirTemp("", "sessnode-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	} else if err = os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	d, err := newDemo(dir)
	if err != nil {
		return err
	}
	defer d.end()
	if err = p.begin(ctx, d); err == nil {
		err = run(ctx, d)
	}
	if err != nil && ctx.Err() == nil {
		d.report(p.err)
	}
	return err
}

// newDemo chooses names and ports; nothing runs yet.
func newDemo(dir string) (*demo, error) {
	d := &demo{}
	var err error
	if d.nodeAddrs, err = child.FreeAddrs(demoNodes); err != nil {
		return nil, err
	}
	shopAddrs, err := child.FreeAddrs(demoShops)
	if err != nil {
		return nil, err
	}
	all := strings.Join(d.nodeAddrs, ",")
	for i, addr := range d.nodeAddrs {
		name := fmt.Sprintf("node-%d", i+1)
		d.nodes = append(d.nodes, &child.Process{Name: name, Dir: dir, Args: []string{
			"serve", "-name", name, "-bind", addr, "-join", all, "-expect", fmt.Sprint(demoNodes),
			"-state-dir", filepath.Join(dir, name), "-admin", noAdmin,
		}})
	}
	for i, addr := range shopAddrs {
		name := fmt.Sprintf("app-%d", i+1)
		d.shopURLs = append(d.shopURLs, "http://"+addr)
		d.shops = append(d.shops, &child.Process{Name: name, Dir: dir, Args: []string{
			"shop", "-name", name, "-bind", addr, "-node", all, "-timeout", "10s",
		}})
	}
	return d, nil
}

// processes is all of them.
func (d *demo) processes() []*child.Process { return slices.Concat(d.nodes, d.shops) }

// begin starts all processes and waits until every slot has its copies and both shops answer.
func (p *program) begin(ctx context.Context, d *demo) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("nodes and shops were not ready within %v", startTimeout))
	defer cancel()
	defer p.waiting("starting three nodes and two application servers")()
	for _, n := range d.nodes {
		if err := os.MkdirAll(filepath.Join(n.Dir, n.Name), 0o700); err != nil {
			return err
		}
		if err := n.Start(); err != nil {
			return err
		}
	}
	if err := poll(ctx, d, func() bool { return isSettled(ctx, d.nodeAddrs) }); err != nil {
		return err
	}
	return d.openShops(ctx)
}

// openShops starts the application servers that are dead and waits until all answer.
func (d *demo) openShops(ctx context.Context) error {
	for _, s := range d.shops {
		if err := s.Start(); err != nil {
			return err
		}
	}
	for _, url := range d.shopURLs {
		if err := poll(ctx, d, func() bool { return answers(ctx, url+"/api/where") }); err != nil {
			return err
		}
	}
	return nil
}

// poll waits until done, the end of ctx, or the unexpected death of a process.
func poll(ctx context.Context, d *demo, done func() bool) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		for _, c := range d.processes() {
			if c.Died() {
				return fmt.Errorf("%s has ended by itself; its log: %s", c.Name, c.LogTail())
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// isSettled reports whether every node is ready and no slot lacks a primary or a backup.
func isSettled(ctx context.Context, nodes []string) bool {
	for _, addr := range nodes {
		s, err := statusOf(ctx, addr)
		if err != nil || !s.Ready || len(s.Members) != len(nodes) || s.Slots.Unclaimed+s.Slots.Short+s.Slots.Dead > 0 {
			return false
		}
	}
	return true
}

// statusOf asks one of the demo's nodes, which have no key.
func statusOf(ctx context.Context, addr string) (node.Status, error) {
	var s node.Status
	c, err := client.Dial(ctx, client.Config{Nodes: []string{addr}, Timeout: time.Second, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return s, err
	}
	defer c.Close()
	document, err := c.Status(ctx, addr)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(document, &s)
}

// answers reports whether a GET is answered with 200.
func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// end kills every process for good.
func (d *demo) end() {
	for _, c := range d.processes() {
		c.Retire()
	}
}

// report prints the ends of all logs, which are about to be removed.
func (d *demo) report(w io.Writer) {
	for _, c := range d.processes() {
		fmt.Fprintf(w, "--- the end of %s's log\n%s\n", c.Name, c.LogTail())
	}
}
