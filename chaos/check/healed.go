package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// Healed judges G5: what was acknowledged in a split and is missing at the end is in the list of conflicts; where two
// sides wrote the same attribute the losers are listed, and so is what one side wrote to a session that the other ended.
// And nothing is listed that nobody had to give up.
func (j *Judge) Healed() Verdict {
	v := &Verdict{Guarantee: G5, Check: "healed"}
	for i := range j.h.Conflicts {
		v.Looked++
		j.founded(v, &j.h.Conflicts[i])
	}
	for _, s := range j.sessions {
		if len(j.windows) == 0 {
			break
		}
		writes := s.writes()
		for _, attr := range sortedKeys(writes) {
			j.survived(v, s, attr, writes[attr])
			for i := range j.windows {
				if attr != "" {
					j.contested(v, s, attr, writes[attr], &j.windows[i])
				}
			}
		}
	}
	return v.done()
}

// founded judges one entry of the list: somebody wrote that attribute, and another side may have given a reason for it.
func (j *Judge) founded(v *Verdict, c *history.Conflict) {
	var named []*session
	for _, s := range j.sessions {
		if c.Names(s.name) {
			named = append(named, s)
		}
	}
	if len(named) == 0 {
		v.violated(fmt.Sprintf("%s lists a conflict about %s, which nobody used", c.Node, c.Session))
		return
	}
	why := ""
	for _, s := range named {
		if why = j.unfounded(s, c); why == "" {
			return
		}
	}
	v.violated(fmt.Sprintf("%s lists %s of session %s as given up (%s): %s", c.Node, nameOf(c.Attr), c.Session, c.Why, why),
		named[0].writes()[c.Attr]...)
}

func nameOf(attr string) string {
	if attr == "" {
		return "the times"
	}
	return fmt.Sprintf("attribute %q", attr)
}

// unfounded is what is wrong with an entry if it is about a session; "" if nothing is.
func (j *Judge) unfounded(s *session, c *history.Conflict) string {
	lost := s.writes()[c.Attr]
	others := append(slices.Clone(lost), s.mayCount(history.Destroy)...)
	if c.Attr == "" {
		lost = s.mayCount(history.Create, history.Configure)
		others = append(slices.Clone(lost), s.mayCount(history.Destroy)...)
	}
	byStamp := slices.DeleteFunc(slices.Clone(lost), func(o *history.Operation) bool {
		return o.Outcome == history.OK && o.Stamp != "" && o.Stamp != c.Lost
	})
	ended := slices.ContainsFunc(byStamp, func(o *history.Operation) bool { return j.endedApart(s, o, c) })
	switch {
	case len(lost) == 0:
		return "nobody wrote it"
	case len(byStamp) == 0:
		return "no write has the stamp " + c.Lost
	case !ended && !slices.ContainsFunc(byStamp, j.splitTouched):
		return "it was not written in a split, and not given up for what was"
	case !ended && !slices.ContainsFunc(byStamp, func(o *history.Operation) bool { return j.rivalled(s, o, others) }):
		return "no other side wrote or ended it"
	case len(byStamp) == 1 && j.stands(s, byStamp[0], lost):
		return "it is still there: " + say(byStamp[0])
	}
	return ""
}

// rivalled reports whether one of others may have been made on another side of a split in which o may have been made, or
// the session may have expired there.
func (j *Judge) rivalled(s *session, o *history.Operation, others []*history.Operation) bool {
	for i := range j.windows {
		w := &j.windows[i]
		if !w.touches(o.Invoked, j.latest(o)) {
			continue
		}
		for _, other := range others {
			if other != o && w.touches(other.Invoked, j.latest(other)) && !w.sameSide(o, other) {
				return true
			}
		}
		if s.expires() {
			return true
		}
	}
	return false
}

// endedApart reports whether a logout may have been made in a split on a side that did not know of o, made in it or before:
// a side that has nothing of a session ends it all the same, and what the other has is given up at the heal, as c says.
func (j *Judge) endedApart(s *session, o *history.Operation, c *history.Conflict) bool {
	for i := range j.windows {
		w := &j.windows[i]
		if o.Invoked >= w.settled {
			continue
		}
		for _, d := range s.mayCount(history.Destroy) {
			named := c.Kept == "" || d.Stamp == "" || d.Stamp == c.Kept
			if d != o && named && w.touches(d.Invoked, j.latest(d)) && !w.sameSide(o, d) {
				return true
			}
		}
	}
	return false
}

