package stand

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/bench/peers/product"
	"github.com/sessnode/sessnode/child"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
)

// sessnode is `sessnode serve` processes, or the addresses of nodes that live in the generators.
type sessnode struct {
	servers
	opt      Options
	addrs    []string
	embedded bool
}

func newRemote(opt Options) (Stand, error) {
	s, err := layOut(opt)
	if err != nil {
		return nil, err
	}
	for i, addr := range s.addrs {
		name := product.NodeName(i)
		args := []string{"serve", "-name", name, "-bind", addr, "-join", strings.Join(s.addrs, ","),
			"-expect", fmt.Sprint(len(s.addrs)), "-state-dir", filepath.Join(opt.Dir)}
		if opt.Backups != 0 {
			args = append(args, "-backups", fmt.Sprint(max(opt.Backups, 0)))
		}
		if opt.Slots != 0 {
			args = append(args, "-slots", fmt.Sprint(opt.Slots))
		}
		s.servers = append(s.servers, &child.Process{Name: name, Dir: opt.Dir, Binary: opt.Sessnode, Args: args})
	}
	return s, nil
}

func newEmbedded(opt Options) (Stand, error) {
	s, err := layOut(opt)
	if err == nil {
		s.embedded = true
	}
	return s, err
}

func layOut(opt Options) (*sessnode, error) {
	opt.Nodes = cmp.Or(opt.Nodes, 3)
	addrs, err := child.FreeAddrs(opt.Nodes)
	return &sessnode{opt: opt, addrs: addrs}, err
}

// Begin implements Stand.
func (s *sessnode) Begin(ctx context.Context) error {
	if s.embedded {
		return nil // the generators start them
	}
	if err := s.start(); err != nil {
		return err
	}
	return s.await(ctx, func(ctx context.Context) error {
		_, err := s.held(ctx)
		return err
	})
}

// Generator implements Stand.
func (s *sessnode) Generator(i int) load.Setup {
	setup := load.Setup{Product: "remote", Addrs: s.addrs, Backups: s.opt.Backups}
	if s.embedded {
		setup.Product, setup.Name, setup.Listen = "embedded", product.NodeName(i), s.addrs[i]
	}
	return setup
}

// held is how many sessions the nodes hold together, each copy counted, when all nodes are ready and miss no backup.
func (s *sessnode) held(ctx context.Context) (int, error) {
	all, err := s.statuses(ctx)
	sum := 0
	for _, st := range all {
		if !st.Ready || len(st.Members) != len(s.addrs) || st.Slots.Unclaimed+st.Slots.Short+st.Slots.Dead > 0 {
			return 0, fmt.Errorf("%s is not ready: %s, %d members, slots %+v", st.Node, st.Reason, len(st.Members), st.Slots)
		}
		sum += st.Held.Sessions
	}
	return sum, err
}

// statuses are those of all nodes.
func (s *sessnode) statuses(ctx context.Context) (all []node.Status, err error) {
	c, err := client.Dial(ctx, client.Config{Nodes: s.addrs, App: "status", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for _, addr := range s.addrs {
		document, err := c.Status(ctx, addr)
		if err != nil {
			return nil, err
		}
		var st node.Status
		if err := json.Unmarshal(document, &st); err != nil {
			return nil, err
		}
		all = append(all, st)
	}
	return all, nil
}

// Copies implements Stand. What each copy holds is not compared here: a commit that reached fewer copies has been counted
// as wrong when it was answered.
func (s *sessnode) Copies(ctx context.Context, _ []string, _ *load.Board, all int) error {
	copies := 2
	if s.opt.Backups != 0 {
		copies = 1 + max(s.opt.Backups, 0)
	}
	held, err := s.held(ctx)
	if err == nil && held < copies*all {
		err = fmt.Errorf("%w: nodes hold %d copies of %d sessions", load.ErrWrong, held, all)
	}
	return err
}
