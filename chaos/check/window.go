package check

import (
	"math"
	"slices"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// atOnce is how soon an answer comes when nobody but the node that gave it was asked. The client asks another one when one is
// silent for 300 ms, and sooner when it hears of another primary.
const atOnce = 20 * time.Millisecond

// isAtOnce reports whether an answer came so soon that no copy of what was asked is under way elsewhere.
func isAtOnce(o *history.Operation) bool { return o.Returned-o.Invoked < atOnce }

// never is later than everything.
const never time.Duration = math.MaxInt64

// window is the time in which a split excuses.
type window struct {
	split   *history.Split
	from    time.Duration
	parted  time.Duration // nothing passes any more
	until   time.Duration // the heal
	settled time.Duration // the sides have merged. Invariant: from <= parted <= until <= settled.
}

func windowOf(s *history.Split, rejoin time.Duration) window {
	w := window{split: s, from: s.From, parted: max(s.From, s.Parted), until: s.Until, settled: s.Merged}
	if w.until == 0 {
		w.until, w.settled = never, never
	} else if w.settled == 0 {
		w.settled = w.until + rejoin
	}
	return w
}

// touches reports whether an interval has a moment in the window.
func (w *window) touches(from, until time.Duration) bool { return from < w.settled && until >= w.from }

// holds reports whether an operation was made while nothing passed from side to side.
func (w *window) holds(o *history.Operation) bool {
	return o.Outcome != history.Unknown && o.Invoked >= w.parted && o.Returned <= w.until
}

// side is the side that an operation was on, or -1 if it may have been on several.
func (w *window) side(o *history.Operation) int {
	who := o.Node
	if who == "" {
		who = o.Client
	}
	found := -1
	for i, side := range w.split.Sides {
		if slices.Contains(side, who) {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

// sameSide reports whether both operations lie in the split, on one side.
func (w *window) sameSide(a, b *history.Operation) bool {
	return w.holds(a) && w.holds(b) && w.side(a) >= 0 && w.side(a) == w.side(b)
}

// binds reports whether b, which began after a was answered, has to know of a: it lies outside of every split, or on the
// same side of it as a.
func (j *Judge) binds(a, b *history.Operation) bool {
	for i := range j.windows {
		w := &j.windows[i]
		if w.touches(b.Invoked, b.Returned) && !w.sameSide(a, b) {
			return false
		}
	}
	return true
}

// inSplit reports whether an interval has a moment in a split.
func (j *Judge) inSplit(from, until time.Duration) bool {
	return slices.ContainsFunc(j.windows, func(w window) bool { return w.touches(from, until) })
}

// splitTouched reports whether an operation may have taken effect in a split.
func (j *Judge) splitTouched(o *history.Operation) bool { return j.inSplit(o.Invoked, j.latest(o)) }
