package check

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/sessnode/sessnode/chaos/history"
)

// Counters judges G6: at the end a counter is what was acknowledged, and at most that much more as has an unknown
// outcome; and no two increments made the same number. Where a conflict is listed for a counter, one side's increments of
// each split count, and the others' do not.
func (j *Judge) Counters() Verdict {
	v := &Verdict{Guarantee: G6, Check: "counters"}
	for _, s := range j.sessions {
		if len(s.mayCount(history.Destroy)) > 0 {
			continue
		}
		writes := s.writes()
		for _, attr := range sortedKeys(writes) {
			if !slices.ContainsFunc(writes[attr], func(o *history.Operation) bool { return o.Kind != history.Increment }) {
				j.counter(v, s, attr, writes[attr])
				j.sameNumber(v, s, writes[attr])
			}
		}
	}
	return v.done()
}

// counter judges the final value of one counter.
func (j *Judge) counter(v *Verdict, s *session, attr string, incs []*history.Operation) {
	last := s.last()
	acknowledged := slices.ContainsFunc(incs, func(o *history.Operation) bool { return o.Outcome == history.OK })
	if len(last) == 0 && !acknowledged {
		return // the session may never have been
	}
	if len(last) == 0 {
		v.open("session %s: no final read of it was answered (%d were tried)", s.name, s.refused)
		return
	}
	low, high := j.bounds(incs, j.listed(s, attr) > 0)
	v.Looked += len(incs)
	for _, f := range last {
		if j.mayHaveExpired(s, f.Returned) {
			continue
		}
		value, err := number(f.Attrs[attr])
		text := fmt.Sprintf("session %s: counter %s is %q on %s and should be from %d to %d",
			s.name, attr, f.Attrs[attr], f.Node, low, high)
		crashed := slices.ContainsFunc(incs, func(o *history.Operation) bool {
			return o.Outcome == history.OK && j.crashed(o, f.Returned)
		})
		switch {
		case err == nil && value >= low && value <= high:
		case err == nil && value < low && crashed:
			v.Excused++
		case err == nil && value > high:
			v.violated(text+": something was counted twice", incs...)
		default:
			v.violated(text+": increments are lost", incs...)
		}
	}
}

// number is a counter as text; none is zero.
func number(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	return strconv.Atoi(text)
}

// bounds is what a counter may be at the end. With a conflict, of the increments of one split those of one side count,
// and those of which the side is not known may.
func (j *Judge) bounds(incs []*history.Operation, conflict bool) (low, high int) {
	definite := make([]map[int]int, len(j.windows)) // acknowledged increments of each side of each split
	for _, o := range incs {
		i := slices.IndexFunc(j.windows, func(w window) bool { return w.touches(o.Invoked, o.Returned) })
		switch {
		case o.Outcome == history.Unknown:
			high++
		case !conflict || i < 0:
			low, high = low+1, high+1
		case !j.windows[i].holds(o) || j.windows[i].side(o) < 0:
			high++
		default:
			if definite[i] == nil {
				definite[i] = make(map[int]int)
			}
			definite[i][j.windows[i].side(o)]++
		}
	}
	for i, counts := range definite {
		least, most := j.windows[i].extremes(counts, incs, j)
		low, high = low+least, high+most
	}
	return low, high
}

// extremes is the least and the most that the winning side of a split has made of the increments whose side is known. A
// side that made none of them wins only if it may have made another one.
func (w *window) extremes(counts map[int]int, incs []*history.Operation, j *Judge) (least, most int) {
	doubtful := slices.ContainsFunc(incs, func(o *history.Operation) bool {
		return w.touches(o.Invoked, j.latest(o)) && (!w.holds(o) || w.side(o) < 0)
	})
	least = -1
	for side := range w.split.Sides {
		n := counts[side]
		most = max(most, n)
		if (n > 0 || doubtful) && (least < 0 || n < least) {
			least = n
		}
	}
	return max(least, 0), most
}

// sameNumber judges the answers to increments outside of splits: each is another number.
func (j *Judge) sameNumber(v *Verdict, s *session, incs []*history.Operation) {
	first := make(map[string]*history.Operation)
	for _, o := range incs {
		if o.Outcome != history.OK || o.Output == "" || j.splitTouched(o) {
			continue
		}
		before := first[o.Output]
		switch {
		case before == nil:
			first[o.Output] = o
		case j.crashed(before, o.Returned) || j.inSplit(before.Invoked, o.Returned):
		default:
			v.violated(fmt.Sprintf("session %s: two increments of %s made it %s: one of them is lost",
				s.name, o.Attr, o.Output), before, o)
		}
	}
}
