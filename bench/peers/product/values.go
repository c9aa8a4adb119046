package product

import (
	"context"
	"crypto/rand"

	"github.com/sessnode/sessnode/bench/peers/load"
)

// valueStore keeps a session as one value.
type valueStore interface {
	// get is a session; the caller owns it.
	get(ctx context.Context, id string) ([]byte, error)
	// put stores a session on two nodes.
	put(ctx context.Context, id string, session []byte) error
}

// createValue begins a session and returns its id.
func createValue(ctx context.Context, s valueStore, shape load.Shape, version uint64) (string, error) {
	id := rand.Text()
	return id, s.put(ctx, id, encode(shape, version))
}

// valueCaller reads and changes sessions that are single values.
type valueCaller struct {
	store valueStore
	pool  *load.Pool
}

// Browse implements load.Caller.
func (c valueCaller) Browse(ctx context.Context, session int) (uint64, error) {
	value, err := c.store.get(ctx, c.pool.IDs[session])
	if err != nil {
		return 0, err
	}
	return decode(value)
}

// Cart implements load.Caller.
func (c valueCaller) Cart(ctx context.Context, session int, next uint64) (uint64, error) {
	id := c.pool.IDs[session]
	value, err := c.store.get(ctx, id)
	if err != nil {
		return 0, err
	}
	read, err := decode(value)
	if err != nil {
		return 0, err
	}
	change(c.pool.Shape, value, next)
	return read, c.store.put(ctx, id, value)
}
