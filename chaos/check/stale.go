package check

import (
	"cmp"
	"fmt"

	"github.com/sessnode/sessnode/chaos/history"
)

// evidenceMax bounds the operations kept that show one element: its add, and the first loads that saw it.
const evidenceMax = 4

// Stale judges G4 by single reads: a load shows every element, and a counter at least the number, that was acknowledged
// or read before it was asked for; and no counter is read as more than was tried. Registers are judged by
// [Judge.Linearizable].
func (j *Judge) Stale() Verdict {
	v := &Verdict{Guarantee: G4, Check: "stale"}
	for _, s := range j.sessions {
		if len(s.mayCount(history.Destroy)) > 0 {
			continue
		}
		shown, counters := s.shown(), s.counters()
		for _, o := range s.ops {
			switch {
			case o.Outcome != history.OK:
			case o.Kind == history.Load:
				j.staleLoad(v, s, o, shown)
			case o.Kind == history.Read && counters[o.Attr]:
				j.staleCount(v, s, o)
			}
		}
	}
	return v.done()
}

// counters is the attributes that are counters.
func (s *session) counters() map[string]bool {
	found := make(map[string]bool)
	for _, o := range s.ops {
		if o.Kind == history.Increment {
			found[o.Attr] = true
		}
	}
	return found
}

// shown is, for each element, operations which show that it is in the set: nobody takes elements out. Of "" they show that
// there is a session.
func (s *session) shown() map[string][]*history.Operation {
	found := make(map[string][]*history.Operation)
	for _, o := range s.ops {
		if o.Kind == history.Add && o.Outcome == history.OK {
			found[o.Attr] = append(found[o.Attr], o)
		}
		if o.Kind == history.Create && o.Outcome == history.OK {
			found[""] = append(found[""], o)
		}
	}
	for _, o := range s.ops {
		if o.Kind != history.Load || o.Outcome != history.OK {
			continue
		}
		for attr := range o.Seen {
			if len(found[attr]) < evidenceMax {
				found[attr] = append(found[attr], o)
			}
		}
	}
	return found
}

// staleLoad judges what a load showed of a set. One violation is enough.
func (j *Judge) staleLoad(v *Verdict, s *session, load *history.Operation, shown map[string][]*history.Operation) {
	expects := 0
	for _, attr := range sortedKeys(shown) {
		for _, o := range shown[attr] {
			if o.Returned > load.Invoked || o == load || !j.binds(o, load) {
				continue
			}
			expects = 1
			_, ok := load.Seen[attr]
			if attr == "" {
				ok = load.Gone == history.Here
			}
			if ok || j.gaveUp(s, attr, o, load) || j.mayHaveExpired(s, load.Returned) {
				continue
			}
			v.Looked++
			v.violated(fmt.Sprintf("session %s: %s was there, %s, and a later load does not show it: %s",
				s.name, cmp.Or(attr, "it"), say(o), say(load)), o, load)
			return
		}
	}
	v.Looked += expects
}

// gaveUp reports whether what o showed may be gone when read for a reason that others judge: a merge, or crashes and
// pauses.
func (j *Judge) gaveUp(s *session, attr string, o, read *history.Operation) bool {
	return j.away(o, read.Returned) || j.inSplit(o.Invoked, read.Returned) && j.listed(s, attr) > 0
}

// staleCount judges a read of a counter.
func (j *Judge) staleCount(v *Verdict, s *session, read *history.Operation) {
	value, err := number(read.Output)
	if err != nil {
		v.violated(fmt.Sprintf("session %s: counter %s is no number: %q", s.name, read.Attr, read.Output), read)
		return
	}
	v.Looked++
	if j.mayHaveExpired(s, read.Returned) {
		return
	}
	acknowledged, tried := 0, 0
	var most *history.Operation // that the read has to know of, with the greatest number
	shown := value
	for _, o := range s.ops {
		if o.Attr != read.Attr || o == read || o.Invoked >= read.Returned {
			continue
		}
		if o.Kind == history.Increment && o.MayCount() {
			tried++
		}
		if o.Outcome != history.OK || o.Returned > read.Invoked || !j.binds(o, read) || j.gaveUp(s, o.Attr, o, read) {
			continue
		}
		if o.Kind == history.Increment {
			acknowledged++
		}
		if n, err := number(o.Output); err == nil && n > shown {
			shown, most = n, o
		}
	}
	switch {
	case most != nil:
		v.violated(fmt.Sprintf("session %s: counter %s went back from %d to %d: %s, then %s",
			s.name, read.Attr, shown, value, say(most), say(read)), most, read)
	case value < acknowledged:
		v.violated(fmt.Sprintf("session %s: counter %s is read as %d after %d increments were acknowledged: %s",
			s.name, read.Attr, value, acknowledged, say(read)), read)
	case value > tried:
		v.violated(fmt.Sprintf("session %s: counter %s is read as %d, and only %d increments had been tried: %s",
			s.name, read.Attr, value, tried, say(read)), read)
	}
}
