package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sessnode/sessnode/replica"
)

// ListByPrincipal is the ids of the live sessions of a principal, see [SetPrincipal] and [Sessions]. Whoever has an id has
// the session: show them to nobody. Errors: replica.ErrBadRequest for an empty principal; otherwise those of Sessions.
func (m *Manager) ListByPrincipal(ctx context.Context, principal string) ([]string, error) {
	if principal == "" {
		return nil, fmt.Errorf("list sessions: %w: no principal", replica.ErrBadRequest)
	}
	return Sessions(ctx, m.store, m.app, principal)
}

// destroyAtOnce bounds the sessions that DestroyByPrincipal ends at a time.
const destroyAtOnce = 16

// DestroyByPrincipal logs a principal out: it destroys all of its sessions for good, but for keep, the session of this
// request for instance, unless that is nil. It says how many there were. Sessions that begin while it runs may live on:
// change what logs in, a password say, before. Errors: those of [Manager.ListByPrincipal], and those of [Store] joined;
// then some sessions may be left, and calling it again is right.
func (m *Manager) DestroyByPrincipal(ctx context.Context, principal string, keep *Session) (int, error) {
	ids, err := m.ListByPrincipal(ctx, principal)
	if err != nil {
		return 0, err
	}
	if keep != nil {
		keep.mu.Lock()
		id := keep.state.id
		keep.mu.Unlock()
		ids = slices.DeleteFunc(ids, func(other string) bool { return other == id })
	}
	failed := make([]error, len(ids))
	var workers sync.WaitGroup
	for first := range min(destroyAtOnce, len(ids)) {
		workers.Go(func() {
			for i := first; i < len(ids); i += destroyAtOnce {
				_, err := answer(m.store.Commit(ctx, &replica.Commit{Key: replica.Key{App: m.app, ID: ids[i]}, Destroy: true}))
				if err != nil && !replica.Gone(err) {
					failed[i] = fmt.Errorf("destroy session %s: %w", replica.ShortID(ids[i]), err)
				}
			}
		})
	}
	workers.Wait()
	return len(ids), errors.Join(failed...)
}
