package client

import (
	"context"
	"fmt"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// Lock holds the session for this request: until it ends, others that lock the session wait, or are refused, as their
// options say. What this request knows of the session is brought up to date, and what it has changed stays wanted. Its
// commits from here on take effect only while the lock is held: one that comes too late, because the primary died or the
// lease ran out, fails with replica.ErrLockLost and changes nothing.
//
// The lock is renewed while the handler runs and released when the response has been committed; [Lock.Release] does so
// earlier, after a [Session.Commit]. Locking again gives the same lock, lost or not, unless it was
// released. One goroutine of a request locks.
//
// What was got before is no longer followed, see [Tracking]. Requests that do not lock are not kept out: their changes
// merge, attribute by attribute. Errors: ErrNotWrapped; replica.ErrNotFound for a visitor without a session: begin one and
// commit first; otherwise those of [Acquire], for the handler to answer, by sending the visitor to the holder for instance.
func (s *Session) Lock(ctx context.Context, o LockOptions) (*Lock, error) {
	if s == nil {
		return nil, ErrNotWrapped
	}
	if err := s.ensureLoaded(); err != nil {
		return nil, err
	}
	if err := s.note(ctx); err != nil {
		return nil, err
	}
	id, held, err := s.lockable()
	if held != nil || err != nil {
		return held, err
	}
	held, err = Acquire(ctx, s.manager.store, replica.Key{App: s.manager.app, ID: id}, o)
	if err != nil {
		return nil, err
	}
	if !s.locked(id, held) {
		_ = held.Release(context.WithoutCancel(ctx)) // for nobody: the session ended meanwhile
		return nil, fmt.Errorf("lock session %s: %w", replica.ShortID(id), ErrEndedMeanwhile)
	}
	return held, nil
}

// lockable is the id of the session to lock, or the lock that the request has.
func (s *Session) lockable() (id string, held *Lock, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	switch {
	case st.phase == phaseOver:
		return "", nil, ErrResponseStarted
	case st.id == "":
		return "", nil, fmt.Errorf("lock: %w: the visitor has none; set something and commit first", replica.ErrNotFound)
	case st.held() != nil:
		return "", st.lock, nil
	}
	return st.id, nil, nil
}

// note makes pending what the handler did to the values that it got, as a commit would: they are no longer followed once
// the lock has brought what others left.
func (s *Session) note(ctx context.Context) error {
	ctx, cancel, err := s.limited(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.follow()
}

// locked notes a lock, unless the request has another session by now.
func (s *Session) locked(id string, held *Lock) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	if st.id != id || st.phase == phaseOver {
		return false
	}
	st.lock, st.handed = held, nil
	st.base, st.ends, st.exact = held.Session(), held.Session().Settings.Deadline, true
	return true
}

// held is the lock under which the request commits, if any.
func (st *sessionState) held() *Lock {
	if st.lock == nil || st.lock.isReleased() || st.lock.where().ID != st.id {
		return nil // the last: the session was destroyed, and another begun
	}
	return st.lock
}

// releaseFor bounds how long the end of a request waits for the release of its lock: the lease ends it in any case.
const releaseFor = time.Second

// unlock releases the request's lock, if it holds one.
func (s *Session) unlock(ctx context.Context) {
	s.mu.Lock()
	lock, counts := s.state.lock, s.state.held() != nil
	s.mu.Unlock()
	if lock == nil || lock.isReleased() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseFor)
	defer cancel()
	if err := lock.Release(ctx); err != nil && counts {
		s.manager.log.Warn("a session's lock was lost before the request ended", "error", err)
	}
}
