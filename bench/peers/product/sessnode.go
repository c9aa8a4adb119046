package product

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
)

// app is the application that the sessions belong to.
const app = "bench"

// startLimit is how long a node waits for the others.
const startLimit = 30 * time.Second

// locatingStore is a client, or a node in this process.
type locatingStore interface {
	client.Store
	client.Locator
}

// sessnode is this project's product.
type sessnode struct {
	store   locatingStore
	members []string // the generators' nodes, by index
	copies  int
	close   func() error
}

func openRemote(s load.Setup) (load.Product, error) {
	c, err := client.Dial(context.Background(), client.Config{Nodes: s.Addrs, App: app, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return &sessnode{store: c, copies: copies(s), close: c.Close}, nil
}

// openEmbedded runs a node in this process; each generator has one.
func openEmbedded(s load.Setup) (load.Product, error) {
	n, stop, err := RunNode(node.Config{
		Name: s.Name, Listen: s.Listen, Join: s.Addrs, Expect: len(s.Addrs), Backups: s.Backups, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	p := &sessnode{store: n, copies: copies(s), close: stop}
	for i := range s.Count {
		p.members = append(p.members, NodeName(i))
	}
	return p, nil
}

// NodeName is the name of the i-th node, the first being 0.
func NodeName(i int) string { return fmt.Sprintf("node-%02d", i+1) }

// copies is how many nodes must hold a commit.
func copies(s load.Setup) int {
	switch s.Backups {
	case node.NoBackups:
		return 1
	case 0:
		return 2
	}
	return 1 + s.Backups
}

// RunNode starts a node in this process and waits until it is ready and sees as many members as it expects; stop ends it
// at once.
func RunNode(conf node.Config) (n *node.Node, stop func() error, err error) {
	if n, err = node.New(conf); err != nil {
		return nil, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- n.Run(context.Background()) }() // until stop closes the node
	stop = func() error {
		err := n.Close()
		<-ended
		return err
	}
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if s := n.Status(); s.Ready && len(s.Members) >= conf.Expect && s.Slots.Unclaimed+s.Slots.Short+s.Slots.Dead == 0 {
			return n, stop, nil
		}
		select {
		case <-tick.C:
		case err := <-ended:
			return nil, nil, fmt.Errorf("the node has ended: %w", err)
		case <-limit.C:
			return nil, nil, errors.Join(fmt.Errorf("the node is not ready after %v", startLimit), stop())
		}
	}
}

// Home implements load.Product.
func (p *sessnode) Home(id string) int {
	where, err := p.store.Locate(context.Background(), id)
	if err != nil {
		return -1
	}
	return slices.Index(p.members, where.Primary.Name)
}

// Create implements load.Product.
func (p *sessnode) Create(ctx context.Context, shape load.Shape, version uint64) (string, error) {
	id, err := replica.NewID(rand.Reader)
	if err != nil {
		return "", err
	}
	c := replica.Commit{Key: replica.Key{App: app, ID: id}, Create: true, Idle: load.Idle}
	for i, name := range shape.Names() {
		value := shape.Fill(i)
		if name == load.ChangedName {
			value = shape.Value(version)
		}
		c.Changes = append(c.Changes, replica.Change{Name: name, Value: value})
	}
	return id, commit(ctx, p.store, &c, p.copies)
}

// commit applies a commit and wants so many nodes to hold it.
func commit(ctx context.Context, store client.Store, c *replica.Commit, copies int) error {
	res, err := store.Commit(ctx, c)
	if err == nil {
		err = res.Err()
	}
	switch {
	case errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrDestroyed):
		return fmt.Errorf("%w: commit: %w", load.ErrWrong, err)
	case err == nil && res.Copies < copies:
		return fmt.Errorf("%w: commit on %d", load.ErrShort, res.Copies)
	}
	return err
}

// Caller implements load.Product.
func (p *sessnode) Caller(pool *load.Pool, way load.Way) load.Caller {
	d, copies := replica.Durability(way.Durability), p.copies
	switch d {
	case replica.DurableOne:
		copies = min(copies, 2)
	case replica.DurableNone:
		copies = 1
	}
	return &sessnodeCaller{store: p.store, product: p, pool: pool, durability: d, copies: copies}
}

// Close ends the connections.
func (p *sessnode) Close() error { return p.close() }

// sessnodeCaller uses the same requests again and again: a store keeps none.
type sessnodeCaller struct {
	store      locatingStore
	product    *sessnode
	pool       *load.Pool
	durability replica.Durability
	copies     int // that a commit waits for
	load       replica.Load
	commit     replica.Commit
	change     [1]replica.Change
}

// Browse implements load.Caller.
func (c *sessnodeCaller) Browse(ctx context.Context, session int) (uint64, error) {
	c.load = replica.Load{Key: replica.Key{App: app, ID: c.pool.IDs[session]}}
	res, err := c.store.Load(ctx, &c.load)
	if err == nil {
		err = res.Err()
	}
	if errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrDestroyed) {
		return 0, fmt.Errorf("%w: %w", load.ErrWrong, err)
	}
	if err != nil {
		return 0, err
	}
	value, _ := res.Session.Get(load.ChangedName)
	return load.Version(value)
}

// Cart implements load.Caller.
func (c *sessnodeCaller) Cart(ctx context.Context, session int, next uint64) (uint64, error) {
	read, err := c.Browse(ctx, session)
	if err != nil {
		return 0, err
	}
	c.change[0] = replica.Change{Name: load.ChangedName, Value: c.pool.Shape.Value(next)}
	c.commit = replica.Commit{Key: replica.Key{App: app, ID: c.pool.IDs[session]}, Changes: c.change[:]}
	c.commit.Durability = c.durability
	return read, commit(ctx, c.store, &c.commit, c.copies)
}

// Login implements load.Caller.
func (c *sessnodeCaller) Login(ctx context.Context) error {
	id, err := c.product.Create(ctx, c.pool.Shape, 1)
	if err != nil {
		return err
	}
	renewed, err := replica.NewTaggedID(rand.Reader, replica.Tag(id)) // in the same slot
	if err != nil {
		return err
	}
	if err := commit(ctx, c.store, &replica.Commit{Key: replica.Key{App: app, ID: id}, Renew: renewed}, c.product.copies); err != nil {
		return err
	}
	return commit(ctx, c.store, &replica.Commit{Key: replica.Key{App: app, ID: renewed}, Destroy: true}, c.product.copies)
}
