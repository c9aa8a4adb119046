package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// Update changes the session by what it is, so that no parallel request comes between: it loads the session anew, calls
// fn, and commits at once, but only if nobody has changed the session since that load. Else it pauses a little and does
// all of it again. fn is therefore called any number of times; it gets and sets attributes and does nothing else.
//
//	err := s.Update(ctx, func() error {
//		n, err := client.Get[int](s, "visits")
//		if err != nil {
//			return err
//		}
//		return client.Set(s, "visits", n+1)
//	})
//
// What the request changed before goes along in the same commit. An Update that fails leaves that pending, takes back
// what fn changed, and is for the handler to answer for. It gives up when ctx ends or the route's Timeout is over. While
// it runs, fn alone may use the session, and must neither send any of the response nor call Commit, Update or Lock. What was
// got before is no longer followed, see [Tracking]. A Destroy in fn is not taken back.
//
// Errors: fn's own, at once and as it is; replica.ErrChanged, with the context's error, when others were faster until
// the end; ErrEndedMeanwhile; otherwise those of [Store.Commit].
func (s *Session) Update(ctx context.Context, fn func() error) error {
	if s == nil {
		return ErrNotWrapped
	}
	ctx, cancel, err := s.limited(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if s.isDiscarded() {
		return fmt.Errorf("%w: update of a session that was discarded", replica.ErrBadRequest)
	}
	if err := s.follow(); err != nil {
		return err
	}
	for attempt := 0; ; attempt++ {
		changed, err := s.updateOnce(ctx, fn)
		if !changed {
			return err
		}
		if err := pause(ctx, attempt, err); err != nil {
			return err
		}
	}
}

// updateOnce is one attempt of an update; changed says that somebody else came first.
func (s *Session) updateOnce(ctx context.Context, fn func() error) (changed bool, err error) {
	if err := s.reload(ctx); err != nil {
		return false, err
	}
	s.unfollow()
	before, life := s.checkpoint()
	done := false
	defer func() {
		if !done { // fn may have panicked
			s.restore(before, life)
		}
	}()
	if err := fn(); err != nil {
		return false, err
	}
	if err := s.follow(); err != nil {
		return false, err
	}
	if _, err := s.destroyDoomed(ctx); err != nil {
		return false, err
	}
	_, err = s.commitOnce(ctx, true)
	done = err == nil
	return errors.Is(err, replica.ErrChanged), err
}

// checkpoint is what the request wants at this moment, and of which session.
func (s *Session) checkpoint() (want intent, life int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	return st.pending.clone(), st.life
}

// restore takes back what was wanted since a checkpoint.
func (s *Session) restore(want intent, life int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := &s.state; st.life == life {
		st.pending = want.clone()
	}
}

func (s *Session) isDiscarded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.discarded
}

// reload brings what this request knows of its session up to date.
func (s *Session) reload(ctx context.Context) error {
	s.mu.Lock()
	st := &s.state
	st.asked = true
	id, first, known, err := st.id, st.base == nil, st.stamp(), st.err
	s.mu.Unlock()
	if err != nil || id == "" {
		return err
	}
	res, err := answer(s.manager.store.Load(ctx, &replica.Load{Key: replica.Key{App: s.manager.app, ID: id}, Known: known}))

	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case st.id != id: // destroyed meanwhile
	case first && replica.Gone(err):
		st.id, st.absent = "", err
	case replica.Gone(err):
		return fmt.Errorf("load session %s: %w: %w", replica.ShortID(id), ErrEndedMeanwhile, err)
	case err != nil:
		return fmt.Errorf("load session %s: %w", replica.ShortID(id), err)
	case res.Session != nil:
		st.base, st.ends, st.exact = res.Session, res.Session.Settings.Deadline, true
	case known.IsZero() || res.Stamp != known:
		return fmt.Errorf("load session %s: the store answered without it", replica.ShortID(id))
	}
	return nil
}

// stamp is that of the version which base is, exactly; zero if others may have written beside this request.
func (st *sessionState) stamp() replica.Stamp {
	if st.base == nil || !st.exact {
		return replica.Stamp{}
	}
	return st.base.Stamp
}

// Pauses before another attempt, doubled each time.
const (
	pauseMin = time.Millisecond
	pauseMax = 32 * time.Millisecond
)

// pause waits after an attempt that failed with err. It is random, so that those who met do not meet again. The error
// says that there is no time for another attempt.
func pause(ctx context.Context, attempt int, err error) error {
	longest := min(pauseMax, pauseMin<<min(attempt, 10))
	timer := time.NewTimer(rand.N(longest))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w; gave up after %d attempts: %w", err, attempt+1, ctx.Err())
	}
}
