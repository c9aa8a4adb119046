package replica

import (
	"bytes"
	"slices"
	"strings"
)

// overBytesMax bounds what the remembered requests of one slot keep of what they hid, in bytes.
const overBytesMax = 1 << 20

// overwritten is what an entry's request is about to hide of what was written since sides parted. A copy of a request may reach
// a side with the heal, long after it took effect on another: then what it hides here came after it, and a merge puts it back.
func (s *Slot) overwritten(now Instant, e *Entry) (over []*Attr) {
	apart := s.parting || s.parted != 0 && now.Wall < s.parted+splitWithin
	if !apart || e.Request.IsZero() || len(e.Parts) != 1 {
		return nil
	}
	next := e.Parts[0].Session
	r := s.lookup(next.Key)
	if r == nil {
		return nil
	}
	since := s.parted - 2*s.cfg.Limits.ClockSkewMax.Milliseconds()
	for _, a := range next.Attrs {
		if j, ok := r.newest.find(a.Name); ok {
			old := *r.newest.Attrs[j]
			if old.Stamp.Less(a.Stamp) && old.Stamp.Wall() >= since {
				old.Name, old.Value = strings.Clone(old.Name), bytes.Clone(old.Value) // or they would hold the whole session
				over = append(over, &old)
			}
		}
	}
	return over
}

// keepOver keeps what the request in a place hid, or drops it when there is too much of that.
func (l *requestLog) keepOver(p uint32, over []*Attr) {
	if n := sizeOf(over); n > 0 && l.overBytes+n <= overBytesMax {
		l.overBytes += n
		l.hid[p] = over
	}
}

// overAttrBytes is what an attribute takes beside its name and value.
const overAttrBytes = 72

func sizeOf(attrs []*Attr) (n int) {
	for _, a := range attrs {
		n += overAttrBytes + len(a.Name) + len(a.Value)
	}
	return n
}

// hidden is, for each session, what effects of twins hid on one side.
type hidden map[Key][]*Attr

func (h hidden) add(key Key, over []*Attr) {
	if len(over) > 0 {
		h[key] = append(h[key], over...)
	}
}

// rightful is the version that one side would have, had twins taken effect there when they did first: of each attribute the
// write that came last. It is v itself when nothing was hidden wrongly.
func (t twins) rightful(v *Session, hid []*Attr) *Session {
	if v == nil || v.ended() {
		return v
	}
	right := v
	for _, a := range hid {
		i, ok := right.find(a.Name)
		if !ok || !t.first(right.Attrs[i].Stamp).Less(t.first(a.Stamp)) {
			continue
		}
		if right == v {
			right = v.holding(slices.Clone(v.Attrs))
		}
		right.Attrs[i] = a
	}
	return right
}
