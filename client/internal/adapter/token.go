package adapter

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// valueName is the attribute that holds what was written under a token.
const valueName = "value"

// upsertsMax bounds the attempts of a write while others create and lose the same session.
const upsertsMax = 3

// ID is the session id that stands for a token: a function of the token alone, from which nobody finds the token.
func ID(token string) string {
	sum := sha256.Sum256([]byte(token))
	id, err := replica.NewID(bytes.NewReader(sum[:]))
	if err != nil {
		panic("adapter: BUG: a digest is too short for a session id")
	}
	return id
}

// Find returns a copy of what was written under a token, and whether there is anything.
func (t Target) Find(ctx context.Context, token string) ([]byte, bool, error) {
	s, err := t.Load(ctx, ID(token))
	if err != nil || s == nil {
		return nil, false, err
	}
	value, ok := s.Get(valueName)
	return bytes.Clone(value), ok, nil
}

// Write puts a copy of value under a token, for as long as lifetime says; zero is the cluster's limit. The first write
// creates. Errors: replica.ErrDestroyed once the token was deleted; replica.ErrTooLarge for a value or a lifetime beyond
// the cluster's limits; otherwise those of the store.
func (t Target) Write(ctx context.Context, token string, value []byte, lifetime time.Duration) error {
	c := replica.Commit{
		Key: replica.Key{ID: ID(token)}, Configure: true, Lifetime: lifetime,
		Changes: []replica.Change{{Name: valueName, Value: bytes.Clone(value)}},
	}
	var err error
	for range upsertsMax {
		c.Create = false
		if err = t.Commit(ctx, c); !errors.Is(err, replica.ErrNotFound) {
			return err
		}
		c.Create = true
		if err = t.Commit(ctx, c); !errors.Is(err, replica.ErrExists) {
			return err
		}
	}
	return err
}

// Delete ends a token for good. Deleting what is not there is no error.
func (t Target) Delete(ctx context.Context, token string) error { return t.Destroy(ctx, ID(token)) }
