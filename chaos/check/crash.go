package check

import (
	"math"
	"slices"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// harm is a process that was killed, or stood still.
type harm struct {
	at     time.Duration
	over   time.Duration // it was back; of a kill, at
	killed bool
}

// harmsOf is the harms of a history, one for each process, in the order of their beginnings.
func harmsOf(h *history.History) []harm {
	var all []harm
	for _, f := range h.Faults {
		if f.Kind != history.Kill && f.Kind != history.Pause {
			continue
		}
		one := harm{f.From, f.From, f.Kind == history.Kill}
		if f.Kind == history.Pause {
			one.over = f.Until
			if f.Until == 0 {
				one.over = never
			}
		}
		for range max(len(f.Whom), 1) {
			all = append(all, one)
		}
	}
	slices.SortStableFunc(all, func(a, b harm) int { return int(a.at - b.at) })
	return all
}

// crashed reports whether, until a moment, so many processes were killed that nobody may hold what o was answered with:
// as many as it had copies, without time between to restore them.
func (j *Judge) crashed(o *history.Operation, until time.Duration) bool {
	return j.bereft(o, until, func(h harm) bool { return h.killed })
}

// away reports the same of processes that were killed or stood still: those that go on bring back what they hold.
func (j *Judge) away(o *history.Operation, until time.Duration) bool {
	return j.bereft(o, until, func(harm) bool { return true })
}

func (j *Judge) bereft(o *history.Operation, until time.Duration, counts func(harm) bool) bool {
	copies, since := j.copies(o), o.Returned
	for _, h := range j.harms {
		if h.at < o.Invoked || h.at > until || !counts(h) {
			continue
		}
		if h.at-since > j.limits.Restore {
			copies = max(copies, min(j.h.Run.Copies, j.living(h.at)))
		}
		copies, since = copies-1, h.at
		if copies <= 0 {
			return true
		}
	}
	return false
}

// copies is how many nodes held what an operation was answered with. A read does not say: all that there should be,
// unless some may just have been lost.
func (j *Judge) copies(o *history.Operation) int {
	recent := func(h harm) bool {
		return h.at <= o.Returned && later(h.over, j.limits.Restore) >= o.Invoked
	}
	if o.Copies > 0 || j.inSplit(o.Invoked, o.Returned) || slices.ContainsFunc(j.harms, recent) {
		return max(o.Copies, 1)
	}
	return max(j.h.Run.Copies, 1)
}

// living is the number of nodes just before a moment, by those that were killed and not back.
func (j *Judge) living(at time.Duration) int {
	if j.h.Run.Nodes == 0 {
		return math.MaxInt
	}
	down := 0
	for _, f := range j.h.Faults {
		if f.Kind == history.Kill && f.From < at && (f.Until == 0 || f.Until >= at) {
			down += max(len(f.Whom), 1)
		}
	}
	return j.h.Run.Nodes - down
}
