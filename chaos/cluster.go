package chaos

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sessnode/sessnode/chaos/lab"
	"github.com/sessnode/sessnode/child"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/wire"
)

// app is the application of all sessions of a run.
const app = "chaos"

// Time limits of what the cluster is waited for.
const (
	startLimit  = 60 * time.Second
	wholeLimit  = 60 * time.Second // until every slot has one primary and its copies again
	statusLimit = 2 * time.Second
	drainLimit  = 40 * time.Second // longer than a node drains
	lookAgain   = 50 * time.Millisecond
)

// controlName is the place of the client that asks for states; no fault cuts it off from a node whose cord is in.
const controlName = "control"

// member is one serve process in its place.
type member struct {
	*child.Process
	place *lab.Place
	clock string // file that says how wrong its clock is
}

// cluster is a lab with serve processes in it.
type cluster struct {
	pulse   *pulse // nil: nobody watches
	lab     *lab.Lab
	dir     string
	binary  string
	key     wire.Key
	members []*member
	guests  []*guest // nodes that may join
	control *client.Client
}

// found starts count nodes and waits until they are one cluster with all copies. The caller ends what it returns, also
// after an error.
func found(ctx context.Context, p *pulse, l *lab.Lab, dir, binary string, count int) (*cluster, error) {
	c := &cluster{pulse: p, lab: l, dir: dir, binary: binary}
	if err := c.layOut(count); err != nil {
		return c, err
	}
	for _, m := range c.members {
		if err := m.Start(); err != nil {
			return c, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	var err error
	if c.control, err = c.dial(ctx, controlName, client.Config{}); err != nil {
		return c, c.withLogs(err)
	}
	return c, c.awaitWhole(ctx, startLimit)
}

// layOut makes places, a key and processes; nothing runs yet.
func (c *cluster) layOut(count int) (err error) {
	if c.key, err = wire.GenerateKey(rand.Reader); err != nil {
		return err
	}
	if err := os.WriteFile(c.keyFile(), []byte(c.key.Text()), 0o600); err != nil {
		return err
	}
	var addrs []string
	for _, name := range nodeNames(count) {
		m, err := c.house(name)
		if err != nil {
			return err
		}
		c.members = append(c.members, m)
		addrs = append(addrs, m.place.Addr())
	}
	for _, name := range guestNames(count) {
		m, err := c.house(name)
		if err != nil {
			return err
		}
		c.guests = append(c.guests, &guest{member: m})
	}
	for _, m := range c.everybody() {
		m.Args = []string{
			"serve", "-name", m.Name, "-bind", m.place.Listen(), "-advertise", m.place.Addr(), "-join", strings.Join(addrs, ","),
			"-expect", strconv.Itoa(count), "-key-file", c.keyFile(), "-state-dir", c.dir, "-clock", m.clock,
		}
	}
	return nil
}

// house makes a process in a place of its own; it is not started.
func (c *cluster) house(name string) (*member, error) {
	p, err := c.lab.Add(name)
	if err != nil {
		return nil, err
	}
	m := &member{Process: &child.Process{Name: name, Dir: c.dir, Binary: c.binary}, place: p, clock: filepath.Join(c.dir, name+".clock")}
	p.House(m.Process)
	return m, nil
}

// everybody is all nodes, those that may join included.
func (c *cluster) everybody() []*member {
	all := slices.Clone(c.members)
	for _, g := range c.guests {
		all = append(all, g.member)
	}
	return all
}

func (c *cluster) keyFile() string { return filepath.Join(c.dir, "key") }

// dial is a client in a place of its own. Without Nodes it knows all of them.
func (c *cluster) dial(ctx context.Context, place string, conf client.Config) (*client.Client, error) {
	p, err := c.lab.Add(place)
	if err != nil {
		return nil, err
	}
	return c.dialIn(ctx, p, conf)
}

func (c *cluster) dialIn(ctx context.Context, p *lab.Place, conf client.Config) (*client.Client, error) {
	socket, err := p.Open("")
	if err != nil {
		return nil, err
	}
	if len(conf.Nodes) == 0 {
		for _, m := range c.members {
			conf.Nodes = append(conf.Nodes, m.place.Addr())
		}
	}
	conf.App, conf.Key, conf.PacketConn, conf.Log = app, c.key, socket, slog.New(slog.DiscardHandler)
	return client.Dial(ctx, conf)
}

// end kills every process for good.
func (c *cluster) end() {
	for _, m := range c.everybody() {
		m.Retire()
	}
	if c.control != nil {
		_ = c.control.Close() // its nodes are dead
	}
}

// member is the node of that name; names were validated.
func (c *cluster) member(name string) *member {
	for _, m := range c.members {
		if m.Name == name {
			return m
		}
	}
	panic("chaos: BUG: no node " + name)
}

// died is the first process that has ended although nobody here ended it.
func (c *cluster) died() error {
	for _, m := range c.everybody() {
		if m.Died() {
			return fmt.Errorf("%s has ended by itself; the end of its log: %s", m.Name, m.LogTail())
		}
	}
	return nil
}

// withLogs adds the ends of the nodes' logs to an error.
func (c *cluster) withLogs(err error) error {
	for _, m := range c.members {
		err = fmt.Errorf("%w\n--- the end of %s's log\n%s", err, m.Name, m.LogTail())
	}
	return err
}

// state is the part of a node's status that matters here.
type state struct {
	Ready   bool
	Reason  string
	Clock   time.Time
	Members []struct{ Name string }
	Slots   struct{ Total, Unclaimed, Short, Dead int }
	Held    struct{ Primary, Backup, Holder int }
}

// ask gives a node an operator's command and decodes the answer.
func (c *cluster) ask(ctx context.Context, m *member, command string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, statusLimit)
	defer cancel()
	document, err := c.control.Admin(ctx, m.place.Addr(), command, "")
	if err != nil {
		return err
	}
	return json.Unmarshal(document, answer)
}

// ErrNotWhole means that the nodes did not become one cluster again in time.
var ErrNotWhole = errors.New("the nodes are not one cluster with all its copies")

// awaitWhole waits until every slot has one primary and its copies, and what a split left is merged.
func (c *cluster) awaitWhole(ctx context.Context, limit time.Duration) error {
	late := time.NewTimer(limit)
	defer late.Stop()
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for {
		why := c.lacking(ctx)
		c.pulse.waitsFor(why)
		if why == "" {
			return nil
		}
		if err := c.died(); err != nil {
			return err
		}
		select {
		case <-again.C:
		case <-late.C:
			return fmt.Errorf("%w after %v: %s", ErrNotWhole, limit, why)
		case <-ctx.Done():
			return fmt.Errorf("%w: %s: %w", ErrNotWhole, why, context.Cause(ctx))
		}
	}
}

// lacking says what the first node that lacks something lacks.
func (c *cluster) lacking(ctx context.Context) string {
	least, most := c.company()
	primaries, total := c.heldByGuests(ctx), 0
	for _, m := range c.members {
		var s state
		if err := c.ask(ctx, m, "status", &s); err != nil {
			return fmt.Sprintf("%s does not answer: %v", m.Name, err)
		}
		switch {
		case !s.Ready:
			return fmt.Sprintf("%s is not ready: %s", m.Name, cmp.Or(s.Reason, "it does not say why"))
		case len(s.Members) < least || len(s.Members) > most:
			return fmt.Sprintf("%s sees %d members of %d", m.Name, len(s.Members), least)
		case s.Slots.Unclaimed+s.Slots.Short+s.Slots.Dead > 0:
			return fmt.Sprintf("%s knows of %d slots unclaimed, %d short of a backup, %d with a dead primary",
				m.Name, s.Slots.Unclaimed, s.Slots.Short, s.Slots.Dead)
		case s.Held.Holder > 0:
			return fmt.Sprintf("%s has %d slots to be merged", m.Name, s.Held.Holder)
		}
		primaries, total = primaries+s.Held.Primary, s.Slots.Total
	}
	if primaries != total {
		return fmt.Sprintf("%d primaries for %d slots", primaries, total)
	}
	return ""
}
