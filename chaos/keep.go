package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sessnode/sessnode/chaos/control"
	"github.com/sessnode/sessnode/chaos/lab"
)

// watchEvery is how often a lab that is kept up looks how its nodes are.
const watchEvery = time.Second

// KeepOptions say which cluster to keep up for somebody to break by hand.
type KeepOptions struct {
	Name    string // of the lab, one of which runs at a time; default control.DefaultName
	Dir     string // for logs, key and state, which stay; it must be empty or not exist. Default: a temporary one, which does not stay
	Binary  string // as in Options
	Nodes   int    // default 5
	Network string // default NetworkAuto

	Ready func(Shown)                      // is called when all of it is up
	Say   func(format string, args ...any) // is told what happens, a line at a time; from one goroutine at a time
}

// Validate reports what cannot be meant, as ErrOptions.
func (o KeepOptions) Validate() error {
	return Options{Dir: ".", Nodes: o.Nodes, Network: o.Network}.Validate()
}

// Keep starts a cluster and does to it what orders say, see [Give], until ctx is done; then nothing of it remains but what
// KeepOptions says. Every process of this machine may reach the nodes. The end of ctx is an error only before the cluster is up.
// The errors are ErrOptions, those of [control.Listen], lab.ErrUnsupported, and what went wrong.
func Keep(ctx context.Context, o KeepOptions) (err error) {
	if err := o.Validate(); err != nil {
		return err
	}
	common := Options{Nodes: o.Nodes, Network: o.Network, Say: o.Say}.withDefaults()
	dir, err := control.Dir()
	if err != nil {
		return err
	}
	line, err := control.Listen(dir, cmp.Or(o.Name, control.DefaultName))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, line.Close()) }()
	home, remove, err := o.home(line)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	l, network, err := open(common.Network)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := l.Admit(); err != nil {
		return err
	}
	h := &hand{name: cmp.Or(o.Name, control.DefaultName), network: network, dir: home, pid: os.Getpid(), up: make(chan struct{}),
		over: make(chan struct{}), turn: make(chan struct{}, 1)}
	defer close(h.over)
	line.Serve(h.handle)
	common.Say("starting %d nodes on the network %q", common.Nodes, network)
	c, err := found(ctx, nil, l, home, o.Binary, common.Nodes)
	defer c.end()
	if err != nil {
		return fmt.Errorf("start the cluster: %w", err)
	}
	h.stage = &stage{cluster: c, clients: []string{lab.Strangers}, say: common.Say}
	if o.Ready != nil {
		o.Ready(h.show(ctx))
	}
	close(h.up)
	h.watch(ctx)
	common.Say("ending")
	return nil
}

// home makes the directory of the lab. It is removed by remove, or after a crash by the line's next holder, unless it stays.
func (o KeepOptions) home(line *control.Line) (dir string, remove func() error, err error) {
	stays := func() error { return nil }
	if o.Dir == "" {
		if dir, err = os.MkdirTemp("", control.LeavingsPrefix); err != nil {
			return "", stays, err
		}
		if err = line.Leaves(dir); err != nil {
			return "", stays, errors.Join(err, os.RemoveAll(dir))
		}
		return dir, func() error { return os.RemoveAll(dir) }, nil
	}
	if dir, err = filepath.Abs(o.Dir); err != nil {
		return "", stays, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", stays, err
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%w: %s is not empty: name a new directory", ErrOptions, dir)
	}
	return dir, stays, err
}

// watch says how the nodes are, whenever that has changed, until ctx is done.
func (h *hand) watch(ctx context.Context) {
	again := time.NewTicker(watchEvery)
	defer again.Stop()
	sights, whole := make(map[string]string), true
	for {
		for _, n := range h.look(ctx) {
			now := n.Sight(len(h.members))
			if before, known := sights[n.Name]; ctx.Err() == nil && now != before && (known || n.Process != processUp) {
				h.say("%s %s", n.Name, now)
			}
			sights[n.Name] = now
		}
		lacking := h.lacking(ctx)
		if ctx.Err() == nil && lacking == "" && !whole {
			h.say("the nodes are one cluster with all copies")
		}
		whole = lacking == ""
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}
