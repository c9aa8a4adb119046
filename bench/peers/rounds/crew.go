package rounds

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"path/filepath"
	"time"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/bench/peers/stand"
	"github.com/sessnode/sessnode/child"
)

// Generate is the first argument of a process that is a generator; the second is the socket on which it answers.
const Generate = "generate"

// crew is the generators of one product.
type crew struct {
	members []*child.Process
	lines   []*rpc.Client
	pools   map[string]*pool
	dir     string
}

// pool is sessions that the generators know.
type pool struct {
	board *load.Board
	ids   []string
}

// assemble starts count generators, which open their product at the same time: nodes in them wait for one another.
func assemble(ctx context.Context, dir string, count int, st stand.Stand) (*crew, error) {
	c := &crew{dir: dir, pools: map[string]*pool{}}
	for i := range count {
		name := fmt.Sprintf("generator-%d", i+1)
		socket := filepath.Join(dir, name+".sock")
		p := &child.Process{Name: name, Dir: dir, Args: []string{Generate, socket}}
		c.members = append(c.members, p)
		if err := p.Start(); err != nil {
			return c, err
		}
		line, err := dial(ctx, p, socket)
		if err != nil {
			return c, err
		}
		c.lines = append(c.lines, line)
	}
	return c, c.each("Open", func(i int) any {
		setup := st.Generator(i)
		setup.Index, setup.Count = i, count
		return setup
	})
}

// dial connects to a generator that has just been started.
func dial(ctx context.Context, p *child.Process, socket string) (*rpc.Client, error) {
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			return rpc.NewClient(conn), nil
		}
		if p.Died() {
			return nil, fmt.Errorf("%s has ended by itself; the end of its log: %s", p.Name, p.LogTail())
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return nil, err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// end kills the generators.
func (c *crew) end() {
	for _, line := range c.lines {
		_ = line.Close() // the process dies anyway
	}
	for _, p := range c.members {
		p.Retire()
	}
	for _, p := range c.pools {
		_ = p.board.Close()
	}
}

// each calls all generators at the same time; their answers are dropped.
func (c *crew) each(method string, argument func(i int) any) error {
	_, err := ask[load.Nothing](c, method, argument)
	return err
}

// ask calls all generators at the same time.
func ask[A any](c *crew, method string, argument func(i int) any) ([]A, error) {
	answers := make([]A, len(c.lines))
	var calls []*rpc.Call
	for i, line := range c.lines {
		calls = append(calls, line.Go("Generator."+method, argument(i), &answers[i], make(chan *rpc.Call, 1)))
	}
	var errs []error
	for i, call := range calls {
		if <-call.Done; call.Error != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w; the end of its log: %s", c.members[i].Name, method, call.Error, c.members[i].LogTail()))
		}
	}
	return answers, errors.Join(errs...)
}

// only is one of the generators, to be asked alone.
func (c *crew) only(i int) *crew { return &crew{members: c.members[i:][:1], lines: c.lines[i:][:1]} }

func same(argument any) func(int) any { return func(int) any { return argument } }

// fill makes sessions, each generator its share.
func (c *crew) fill(name string, shape load.Shape, sessions int) error {
	file := filepath.Join(c.dir, name+".board")
	board, err := load.NewBoard(file, sessions)
	if err != nil {
		return err
	}
	p := &pool{board: board}
	c.pools[name] = p
	for i := range sessions {
		board.Set(i, uint64(len(c.lines)+i)) // so that each generator has its turn with as many
	}
	if err := c.each("OpenPool", same(load.NewPool{Name: name, Board: file, Shape: shape})); err != nil {
		return err
	}
	made, err := ask[[]string](c, "Create", c.share(name))
	if err != nil {
		return err
	}
	for _, ids := range made {
		p.ids = append(p.ids, ids...)
	}
	return c.each("Know", same(load.Known{Pool: name, IDs: p.ids}))
}

// warm has every generator read every session once, the way a mode does: what a product remembers of sessions in the
// application's process it has been told then, and sessions that move to the server that they are asked for at have moved.
func (c *crew) warm(m Mode) error {
	for name := range c.pools {
		if err := c.each("Warm", same(load.Reading{Pool: name, Way: load.Way{ToHome: m.ToHome}})); err != nil {
			return err
		}
	}
	return nil
}

// share is the part of a pool that each generator creates or verifies.
func (c *crew) share(name string) func(i int) any {
	sessions, count := c.pools[name].board.Len(), len(c.lines)
	return func(i int) any {
		return load.Span{Pool: name, From: sessions * i / count, To: sessions * (i + 1) / count}
	}
}

// verify compares every session with what was acknowledged last, and returns the first few that differ.
func (c *crew) verify(name string) (wrong []string, err error) {
	all, err := ask[[]string](c, "Verify", c.share(name))
	for _, some := range all {
		wrong = append(wrong, some...)
	}
	return wrong, err
}
