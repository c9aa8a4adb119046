package check

import (
	"fmt"
	"maps"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// Converged judges G12, and the end of G5: the nodes become one cluster within Limits.Rejoin of a heal; when Limits.Converge
// has passed since the last heal or fault, every node gives the same answer for a session, and goes on giving it. It looks
// at the final reads of sessions that two nodes were asked for, when nobody writes any more.
func (j *Judge) Converged() Verdict {
	v := &Verdict{Guarantee: G12, Check: "converged"}
	for i := range j.windows {
		if w := &j.windows[i]; w.split.Merged > 0 {
			v.Looked++
			if late := w.settled - w.until; late > j.limits.Rejoin {
				v.violated(fmt.Sprintf("the nodes took %.3f s to become one cluster after the heal at %.3f s, and may take %.3f s",
					late.Seconds(), w.until.Seconds(), j.limits.Rejoin.Seconds()))
			}
		}
	}
	healed := j.healed()
	if healed == never {
		v.open("a split was never healed")
		return v.done()
	}
	for _, s := range j.sessions {
		last := s.last()
		if s.refused > 0 && len(last) < 2 {
			v.open("session %s: %d final reads of it were not answered", s.name, s.refused)
		}
		if len(last) >= 2 {
			v.Looked++
			j.agree(v, s, last, healed+j.limits.Converge)
		}
	}
	return v.done()
}

// healed is the end of the last split or fault; zero if there was none, never if a split has no end.
func (j *Judge) healed() time.Duration {
	at := time.Duration(0)
	for i := range j.windows {
		at = max(at, j.windows[i].until)
	}
	for _, f := range j.h.Faults {
		at = max(at, f.From, f.Until)
	}
	return at
}

// agree judges the final reads of one session, of which those that began after the bound must be the same.
func (j *Judge) agree(v *Verdict, s *session, last []*history.Final, bound time.Duration) {
	newest := s.finals[len(s.finals)-1]
	for _, f := range s.finals {
		if !sameAnswer(f, newest) && f.Invoked > bound && !j.expiredBetween(s, f, newest) {
			v.violated(fmt.Sprintf("session %s: %s, asked at %.3f s, says otherwise than %s at %.3f s: %s",
				s.name, f.Node, f.Invoked.Seconds(), newest.Node, newest.Invoked.Seconds(), difference(f, newest)))
			return
		}
	}
	for _, f := range last {
		if !sameAnswer(f, newest) && f.Invoked <= bound && !j.expiredBetween(s, f, newest) {
			v.open("session %s: %s and %s differed, and were not asked again after %.3f s: %s",
				s.name, f.Node, newest.Node, bound.Seconds(), difference(f, newest))
			return
		}
	}
}

func sameAnswer(a, b *history.Final) bool {
	return (a.Gone == history.Here) == (b.Gone == history.Here) && maps.Equal(a.Attrs, b.Attrs)
}

// expiredBetween reports whether a session may have expired between two reads.
func (j *Judge) expiredBetween(s *session, a, b *history.Final) bool {
	return a.Gone != b.Gone && j.mayHaveExpired(s, max(a.Returned, b.Returned))
}

// difference is the first thing in which two answers differ.
func difference(a, b *history.Final) string {
	if (a.Gone == history.Here) != (b.Gone == history.Here) {
		return fmt.Sprintf("gone %q here, gone %q there", a.Gone, b.Gone)
	}
	for _, attr := range sortedKeys(a.Attrs) {
		if value, ok := b.Attrs[attr]; !ok || value != a.Attrs[attr] {
			return fmt.Sprintf("%s=%q here, %q there", attr, a.Attrs[attr], value)
		}
	}
	return fmt.Sprintf("%d attributes here, %d there", len(a.Attrs), len(b.Attrs))
}
