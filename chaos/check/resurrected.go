package check

import (
	"fmt"
	"slices"

	"github.com/sessnode/sessnode/chaos/history"
)

// Resurrected judges G2: once a destroy is acknowledged, nobody sees the session or gets a commit to it acknowledged. A
// read that says "destroyed" is as good as the acknowledgement, so a destroy of unknown outcome that was seen to have
// taken effect counts too. Only the other side of a split may not know, until they have merged; and nobody who holds it may
// be left after as many crashes as it had copies.
func (j *Judge) Resurrected() Verdict {
	v := &Verdict{Guarantee: G2, Check: "resurrected"}
	lists := j.lists()
	for _, s := range j.sessions {
		ends := s.ends()
		if len(ends) == 0 {
			continue
		}
		for _, o := range append(slices.Clone(s.ops), lists[s.name]...) {
			if isAlive(o) || o.Kind == history.List {
				j.resurrected(v, s, ends, o)
			} else if o.Gone != history.Here && o.Invoked >= ends[0].Returned {
				v.Looked++
			}
		}
		for _, f := range s.finals {
			if f.Invoked >= ends[0].Returned {
				v.Looked++
				j.stillThere(v, s, ends, f)
			}
		}
	}
	return v.done()
}

// lists is the lists that name each session.
func (j *Judge) lists() map[string][]*history.Operation {
	found := make(map[string][]*history.Operation)
	for i := range j.h.Operations {
		o := &j.h.Operations[i]
		if o.Outcome != history.OK {
			continue
		}
		for _, name := range o.Listed {
			found[name] = append(found[name], o)
		}
	}
	return found
}

// ends is the operations that prove that a session was destroyed, in the order of their answers.
func (s *session) ends() []*history.Operation {
	var found []*history.Operation
	for _, o := range s.ops {
		if o.Kind == history.Destroy && o.Outcome == history.OK || o.Gone == history.Destroyed && o.Answered() {
			found = append(found, o)
		}
	}
	slices.SortStableFunc(found, func(a, b *history.Operation) int { return int(a.Returned - b.Returned) })
	return found
}

// isAlive reports whether an operation shows that the session was there.
func isAlive(o *history.Operation) bool {
	switch o.Kind {
	case history.Destroy, history.Use, history.Unlock, history.List:
		return false // a resource outside, and a lock that ends anyway, say nothing of the session
	}
	return o.Outcome == history.OK && o.Gone == history.Here
}

// resurrected judges one operation that found the session.
func (j *Judge) resurrected(v *Verdict, s *session, ends []*history.Operation, o *history.Operation) {
	looked, excused := false, false
	for _, end := range ends {
		if end.Returned > o.Invoked {
			break
		}
		looked = true
		if !j.binds(end, o) && !j.knew(s, end, o) {
			continue
		}
		if excused = j.crashed(end, o.Returned); !excused {
			v.violated(fmt.Sprintf("session %s was destroyed for certain by %.3f s, %s, and came back: %s",
				s.name, end.Returned.Seconds(), say(end), say(o)), end, o)
			break
		}
	}
	if looked {
		v.Looked++
	}
	if excused {
		v.Excused++
	}
}

// knew reports whether every side of the splits around o knew of an end: it was answered before they began, and no fault
// kept a node from hearing of it. A side that held no copy may have let somebody create the session, and shows it then.
func (j *Judge) knew(s *session, end, o *history.Operation) bool {
	for i := range j.windows {
		w := &j.windows[i]
		if !w.touches(o.Invoked, o.Returned) {
			continue
		}
		if end.Returned >= w.from || j.disturbed(end.Invoked, w.from-1) {
			return false
		}
		for _, c := range s.mayCount(history.Create) {
			if w.touches(c.Invoked, j.latest(c)) {
				return false
			}
		}
	}
	return true
}

// stillThere judges one final read.
func (j *Judge) stillThere(v *Verdict, s *session, ends []*history.Operation, f *history.Final) {
	if f.Gone != history.Here || j.inSplit(f.Invoked, f.Returned) {
		return
	}
	for _, end := range ends {
		if !j.crashed(end, f.Returned) {
			v.violated(fmt.Sprintf("session %s was destroyed for certain by %.3f s, and %s has it at the end",
				s.name, end.Returned.Seconds(), f.Node), end)
			return
		}
	}
	v.Excused++
}
