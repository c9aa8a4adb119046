package client

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// intent is what a request wants of its session and has not committed. The zero value wants nothing.
type intent struct {
	changes
	renew bool      // the session goes on under a new id
	keep  *timeouts // not nil: it gets these
	flash flashes
}

// begins reports whether committing i makes a session where there is none. Deleting makes none.
func (i *intent) begins() bool {
	return len(i.flash.added) > 0 || slices.ContainsFunc(i.list, func(ch replica.Change) bool { return !ch.Delete })
}

// wanted reports whether i wants anything.
func (i *intent) wanted() bool { return i.len() > 0 || i.renew || i.keep != nil || i.flash.any() }

// after is what is wanted when i is wanted on top of old.
func (i intent) after(old intent) intent {
	i.changes = i.over(old.changes)
	i.renew = i.renew || old.renew
	i.keep = cmp.Or(i.keep, old.keep)
	i.flash = i.flash.after(old.flash)
	return i
}

func (i *intent) clone() intent {
	c := *i
	c.changes = i.changes.clone()
	return c
}

// notice is what the browser must learn.
type notice struct {
	id      string        // of the session from now on, or ""
	age     time.Duration // of its cookie, see cookieAge
	expired bool          // the id that it has is to be forgotten
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
	if err := s.follow(); err != nil {
		return 0, err
	}
	copies, err = s.destroyDoomed(ctx)
	if err != nil {
		return 0, err
	}
	n, err := s.commitAll(ctx)
	if n > 0 {
		copies = n
	}
	return copies, err
}

// commitAll commits what is pending, with messages as often as it takes: where they lie depends on what others left.
func (s *Session) commitAll(ctx context.Context) (copies int, err error) {
	for attempt := 0; ; attempt++ {
		conditional, exact := s.flashing()
		if conditional && (attempt > 0 || !exact) {
			if err := s.reload(ctx); err != nil {
				return 0, err
			}
		}
		copies, err = s.commitOnce(ctx, conditional)
		if !conditional || !errors.Is(err, replica.ErrChanged) {
			return copies, err
		}
		if err := pause(ctx, attempt, err); err != nil {
			return 0, err
		}
	}
}

// wantsCommit reports whether there may be something to commit.
func (s *Session) wantsCommit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	return !st.discarded && st.err == nil && (st.doomed != "" || st.pending.wanted() || len(st.handed) > 0)
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
	if err != nil && !replica.Gone(err) {
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

// commitOnce sends the pending changes, if they say anything new. With a condition they are refused if anybody changed
// the session since it was loaded.
func (s *Session) commitOnce(ctx context.Context, conditional bool) (copies int, err error) {
	commit, life, err := s.takeChanges(conditional)
	if err != nil || commit == nil {
		return 0, err
	}
	sent := time.Now()
	res, err := answer(s.manager.store.Commit(ctx, commit))
	if err != nil {
		s.gaveUp(commit, life)
		return 0, commitError(commit.Key.ID, err)
	}
	s.took(commit, life, sent, res)
	return res.Copies, nil
}

// takeChanges moves what is pending into a commit, or is nil when there is nothing new to say. life names the session
// that it is for.
func (s *Session) takeChanges(conditional bool) (commit *replica.Commit, life int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	want := st.pending
	if commit, err = s.frameOf(&want); err != nil {
		return nil, 0, err
	}
	if st.discarded || commit.Touch() || commit.Create && !want.begins() {
		st.pending = intent{}
		return nil, 0, nil
	}
	if conditional && st.base != nil {
		commit.If = st.base.Stamp
	}
	if moves(commit) {
		st.lock.move()
	}
	st.pending, st.sending = intent{}, want
	return commit, st.life, nil
}

// frameOf is the commit of what is wanted. It leaves out what says nothing new.
func (s *Session) frameOf(want *intent) (commit *replica.Commit, err error) {
	st := &s.state
	commit = st.commit(s.manager, st.id)
	switch {
	case st.id == "":
		commit.Key.ID, err = replica.NewID(rand.Reader)
		commit.Create = true
	case want.renew:
		commit.Renew, err = renewed(st.id)
	}
	if err != nil {
		return nil, err
	}
	if held := st.held(); held != nil && !commit.Create {
		commit.Lock = held.Token()
	}
	if commit.Create || want.keep != nil {
		s.manager.configure(commit, want.keep)
	}
	all, err := want.all(st.base)
	commit.Changes = all.list
	return commit, err
}

// all is every change to a session's attributes that i makes of base.
func (i *intent) all(base *replica.Session) (changes, error) {
	own := i.flash.changes(base)
	if i.keep != nil {
		own = append(own, i.keep.mark())
	}
	all := i.changes
	if len(own) > 0 {
		all = all.clone()
	}
	for _, ch := range own {
		if err := all.put(ch); err != nil {
			return changes{}, err
		}
	}
	return all.against(base), nil
}

// took ends a commit that was done: its changes are part of the session.
func (s *Session) took(commit *replica.Commit, life int, sent time.Time, res replica.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	if st.life != life { // another goroutine of this request destroyed what was just written
		st.doomed = cmp.Or(commit.Renew, commit.Key.ID)
		return
	}
	done := changes{list: commit.Changes}
	st.base, st.id = done.committed(st.base, commit.Key, res.Stamp), commit.Key.ID
	st.ends, st.exact = st.endsAfter(commit, sent), commit.Create || !commit.If.IsZero()
	st.sending = intent{}
	if commit.Renew != "" {
		st.base, st.id = under(st.base, commit.Renew), commit.Renew
	}
	if moves(commit) {
		st.lock.moved(st.id)
	}
	if commit.Configure || commit.Renew != "" {
		st.news = notice{id: st.id}
	}
}

// gaveUp ends a commit that was refused or not answered: what it carried is wanted still.
func (s *Session) gaveUp(commit *replica.Commit, life int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	if st.life == life {
		st.pending, st.sending = st.pending.after(st.sending), intent{}
	}
	if moves(commit) {
		st.lock.moved(commit.Key.ID)
	}
}

// moves reports whether a commit takes the request's lock to another id.
func moves(commit *replica.Commit) bool { return commit.Renew != "" && !commit.Lock.IsZero() }

// commit is the frame of every commit that the session sends.
func (st *sessionState) commit(m *Manager, id string) *replica.Commit {
	return &replica.Commit{
		Key:        replica.Key{App: m.app, ID: id},
		NotAfter:   time.Now().Add(st.timeout).UnixMilli(),
		Durability: st.durability,
	}
}

// commitError names the session. A session that was there when the request looked and is not now has ended meanwhile.
func commitError(id string, err error) error {
	if replica.Gone(err) {
		return fmt.Errorf("commit session %s: %w: %w", replica.ShortID(id), ErrEndedMeanwhile, err)
	}
	return fmt.Errorf("commit session %s: %w", replica.ShortID(id), err)
}
