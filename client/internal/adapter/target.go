package adapter

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// Target is where an adapter keeps its sessions, and how.
type Target struct {
	Store      client.Store
	App        string // application that the sessions belong to; default the store's, else client.AppDefault
	Durability replica.Durability
}

// Checked is the target with its defaults, or why it cannot work.
func (t Target) Checked() (Target, error) {
	if t.Store == nil {
		return t, errors.New("no store")
	}
	if n, ok := t.Store.(interface{ App() string }); ok {
		t.App = cmp.Or(t.App, n.App())
	}
	t.App = cmp.Or(t.App, client.AppDefault)
	switch {
	case len(t.App) > replica.AppLenMax:
		return t, fmt.Errorf("application name of %d bytes, limit %d", len(t.App), replica.AppLenMax)
	case t.Durability > replica.DurableNone:
		return t, fmt.Errorf("durability is %d, which is none of the choices", t.Durability)
	}
	return t, nil
}

// Load reads a session; nil for one that is not there or not any more. It must not be modified.
func (t Target) Load(ctx context.Context, id string) (*replica.Session, error) {
	return t.load(ctx, &replica.Load{Key: replica.Key{App: t.App, ID: id}})
}

func (t Target) load(ctx context.Context, l *replica.Load) (*replica.Session, error) {
	res, err := t.Store.Load(ctx, l)
	if err == nil {
		err = res.Err()
	}
	if errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrDestroyed) {
		return nil, nil
	}
	return res.Session, err
}

// Commit makes a change in the target's application and with its durability. The error is that of the answer, or says
// why there is none.
func (t Target) Commit(ctx context.Context, c replica.Commit) error {
	c.Key.App, c.Durability = t.App, t.Durability
	res, err := t.Store.Commit(ctx, &c)
	if err != nil {
		return err
	}
	return res.Err()
}

// Destroy ends a session for good, also one that is unknown.
func (t Target) Destroy(ctx context.Context, id string) error {
	return t.Commit(ctx, replica.Commit{Key: replica.Key{ID: id}, Destroy: true})
}
