package client

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// attrKept marks a session whose cookie lasts as long as it does.
const attrKept = AttrReserved + "kept"

// timeouts are a session's own, as [Session.Keep] takes them.
type timeouts struct{ idle, lifetime time.Duration }

// Keep gives the session time-outs of its own, "remember me" for instance: it ends after idle without access, and
// lifetime from the commit at the latest. Zero means what the manager says, a negative idle never. With a lifetime the
// cookie lasts as long: it is sent again with a Max-Age to the session's end, after [Session.RenewID] too. Keep(0, 0)
// takes all that back.
//
// It goes with this request's commit and begins no session. No id outlives the longest lifetime that the cluster allows
// from its birth, so call RenewID as well, and a longer lifetime than that is refused at the commit, with
// replica.ErrTooLarge. Errors: replica.ErrBadRequest for an idle below 1 s or a negative lifetime; ErrResponseStarted,
// because the cookie could not follow; otherwise as for [Get].
func (s *Session) Keep(idle, lifetime time.Duration) error {
	if s == nil {
		return ErrNotWrapped
	}
	if idle > 0 && idle < time.Second || lifetime < 0 {
		return fmt.Errorf("%w: kept %v idle and %v at most; idle must be at least 1s, the lifetime not negative",
			replica.ErrBadRequest, idle, lifetime)
	}
	if err := s.ensureLoaded(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.phase != phaseOpen {
		return ErrResponseStarted
	}
	s.state.pending.keep = &timeouts{idle, lifetime}
	return nil
}

// configure puts time-outs into a commit: those that were asked for, or the manager's.
func (m *Manager) configure(c *replica.Commit, keep *timeouts) {
	c.Configure, c.Idle, c.Lifetime = true, m.idle, m.lifetime
	if keep == nil {
		return
	}
	c.Idle = max(0, cmp.Or(keep.idle, m.idle))
	c.Lifetime = cmp.Or(keep.lifetime, m.lifetime)
}

// mark is the change that tells later requests of the cookie.
func (k *timeouts) mark() replica.Change {
	if k.lifetime > 0 {
		return replica.Change{Name: attrKept, Value: []byte{1}}
	}
	return replica.Change{Name: attrKept, Delete: true}
}

// endsAfter is when, in milliseconds since 1970, a session must end after a commit that was sent at a time, or 0 if only
// the store knows. An id that is new has its whole life ahead.
func (st *sessionState) endsAfter(c *replica.Commit, sent time.Time) int64 {
	switch {
	case !c.Configure:
		return st.ends
	case c.Lifetime > 0 && (c.Create || c.Renew != ""):
		return sent.Add(c.Lifetime).UnixMilli()
	}
	return 0
}

// learnEnd asks the store when the session ends, if the cookie's age needs it. A cookie of which that cannot be found
// out goes when the browser closes.
func (s *Session) learnEnd(ctx context.Context) {
	m := s.manager
	s.mu.Lock()
	st := &s.state
	id, needed := st.id, st.news.id != "" && st.ends == 0 && st.lasting(m)
	s.mu.Unlock()
	if !needed {
		return
	}
	res, err := answer(m.store.Load(ctx, &replica.Load{Key: replica.Key{App: m.app, ID: id}, Peek: true}))
	if err != nil || res.Session == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.id == id {
		st.ends = res.Session.Settings.Deadline
	}
}

// lasting reports whether the session's cookie is to outlive the browser.
func (st *sessionState) lasting(m *Manager) bool {
	return m.token.request == "" && (m.cookie.MaxAge > 0 || st.kept())
}

func (st *sessionState) kept() bool {
	_, kept := st.value(attrKept)
	return kept
}

// cookieAge is how long the session's cookie is to last: 0 until the browser closes, negative not at all. It never
// outlives the session's absolute end.
func (st *sessionState) cookieAge(m *Manager, now time.Time) time.Duration {
	if !st.lasting(m) || st.ends == 0 {
		return 0
	}
	left := time.UnixMilli(st.ends).Sub(now).Truncate(time.Second)
	if !st.kept() {
		left = min(left, m.cookie.MaxAge)
	}
	if left <= 0 {
		return -1
	}
	return left
}
