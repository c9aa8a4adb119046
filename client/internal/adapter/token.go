package adapter

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// The attributes of a session: what was written under the token, and the token itself, for All.
const (
	valueName = "value"
	tokenName = "token"
)

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
		if err = t.Commit(ctx, c); !errors.Is(err, replica.ErrNotFound) {
			return err
		}
		first := c
		first.Create = true
		first.Changes = append(first.Changes[:1:1], replica.Change{Name: tokenName, Value: []byte(token)})
		if err = t.Commit(ctx, first); !errors.Is(err, replica.ErrExists) {
			return err
		}
	}
	return err
}

// All is what was written under every token that lives. It loads one session after the other and counts as an access to
// none. Errors: errors.ErrUnsupported for a store that cannot list; otherwise those of the store.
func (t Target) All(ctx context.Context) (map[string][]byte, error) {
	ids, err := client.Sessions(ctx, t.Store, t.App, "")
	if err != nil {
		return nil, err
	}
	all := make(map[string][]byte, len(ids))
	for _, id := range ids {
		s, err := t.load(ctx, &replica.Load{Key: replica.Key{App: t.App, ID: id}, Peek: true})
		if err != nil {
			return nil, err
		}
		if s == nil {
			continue // ended since
		}
		token, ok := s.Get(tokenName)
		if value, has := s.Get(valueName); ok && has {
			all[string(token)] = bytes.Clone(value)
		}
	}
	return all, nil
}

// Reset ends every session of the application for good, also those of others than the adapter. Errors as for All; then
// some may be left.
func (t Target) Reset(ctx context.Context) error {
	ids, err := client.Sessions(ctx, t.Store, t.App, "")
	for _, id := range ids {
		if err = t.Destroy(ctx, id); err != nil {
			break
		}
	}
	return err
}

// Delete ends a token for good. Deleting what is not there is no error.
func (t Target) Delete(ctx context.Context, token string) error { return t.Destroy(ctx, ID(token)) }
