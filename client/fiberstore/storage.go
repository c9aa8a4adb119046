package fiberstore

import (
	"context"
	"fmt"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/client/internal/adapter"
	"github.com/sessnode/sessnode/replica"
)

// Config configures a [Storage]. Everything but Store may be left zero.
type Config struct {
	Store      client.Store
	App        string             // application that the sessions belong to; default the store's, else client.AppDefault
	Durability replica.Durability // copies that a write waits for; default all
}

// Build makes a storage, or says which field cannot work.
func (c Config) Build() (*Storage, error) {
	target, err := adapter.Target{Store: c.Store, App: c.App, Durability: c.Durability}.Checked()
	if err != nil {
		return nil, fmt.Errorf("fiberstore: %w", err)
	}
	return &Storage{target}, nil
}

// New makes a storage with the defaults of [Config]. It panics for a nil store.
func New(store client.Store) *Storage {
	s, err := Config{Store: store}.Build()
	if err != nil {
		panic(err.Error())
	}
	return s
}

// Storage is a fiber.Storage. It is safe for concurrent use. The methods without a context wait as long as the
// client.Store does by itself.
type Storage struct{ target adapter.Target }

// GetWithContext returns what was last written under a key, the caller's own; nil, and no error, for what expired, what
// was deleted and what never was. Any other error is the store's.
func (s *Storage) GetWithContext(ctx context.Context, key string) ([]byte, error) {
	if key == "" {
		return nil, nil
	}
	value, _, err := s.target.Find(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("fiberstore: get: %w", err)
	}
	return value, nil
}

// SetWithContext writes value, of which it keeps a copy, under a key for as long as expiration says; zero is the longest
// that the cluster allows. An empty key or value is ignored. Errors: replica.ErrDestroyed when the key was deleted;
// replica.ErrTooLarge when value or expiration is beyond the cluster's limits; replica.ErrBadRequest for a negative
// expiration; otherwise the store's.
func (s *Storage) SetWithContext(ctx context.Context, key string, value []byte, expiration time.Duration) error {
	if key == "" || len(value) == 0 {
		return nil
	}
	if err := s.target.Write(ctx, key, value, expiration); err != nil {
		return fmt.Errorf("fiberstore: set: %w", err)
	}
	return nil
}

// DeleteWithContext ends a key for good. Deleting what is not there is no error.
func (s *Storage) DeleteWithContext(ctx context.Context, key string) error {
	if key == "" {
		return nil
	}
	if err := s.target.Delete(ctx, key); err != nil {
		return fmt.Errorf("fiberstore: delete: %w", err)
	}
	return nil
}

// ResetWithContext ends every session of the application for good, also those that fiber did not make. Errors:
// errors.ErrUnsupported for a client.Store that cannot list; otherwise the store's, and then some may be left.
func (s *Storage) ResetWithContext(ctx context.Context) error {
	if err := s.target.Reset(ctx); err != nil {
		return fmt.Errorf("fiberstore: reset: %w", err)
	}
	return nil
}

// Get is [Storage.GetWithContext] without a context.
func (s *Storage) Get(key string) ([]byte, error) { return s.GetWithContext(context.Background(), key) }

// Set is [Storage.SetWithContext] without a context.
func (s *Storage) Set(key string, value []byte, expiration time.Duration) error {
	return s.SetWithContext(context.Background(), key, value, expiration)
}

// Delete is [Storage.DeleteWithContext] without a context.
func (s *Storage) Delete(key string) error { return s.DeleteWithContext(context.Background(), key) }

// Reset is [Storage.ResetWithContext] without a context.
func (s *Storage) Reset() error { return s.ResetWithContext(context.Background()) }

// Close does nothing: the client.Store is closed by whoever opened it.
func (s *Storage) Close() error { return nil }
