package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// saved says what a commit did that the browser must learn of.
type saved struct {
	created   string // id of a session begun, or ""
	destroyed bool
}

// save commits what the request changed: first the end of an old session, then the changes. It is not called by two
// goroutines at once, and not again after an error. What came before the failing step is in the result.
func (s *Session) save(ctx context.Context) (saved, error) {
	var done saved
	id, err := s.takeDoomed()
	if err != nil {
		return done, err
	}
	if id != "" {
		if err := s.destroy(ctx, id); err != nil {
			return done, err
		}
		done.destroyed = true
	}
	commit, life, err := s.takeChanges()
	if err != nil || commit == nil {
		return done, err
	}
	res, err := answer(s.manager.store.Commit(ctx, commit))
	s.took(commit, life, res, err)
	if err != nil {
		return done, commitError(commit, err)
	}
	if commit.Create {
		done.created = commit.Key.ID
	}
	return done, nil
}

// takeDoomed is the id to destroy, if any, or the reason why this request must not end well.
func (s *Session) takeDoomed() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.discarded {
		return "", nil
	}
	return s.state.doomed, s.state.err
}

// destroy ends a session at the store. That it has ended already is what was wanted.
func (s *Session) destroy(ctx context.Context, id string) error {
	commit := s.manager.commit(id)
	commit.Destroy = true
	if _, err := answer(s.manager.store.Commit(ctx, commit)); err != nil && !gone(err) {
		return fmt.Errorf("destroy session %s: %w", replica.ShortID(id), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.doomed == id {
		s.state.doomed = ""
	}
	return nil
}

// takeChanges moves the pending changes into a commit, or is nil when there is nothing new to say. life names the
// session that they are for.
func (s *Session) takeChanges() (commit *replica.Commit, life int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	news := st.pending.against(st.base)
	st.pending = changes{}
	if st.discarded || news.len() == 0 {
		return nil, 0, nil
	}
	commit = s.manager.commit(st.id)
	if st.id == "" {
		if commit.Key.ID, err = replica.NewID(rand.Reader); err != nil {
			return nil, 0, err
		}
		commit.Create, commit.Configure = true, true
		commit.Idle, commit.Lifetime = s.manager.idle, s.manager.lifetime
	}
	commit.Changes = news.list
	st.sending = news
	return commit, st.life, nil
}

// took ends the commit under way. Done, its changes are part of the session; failed, they stay visible to this request
// and are not sent again.
func (s *Session) took(commit *replica.Commit, life int, res replica.Result, err error) {
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	if st.life != life { // another goroutine of this request destroyed what was just written
		st.doomed = commit.Key.ID
		return
	}
	st.base, st.id = st.sending.committed(st.base, commit.Key, res.Stamp), commit.Key.ID
	st.sending = changes{}
}

// commit is the frame of every commit that the manager sends.
func (m *Manager) commit(id string) *replica.Commit {
	return &replica.Commit{
		Key:        replica.Key{App: m.app, ID: id},
		NotAfter:   time.Now().Add(m.timeout).UnixMilli(),
		Durability: m.durability,
	}
}

// gone reports whether err says that there is no such session.
func gone(err error) bool {
	return errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrDestroyed)
}

// commitError names the session. A session that was there when the request looked and is not now has ended meanwhile.
func commitError(c *replica.Commit, err error) error {
	if gone(err) {
		return fmt.Errorf("commit session %s: %w: %w", replica.ShortID(c.Key.ID), ErrEndedMeanwhile, err)
	}
	return fmt.Errorf("commit session %s: %w", replica.ShortID(c.Key.ID), err)
}
