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
type hidden map[Key][]hiding

// hiding is one effect of a twin on one side.
type hiding struct {
	by   Stamp
	over []*Attr
}

func (h hidden) add(key Key, by Stamp, over []*Attr) {
	if len(over) > 0 {
		h[key] = append(h[key], hiding{by, over})
	}
}

// rightful is the version that one side would have, had twins taken effect there when they did first: of each attribute the
// write that came last. It is v itself when nothing was hidden wrongly.
func (t twins) rightful(v *Session, hid []hiding) *Session {
	return v.replaced(hid, func(_ Stamp, stands, a *Attr) bool { return t.first(stands.Stamp).Less(t.first(a.Stamp)) })
}

// own is a rightful version without what twins wrote on this side later than on another: they hid what that other side did not
// know of. So of two versions it shows what either side wrote by itself.
func (t twins) own(v *Session, hid []hiding) *Session {
	for {
		before := v
		v = v.replaced(hid, func(by Stamp, stands, a *Attr) bool {
			return stands.Stamp == by && t.first(by) != by && a.Stamp.Less(by) // or it would not end
		})
		if v == before {
			return v
		}
	}
}

// replaced is s with attributes in the place of those that stand there: of what was hidden, what is to be seen. It is s itself
// if that is nothing.
func (s *Session) replaced(hid []hiding, seen func(by Stamp, stands, a *Attr) bool) *Session {
	if s == nil || s.ended() {
		return s
	}
	v := s
	for _, h := range hid {
		for _, a := range h.over {
			i, ok := v.find(a.Name)
			if !ok || !seen(h.by, v.Attrs[i], a) {
				continue
			}
			if v == s {
				v = s.holding(slices.Clone(s.Attrs))
			}
			v.Attrs[i] = a
		}
	}
	return v
}
