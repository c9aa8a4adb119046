package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sessnode/sessnode/child"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
)

// Time limits of what a cluster is waited for.
const (
	startLimit  = 30 * time.Second
	copiesLimit = 2 * time.Minute // until every slot has its copies again
	statusLimit = 2 * time.Second
)

// member is one `sessnode serve` process.
type member struct {
	*child.Process
	addr string
}

// cluster is the processes of a scenario, node-01, node-02 and so on, some of which may be dead or not started yet.
type cluster struct {
	members []*member
	control *client.Client // for status and layout; the load has its own
}

// layOut chooses names and ports for count nodes, of which founders found the cluster; nothing runs yet. The names are
// those of ring.Preview.
func layOut(opt Options, dir string, count, founders int) (*cluster, error) {
	addrs, err := child.FreeAddrs(count)
	if err != nil {
		return nil, err
	}
	c := &cluster{}
	for i, addr := range addrs {
		name := fmt.Sprintf("node-%02d", i+1)
		args := []string{"serve", "-name", name, "-bind", addr, "-join", strings.Join(addrs[:founders], ","),
			"-expect", fmt.Sprint(founders), "-state-dir", filepath.Join(dir, name)}
		c.members = append(c.members, &member{
			&child.Process{Name: name, Dir: dir, Binary: cmp.Or(opt.From, opt.Binary), Args: slices.Concat(args, opt.Serve)}, addr,
		})
	}
	return c, nil
}

// begin starts the first count members and waits until every slot has its copies.
func (c *cluster) begin(ctx context.Context, count int) error {
	for _, m := range c.members {
		if err := os.MkdirAll(filepath.Join(m.Dir, m.Name), 0o700); err != nil {
			return err
		}
	}
	for _, m := range c.members[:count] {
		if err := m.Start(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	var err error
	if c.control, err = c.dial(ctx, client.Config{}); err != nil {
		return err
	}
	return c.awaitCopies(ctx)
}

// dial is a client of the cluster.
func (c *cluster) dial(ctx context.Context, conf client.Config) (*client.Client, error) {
	if len(conf.Nodes) == 0 {
		for _, m := range c.members {
			conf.Nodes = append(conf.Nodes, m.addr)
		}
	}
	conf.App, conf.Log = app, slog.New(slog.DiscardHandler)
	return client.Dial(ctx, conf)
}

// end kills every process for good.
func (c *cluster) end() {
	for _, m := range c.members {
		m.Retire()
	}
	if c.control != nil {
		_ = c.control.Close() // its nodes are dead
	}
}

// living are the members whose process runs.
func (c *cluster) living() []*member {
	return slices.DeleteFunc(slices.Clone(c.members), func(m *member) bool { return m.PID() == 0 })
}

// report is what a node says of itself. Progress is nil from a node that tells none.
type report struct {
	node.Status
	Progress *progress `json:"progress"`
}

// progress is the part of a status about what moves.
type progress struct {
	Moving     int     `json:"moving"`
	SentBytes  uint64  `json:"sent_bytes"`
	Pauses     int     `json:"pauses"` // hand-offs given, of which the next two are
	PauseP50MS float64 `json:"pause_p50_ms"`
	PauseP99MS float64 `json:"pause_p99_ms"`
}

// ask is a member's own status.
func (c *cluster) ask(ctx context.Context, m *member) (report, error) {
	ctx, cancel := context.WithTimeout(ctx, statusLimit)
	defer cancel()
	var r report
	document, err := c.control.Status(ctx, m.addr)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(document, &r)
}

// awaitCopies waits until every living node is ready, sees all others, and misses no backup of any slot.
func (c *cluster) awaitCopies(ctx context.Context) error {
	why := ""
	ok, err := c.await(ctx, copiesLimit, func() bool {
		why = c.lacking(ctx)
		return why == ""
	})
	if err == nil && !ok {
		err = fmt.Errorf("not every copy is restored after %v: %s", copiesLimit, why)
	}
	return err
}

// lacking says what the first node that lacks something lacks.
func (c *cluster) lacking(ctx context.Context) string {
	living := c.living()
	for _, m := range living {
		s, err := c.ask(ctx, m)
		switch {
		case err != nil:
			return fmt.Sprintf("%s does not answer: %v", m.Name, err)
		case !s.Ready:
			return fmt.Sprintf("%s is not ready: %s", m.Name, s.Reason)
		case len(s.Members) != len(living):
			return fmt.Sprintf("%s sees %d members of %d", m.Name, len(s.Members), len(living))
		case s.Slots.Unclaimed+s.Slots.Short+s.Slots.Dead > 0:
			return fmt.Sprintf("%s knows of %d slots unclaimed, %d short of a backup, %d with a dead primary",
				m.Name, s.Slots.Unclaimed, s.Slots.Short, s.Slots.Dead)
		}
	}
	return ""
}

// await asks again and again until done, and reports whether that came within the limit. The unexpected end of a process is
// an error.
func (c *cluster) await(ctx context.Context, limit time.Duration, done func() bool) (bool, error) {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		for _, m := range c.members {
			if m.Died() {
				return false, fmt.Errorf("%s has ended by itself; the end of its log: %s", m.Name, m.LogTail())
			}
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return false, nil
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
	return true, nil
}
