package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// Lost judges G1: what was acknowledged is there at the end. What was written in a split is judged by [Judge.Healed].
func (j *Judge) Lost() Verdict {
	v := &Verdict{Guarantee: G1, Check: "lost"}
	for _, s := range j.sessions {
		if len(s.mayCount(history.Destroy)) > 0 {
			continue // G2 says that its writes are dropped
		}
		writes := s.writes()
		for _, o := range s.ops {
			if (o.Writes() || o.Kind == history.Create) && o.Outcome == history.OK && !j.splitTouched(o) {
				j.lost(v, s, o, writes[o.Attr])
			}
		}
	}
	return v.done()
}

// lost judges one acknowledged write outside of splits.
func (j *Judge) lost(v *Verdict, s *session, o *history.Operation, all []*history.Operation) {
	last := s.last()
	if len(last) == 0 {
		v.open("session %s: no final read of it was answered (%d were tried)", s.name, s.refused)
		return
	}
	v.Looked++
	f := missing(last, o, all)
	switch {
	case f == nil || j.mayHaveExpired(s, f.Returned):
	case j.crashed(o, f.Returned):
		v.Excused++
	default:
		v.violated(fmt.Sprintf("session %s: %s was acknowledged with %d copies and is not there at the end: %s",
			s.name, say(o), o.Copies, found(f, o.Attr)), o)
	}
}

// missing is the first of the final reads that does not show a write; nil if all do. Where others wrote the same
// attribute, which value stands is for other checkers: one of them must.
func missing(last []*history.Final, o *history.Operation, all []*history.Operation) *history.Final {
	for _, f := range last {
		value, ok := f.Attrs[o.Attr]
		if f.Gone != history.Here || !ok && o.Attr != "" {
			return f
		}
		if o.Kind == history.Increment || o.Attr == "" {
			continue // its values are sums; a session has none
		}
		written := false
		for _, w := range all {
			written = written || w.Input == value || w.Kind == history.Increment
		}
		if !written {
			return f
		}
	}
	return nil
}

// found says what a final read showed.
func found(f *history.Final, attr string) string {
	value, ok := f.Attrs[attr]
	switch {
	case f.Gone != history.Here:
		return fmt.Sprintf("%s says that the session is gone (%s)", f.Node, f.Gone)
	case ok:
		return fmt.Sprintf("%s has %s=%s, which nobody wrote", f.Node, attr, value)
	}
	return fmt.Sprintf("%s has the session without %s", f.Node, attr)
}

// mayHaveExpired reports whether a session may have been over by its times at a moment.
func (j *Judge) mayHaveExpired(s *session, at time.Duration) bool {
	return s.expires() && at >= s.lives(func(a *history.Operation) bool { return a.Returned <= at })
}

// expires reports whether the session has times at all.
func (s *session) expires() bool {
	return slices.ContainsFunc(s.ops, func(o *history.Operation) bool { return o.Idle > 0 || o.Lifetime > 0 })
}

// lives is until when a session must live at least, by those of its accesses that are known.
func (s *session) lives(known func(access *history.Operation) bool) time.Duration {
	accessed, idle, deadline := time.Duration(-1), never, never
	for _, o := range s.ops {
		if o.MayCount() && (o.Kind == history.Create || o.Kind == history.Configure) {
			idle = min(idle, idleOf(o))
			if o.Lifetime > 0 {
				deadline = min(deadline, o.Invoked+o.Lifetime)
			}
		}
		if o.Outcome == history.OK && isAccess(o) && known(o) {
			accessed = max(accessed, o.Invoked)
		}
	}
	if idle < never && accessed >= 0 {
		return min(deadline, accessed+idle)
	}
	return deadline
}

// isAccess reports whether an operation slides the idle time-out if it takes effect: it found the session.
func isAccess(o *history.Operation) bool { return o.Gone == history.Here && mayAccess(o) }

// mayAccess reports whether an operation slides the idle time-out wherever it finds the session.
func mayAccess(o *history.Operation) bool {
	switch o.Kind {
	case history.Destroy, history.List, history.Use, history.Unlock:
		return false
	}
	return !o.Peek
}