// stands reports whether every final read shows the value of a write that nobody else wrote.
func (j *Judge) stands(s *session, o *history.Operation, all []*history.Operation) bool {
	last := s.last()
	if len(last) == 0 || o.Kind == history.Increment {
		return false
	}
	for _, w := range all {
		if w != o && w.Input == o.Input {
			return false
		}
	}
	return !slices.ContainsFunc(last, func(f *history.Final) bool {
		return f.Gone != history.Here || f.Attrs[o.Attr] != o.Input
	})
}

// listed counts the entries about an attribute.
func (j *Judge) listed(s *session, attr string) int {
	count := 0
	for i := range j.h.Conflicts {
		if c := &j.h.Conflicts[i]; c.Attr == attr && c.Names(s.name) {
			count++
		}
	}
	return count
}

// survived judges the writes of one attribute that may have been made in a split: they are there at the end, or listed.
func (j *Judge) survived(v *Verdict, s *session, attr string, writes []*history.Operation) {
	if len(s.mayCount(history.Destroy)) > 0 {
		return
	}
	for _, o := range writes {
		if o.Outcome != history.OK || !j.splitTouched(o) {
			continue
		}
		last := s.last()
		if len(last) == 0 {
			v.open("session %s: no final read of it was answered (%d were tried)", s.name, s.refused)
			return
		}
		v.Looked++
		f := missing(last, o, writes)
		if f == nil || j.listed(s, attr) > 0 || j.mayHaveExpired(s, f.Returned) {
			continue
		}
		j.silent(v, s, fmt.Sprintf("session %s: %s was acknowledged in a split and is missing after the heal without being listed: %s",
			s.name, say(o), found(f, attr)), f.Returned, o)
	}
}

// silent is a violation, unless the list is not whole or what one of ops did was lost by crashes.
func (j *Judge) silent(v *Verdict, s *session, text string, at time.Duration, ops ...*history.Operation) {
	lost := func(o *history.Operation) bool {
		return j.crashed(o, at) && (o.Kind != history.Destroy || s.livesOn()) // who finds it gone knows of the logout
	}
	switch {
	case slices.ContainsFunc(ops, lost):
		v.Excused++
	case len(j.h.Unlisted) > 0:
		v.open("%s; the list of conflicts is not whole: %s", text, j.h.Unlisted[0])
	default:
		v.violated(text, ops...)
	}
}

// livesOn reports whether there are final reads of a session and every one finds it.
func (s *session) livesOn() bool {
	last := s.last()
	return len(last) > 0 && !slices.ContainsFunc(last, func(f *history.Final) bool { return f.Gone != history.Here })
}

// contested judges one attribute in one split: each side that wrote it, but one, is listed as having lost, and where one
// side destroyed the session, what only the other wrote. A write that was not answered at once may have been made on the other
// side too, on top of what was written there.
func (j *Judge) contested(v *Verdict, s *session, attr string, writes []*history.Operation, w *window) {
	if w.settled > j.end || s.expires() {
		return
	}
	bySide := make(map[int]*history.Operation)
	for _, o := range writes {
		if o.Outcome == history.OK && w.holds(o) && w.side(o) >= 0 && isAtOnce(o) {
			bySide[w.side(o)] = o
		}
	}
	var rivals []*history.Operation
	for side := range w.split.Sides {
		if o := bySide[side]; o != nil {
			rivals = append(rivals, o)
		}
	}
	destroys := s.mayCount(history.Destroy)
	losers := len(rivals) - 1
	if len(destroys) > 0 {
		losers = 0
		if end, only := oneSided(w, destroys); only && len(rivals) > 0 && bySide[w.side(end)] == nil {
			losers, rivals = 1, append(rivals, end)
		}
	}
	if losers <= 0 {
		return
	}
	v.Looked++
	if have := j.listed(s, attr); have < losers {
		j.silent(v, s, fmt.Sprintf("session %s: %d sides wrote %s or ended it in the split at %.3f s, and %d of %d losses are listed",
			s.name, len(rivals), attr, w.from.Seconds(), have, losers), j.end, rivals...)
	}
}

// oneSided is an acknowledged destroy, if all of them were made in the split on its side, and there alone.
func oneSided(w *window, destroys []*history.Operation) (*history.Operation, bool) {
	var acknowledged *history.Operation
	for _, d := range destroys {
		if !w.sameSide(destroys[0], d) || !isAtOnce(d) {
			return nil, false
		}
		if d.Outcome == history.OK {
			acknowledged = d
		}
	}
	return acknowledged, acknowledged != nil
}
