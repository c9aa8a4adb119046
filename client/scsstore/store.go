package scsstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/client/internal/adapter"
	"github.com/sessnode/sessnode/replica"
)

// Config configures a [Store]. Everything but Store may be left zero.
type Config struct {
	Store      client.Store
	App        string             // application that the sessions belong to; default the store's, else client.AppDefault
	Durability replica.Durability // copies that a write waits for; default all
}

// Build makes a store, or says which field cannot work.
func (c Config) Build() (*Store, error) {
	target, err := adapter.Target{Store: c.Store, App: c.App, Durability: c.Durability}.Checked()
	if err != nil {
		return nil, fmt.Errorf("scsstore: %w", err)
	}
	return &Store{target}, nil
}

// New makes a store with the defaults of [Config]. It panics for a nil store.
func New(store client.Store) *Store {
	s, err := Config{Store: store}.Build()
	if err != nil {
		panic(err.Error())
	}
	return s
}

// Store is an scs.Store, scs.CtxStore and scs.IterableStore. It is safe for concurrent use. The methods without a context wait as long as
// the client.Store does by itself.
type Store struct{ target adapter.Target }

// errNoToken: scs gave every session a token before it commits.
var errNoToken = errors.New("scsstore: commit without a token")

// lifetimeMin stands for a time that is over: zero would be the longest there is.
const lifetimeMin = time.Millisecond

// FindCtx returns what was last committed under a token; not found, and no error, is also what expired, what was deleted
// and what was never a token. Any other error is the store's.
func (s *Store) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	if token == "" {
		return nil, false, nil
	}
	b, found, err := s.target.Find(ctx, token)
	if err != nil {
		return nil, false, fmt.Errorf("scsstore: find: %w", err)
	}
	return b, found, nil
}

// CommitCtx writes b, of which it keeps a copy, under a token until expiry. Errors: replica.ErrDestroyed when the token
// was deleted; replica.ErrTooLarge when b or the time until expiry is beyond the cluster's limits; otherwise the store's.
func (s *Store) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	if token == "" {
		return errNoToken
	}
	if err := s.target.Write(ctx, token, b, max(time.Until(expiry), lifetimeMin)); err != nil {
		return fmt.Errorf("scsstore: commit: %w", err)
	}
	return nil
}

// DeleteCtx ends a token for good. Deleting what is not there is no error.
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	if token == "" {
		return nil // scs destroys what was never committed
	}
	if err := s.target.Delete(ctx, token); err != nil {
		return fmt.Errorf("scsstore: delete: %w", err)
	}
	return nil
}

// AllCtx returns everything that is kept, by token. It loads one session after the other. Errors: errors.ErrUnsupported
// for a client.Store that cannot list; otherwise the store's.
func (s *Store) AllCtx(ctx context.Context) (map[string][]byte, error) {
	all, err := s.target.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("scsstore: all: %w", err)
	}
	return all, nil
}

// All is [Store.AllCtx] without a context.
func (s *Store) All() (map[string][]byte, error) { return s.AllCtx(context.Background()) }

// Find is [Store.FindCtx] without a context.
func (s *Store) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is [Store.CommitCtx] without a context.
func (s *Store) Commit(token string, b []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, b, expiry)
}

// Delete is [Store.DeleteCtx] without a context.
func (s *Store) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
