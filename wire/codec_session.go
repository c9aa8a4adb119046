package wire

import (
	"strings"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// A session is a record. Its first byte says how its three stamps stand and which of its rarer parts follow.
const (
	sessionBaseShift    = 0 // form of Part.Base
	sessionBornShift    = 2
	sessionTouchedShift = 4
	sessionHasSettings  = 1 << 6
	sessionHasEnding    = 1 << 7

	sessionSizeMin = 1 + 1 + 2 + stampSize + 1 + 1
	attrSizeMin    = 1 + 1 + 1
)

// appendPart appends p as a session record; an absent session is an empty record.
func appendPart(b []byte, p *replica.Part, now time.Duration) []byte {
	b, mark := beginRecord(b)
	if p.Session != nil {
		b = appendSession(b, p.Session, p.Base, now)
	}
	return endRecord(b, mark)
}

func appendSession(b []byte, s *replica.Session, base replica.Stamp, now time.Duration) []byte {
	flags := formOf(base, s.Stamp)<<sessionBaseShift |
		formOf(s.Born, s.Stamp)<<sessionBornShift |
		formOf(s.Touched, s.Stamp)<<sessionTouchedShift |
		bitIf(s.Settings != replica.Settings{}, sessionHasSettings) |
		bitIf(s.Ending != replica.Alive || s.Until != 0, sessionHasEnding)
	b = append(b, flags)
	b = appendKey(b, s.Key)
	b = appendStamp(b, s.Stamp)
	b = appendRelative(b, base, s.Stamp)
	b = appendRelative(b, s.Born, s.Stamp)
	b = appendRelative(b, s.Touched, s.Stamp)
	b = appendAge(b, s.Accessed, now)
	if flags&sessionHasSettings != 0 {
		b = appendSettings(b, &s.Settings, s.Stamp)
	}
	if flags&sessionHasEnding != 0 {
		b = append(b, byte(s.Ending))
		b = appendInt64(b, s.Until)
	}
	return appendAttrs(b, s.Attrs, s.Stamp)
}

// readPart reads a session record, copies what it holds, and refuses an empty one.
func readPart(r *reader) replica.Part {
	after := r.enter("session")
	defer r.leave(after)
	if len(r.rest) == 0 {
		r.fail("session", "missing")
		return replica.Part{}
	}
	s := replica.NewSession(1)
	base := readSession(r, s)
	ownSession(s)
	return replica.Part{Base: base, Session: s}
}

// readSession fills s with what aliases the payload, and returns the base.
func readSession(r *reader, s *replica.Session) (base replica.Stamp) {
	flags := r.byte("session flags")
	s.Key = r.viewKey()
	s.Stamp = r.stamp("session stamp")
	base = r.relative("base", flags>>sessionBaseShift&stampFormMask, s.Stamp)
	s.Born = r.relative("born", flags>>sessionBornShift&stampFormMask, s.Stamp)
	s.Touched = r.relative("touched", flags>>sessionTouchedShift&stampFormMask, s.Stamp)
	if s.Touched.Less(s.Stamp) {
		r.fail("touched", "earlier than the session's stamp")
	}
	s.Accessed = r.age("age")
	if flags&sessionHasSettings != 0 {
		s.Settings = readSettings(r, s.Stamp)
	}
	if flags&sessionHasEnding != 0 {
		s.Ending = replica.Ending(r.enum("ending", byte(replica.LoggedOut)))
		s.Until = r.int64("until")
	}
	readAttrs(r, s)
	return base
}

func appendSettings(b []byte, s *replica.Settings, session replica.Stamp) []byte {
	b = appendDuration(b, s.Idle)
	b = appendInt64(b, s.Deadline)
	b = append(b, formOf(s.Stamp, session))
	return appendRelative(b, s.Stamp, session)
}

func readSettings(r *reader, session replica.Stamp) replica.Settings {
	return replica.Settings{
		Idle:     r.duration("idle"),
		Deadline: r.int64("deadline"),
		Stamp:    r.relative("settings stamp", r.enum("settings stamp", stampWhole), session),
	}
}

func appendAttrs(b []byte, attrs []*replica.Attr, session replica.Stamp) []byte {
	b = appendCount(b, len(attrs))
	for _, a := range attrs {
		b = appendText(b, a.Name)
		b = append(b, formOf(a.Stamp, session))
		b = appendRelative(b, a.Stamp, session)
		b = appendOptional(b, a.Value, !a.Deleted)
	}
	return b
}

// readAttrs fills the attributes of s, whose stamp has been read.
func readAttrs(r *reader, s *replica.Session) {
	s.MakeAttrs(r.count("attributes", attrsMax, attrSizeMin))
	for i, a := range s.Attrs {
		readAttr(r, a, s.Stamp)
		switch {
		case r.failed():
			return
		case i > 0 && strings.Compare(s.Attrs[i-1].Name, a.Name) >= 0:
			r.fail("attribute name", "out of order")
		case s.Stamp.Less(a.Stamp):
			r.fail("attribute stamp", "later than its session's")
		}
	}
}

func readAttr(r *reader, a *replica.Attr, session replica.Stamp) {
	a.Name = r.viewText("attribute name")
	a.Stamp = r.relative("attribute stamp", r.enum("attribute stamp", stampWhole), session)
	value, present := r.viewOptional("attribute value")
	a.Value, a.Deleted = value, !present
}
