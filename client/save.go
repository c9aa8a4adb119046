package client

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// intent is what a request wants of its session and has not committed. The zero value wants nothing.
type intent struct {
	changes
	renew bool // the session goes on under a new id
}

// begins reports whether committing i makes a session where there is none.
func (i *intent) begins() bool { return i.len() > 0 }

// wanted reports whether i wants anything.
func (i *intent) wanted() bool { return i.begins() || i.renew }

// after is what is wanted when i is wanted on top of old.
func (i intent) after(old intent) (intent, error) {
	for _, ch := range i.list {
		if err := old.put(ch); err != nil {
			return i, err
		}
	}
	old.renew = old.renew || i.renew
	return old, nil
}

// notice is what the browser must learn.
type notice struct {
	id      string // of the session from now on, or ""
	expired bool   // the id that it has is to be forgotten
}

// save commits what the request changed: first the end of an old session, then the changes. After an error what was
// not committed is still wanted. copies is the answer of the last commit, zero when there was nothing to commit.
func (s *Session) save(ctx context.Context) (copies int, err error) {
	if !s.wantsCommit() {
		return 0, s.failure()
	}
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.end()
	copies, err = s.destroyDoomed(ctx)
	if err != nil {
		return 0, err
	}
	n, err := s.commitOnce(ctx)
	if n > 0 {
		copies = n
	}
	return copies, err
}

// wantsCommit reports whether there may be something to commit.
func (s *Session) wantsCommit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	return !st.discarded && st.err == nil && (st.doomed != "" || st.pending.wanted())
}

// failure is the reason why this request must not end well, if there is one.
func (s *Session) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.discarded {
		return nil
	}
	return s.state.err
}

// begin waits until no other goroutine commits for this request; end must follow.
func (s *Session) begin(ctx context.Context) error {
	for {
		s.mu.Lock()
		saving := s.saving
		if saving == nil {
			s.saving = make(chan struct{})
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		select {
		case <-saving:
		case <-ctx.Done():
			return fmt.Errorf("another commit of the same request has not ended: %w", ctx.Err())
		}
	}
}

func (s *Session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.saving)
	s.saving = nil
}

// destroyDoomed ends, at the store, the session that this request destroyed, if it did. That it has ended already is
// what was wanted.
func (s *Session) destroyDoomed(ctx context.Context) (copies int, err error) {
	s.mu.Lock()
	id := s.state.doomed
	commit := s.state.commit(s.manager, id)
	s.mu.Unlock()
	if id == "" {
		return 0, nil
	}
	commit.Destroy = true
	res, err := answer(s.manager.store.Commit(ctx, commit))
	if err != nil && !gone(err) {
		return 0, fmt.Errorf("destroy session %s: %w", replica.ShortID(id), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.doomed == id {
		s.state.doomed = ""
	}
	s.state.news = notice{expired: true}
	return res.Copies, nil
}

// commitOnce sends the pending changes, if they say anything new.
func (s *Session) commitOnce(ctx context.Context) (copies int, err error) {
	commit, life, err := s.takeChanges()
	if err != nil || commit == nil {
		return 0, err
	}
	res, err := answer(s.manager.store.Commit(ctx, commit))
	if took := s.took(commit, life, res, err); err == nil {
		err = took
	}
	if err != nil {
		return 0, commitError(commit.Key.ID, err)
	}
	return res.Copies, nil
}

// takeChanges moves what is pending into a commit, or is nil when there is nothing new to say. life names the session
// that it is for.
func (s *Session) takeChanges() (commit *replica.Commit, life int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	want := st.pending
	news := want.against(st.base)
	if commit, err = s.frameOf(&want); err != nil {
		return nil, 0, err
	}
	commit.Changes = news.list
	if st.discarded || commit.Touch() || commit.Create && news.len() == 0 {
		st.pending = intent{}
		return nil, 0, nil
	}
	st.pending, st.sending = intent{}, want
	return commit, st.life, nil
}

// frameOf is the commit of what is wanted, but for the changes.
func (s *Session) frameOf(want *intent) (commit *replica.Commit, err error) {
	st := &s.state
	commit = st.commit(s.manager, st.id)
	switch {
	case st.id == "":
		commit.Key.ID, err = replica.NewID(rand.Reader)
		commit.Create, commit.Configure = true, true
		commit.Idle, commit.Lifetime = s.manager.idle, s.manager.lifetime
	case want.renew:
		commit.Renew, err = renewed(st.id)
	}
	return commit, err
}

// took ends the commit under way. Done, its changes are part of the session; failed, they are wanted still.
func (s *Session) took(commit *replica.Commit, life int, res replica.Result, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	switch {
	case st.life != life && err == nil: // another goroutine of this request destroyed what was just written
		st.doomed = cmp.Or(commit.Renew, commit.Key.ID)
		return nil
	case st.life != life:
		return nil
	case err != nil:
		sent := st.sending
		st.sending = intent{}
		st.pending, err = st.pending.after(sent)
		return err
	}
	sent := changes{list: commit.Changes}
	st.base, st.id = sent.committed(st.base, commit.Key, res.Stamp), commit.Key.ID
	st.sending = intent{}
	if commit.Renew != "" {
		st.base, st.id = under(st.base, commit.Renew), commit.Renew
	}
	if commit.Create || commit.Renew != "" {
		st.news = notice{id: st.id}
	}
	return nil
}

// commit is the frame of every commit that the session sends.
func (st *sessionState) commit(m *Manager, id string) *replica.Commit {
	return &replica.Commit{
		Key:        replica.Key{App: m.app, ID: id},
		NotAfter:   time.Now().Add(st.timeout).UnixMilli(),
		Durability: st.durability,
	}
}

// gone reports whether err says that there is no such session.
func gone(err error) bool {
	return errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrDestroyed)
}

// commitError names the session. A session that was there when the request looked and is not now has ended meanwhile.
func commitError(id string, err error) error {
	if gone(err) {
		return fmt.Errorf("commit session %s: %w: %w", replica.ShortID(id), ErrEndedMeanwhile, err)
	}
	return fmt.Errorf("commit session %s: %w", replica.ShortID(id), err)
}
