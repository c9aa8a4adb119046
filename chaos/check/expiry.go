package check

import (
	"fmt"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// touchIntervalMax is by how much an expiry may wait longer, because accesses are replicated only so often; a quarter of
// the idle time-out if that is less.
const touchIntervalMax = 10 * time.Second

// Expiry judges G9 for sessions with an idle time-out or a lifetime: they are there until the time-out has run out since
// the last access that was answered, they are gone soon after the last access that may have counted, and an expired
// session does not come back.
func (j *Judge) Expiry() Verdict {
	v := &Verdict{Guarantee: G9, Check: "expiry"}
	for _, s := range j.sessions {
		if !s.expires() || len(s.mayCount(history.Destroy)) > 0 {
			continue
		}
		var gone *history.Operation // the first answer that it has expired
		for _, o := range s.ops {
			switch {
			case !o.Answered():
			case o.Gone == history.NotFound:
				if j.early(v, s, o) && gone == nil && !j.inSplit(o.Invoked, o.Returned) {
					gone = o
				}
			case isAlive(o) && o.Kind != history.Create:
				v.Looked++
				j.late(v, s, o.Invoked, o)
				j.back(v, s, gone, o)
			}
		}
		for _, f := range s.finals {
			o := asOperation(f)
			if f.Gone == history.NotFound {
				j.early(v, s, o)
			} else if f.Gone == history.Here {
				v.Looked++
				j.late(v, s, f.Invoked, o)
			}
		}
	}
	return v.done()
}

// early judges an answer that the session is gone, and reports whether it may have expired by then.
func (j *Judge) early(v *Verdict, s *session, o *history.Operation) bool {
	var last *history.Operation // access that o has to know of
	end := s.lives(func(a *history.Operation) bool {
		if a == o || a.Returned > o.Invoked || !j.binds(a, o) {
			return false
		}
		last = a
		return true
	})
	if last == nil {
		return false
	}
	v.Looked++
	switch {
	case o.Returned >= end:
		return true
	case j.away(last, o.Returned):
		v.Excused++
	default:
		v.violated(fmt.Sprintf("session %s is gone at %.3f s and should have lived until %s: %s, last access %s",
			s.name, o.Returned.Seconds(), seconds(end), say(o), say(last)), last, o)
	}
	return false
}

func seconds(d time.Duration) string {
	if d == never {
		return "the end of the run"
	}
	return fmt.Sprintf("%.3f s at least", d.Seconds())
}

// late judges an answer that the session is there.
func (j *Judge) late(v *Verdict, s *session, at time.Duration, o *history.Operation) {
	var accessed, idle, deadline time.Duration
	var last *history.Operation
	for _, a := range s.ops {
		if a.Outcome == history.Failed || a == o || a.Invoked >= o.Returned {
			continue
		}
		if isAccess(a) || mayAccess(a) && !isAtOnce(a) { // a copy of one that found nothing here may have found it elsewhere
			if l := j.latestAccess(a); l >= accessed {
				accessed, last = l, a
			}
		}
		if (a.Kind == history.Create || a.Kind == history.Configure) && a.MayCount() {
			idle, deadline = max(idle, idleOf(a)), max(deadline, j.lifeEnd(a))
		}
	}
	end := deadline
	if idle < never && accessed < never {
		end = min(end, accessed+idle+min(touchIntervalMax, idle/4))
	}
	if last == nil || end == never || at <= end+j.limits.ExpiryLate {
		return
	}
	v.violated(fmt.Sprintf("session %s is there at %.3f s and should have expired by %.3f s: %s, last access %s",
		s.name, at.Seconds(), (end+j.limits.ExpiryLate).Seconds(), say(o), say(last)), last, o)
}

// latestAccess is the last moment at which an access may have counted. One that was not answered at once may have been sent to
// another node before, on its way to which a copy of it may be until its NotAfter.
func (j *Judge) latestAccess(a *history.Operation) time.Duration {
	if isAtOnce(a) {
		return j.latest(a)
	}
	return max(j.latest(a), a.NotAfter)
}

// idleOf is the idle time-out that an operation sets.
func idleOf(o *history.Operation) time.Duration {
	if o.Idle == 0 {
		return never
	}
	return o.Idle
}

// lifeEnd is when the lifetime that an operation set ends at the latest.
func (j *Judge) lifeEnd(o *history.Operation) time.Duration {
	if l := j.latest(o); o.Lifetime > 0 && l < never {
		return l + o.Lifetime
	}
	return never
}

// back judges whether a session that had expired is there again.
func (j *Judge) back(v *Verdict, s *session, gone, o *history.Operation) {
	if gone == nil || o.Invoked < gone.Returned || j.inSplit(gone.Invoked, o.Returned) || j.inSplit(0, gone.Returned) {
		return
	}
	for _, c := range s.mayCount(history.Create) {
		if j.latest(c) >= gone.Invoked {
			return
		}
	}
	v.violated(fmt.Sprintf("session %s had expired, %s, and is back: %s", s.name, say(gone), say(o)), gone, o)
}
