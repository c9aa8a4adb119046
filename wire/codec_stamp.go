package wire

import (
	"encoding/binary"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// stampSize is the size in bytes of a stamp that stands alone: clock and boot.
const stampSize = 16

// A stamp inside a session stands in relation to the session's own stamp, and mostly is the same or of the same boot.
type stampForm = byte

// The forms, two bits each.
const (
	stampZero  stampForm = 0 // no stamp; nothing follows
	stampSame  stampForm = 1 // the session's; nothing follows
	stampNear  stampForm = 2 // of the session's boot; the difference of the clocks follows as a varint
	stampWhole stampForm = 3 // clock and boot follow

	stampFormMask = 3
)

func formOf(s, session replica.Stamp) stampForm {
	switch {
	case s.IsZero():
		return stampZero
	case s == session:
		return stampSame
	case s.Boot == session.Boot:
		return stampNear
	}
	return stampWhole
}

func appendStamp(b []byte, s replica.Stamp) []byte {
	return appendFixed64(appendFixed64(b, s.Clock), uint64(s.Boot))
}

func (r *reader) stamp(field string) replica.Stamp {
	return replica.Stamp{Clock: r.fixed64(field), Boot: replica.Boot(r.fixed64(field))}
}

// appendRelative appends what follows the form of s.
func appendRelative(b []byte, s, session replica.Stamp) []byte {
	switch formOf(s, session) {
	case stampNear:
		return binary.AppendVarint(b, int64(s.Clock-session.Clock))
	case stampWhole:
		return appendStamp(b, s)
	}
	return b
}

func (r *reader) relative(field string, form stampForm, session replica.Stamp) replica.Stamp {
	switch form {
	case stampZero:
		return replica.Stamp{}
	case stampSame:
		return session
	case stampNear:
		return replica.Stamp{Clock: session.Clock + uint64(r.varint(field)), Boot: session.Boot}
	}
	return r.stamp(field)
}

// ageMax bounds ages, so that neither side's arithmetic on instants overflows.
const ageMax = 100 * 365 * 24 * time.Hour

// appendAge appends how long before now an instant was, in whole microseconds, zero for the future. It rounds down: a
// session never expires early because it travelled.
func appendAge(b []byte, at, now time.Duration) []byte {
	if at >= now {
		return append(b, 0)
	}
	age := min(uint64(now)-uint64(at), uint64(ageMax)) // exact even where the signed difference overflows
	return appendUvarint(b, age/uint64(time.Microsecond))
}

func (r *reader) age(field string) time.Duration {
	age := min(r.uvarint(field), uint64(ageMax/time.Microsecond))
	return r.now - time.Duration(age)*time.Microsecond
}

func appendBoot(b []byte, boot replica.Boot) []byte { return appendFixed64(b, uint64(boot)) }

func (r *reader) boot(field string) replica.Boot { return replica.Boot(r.fixed64(field)) }

func appendRequestID(b []byte, id replica.RequestID) []byte {
	return appendUvarint(appendFixed64(b, id.Client), id.Seq)
}

func (r *reader) requestID(field string) replica.RequestID {
	return replica.RequestID{Client: r.fixed64(field), Seq: r.uvarint(field)}
}

func appendKey(b []byte, k replica.Key) []byte { return appendText(appendText(b, k.App), k.ID) }

// viewKey aliases the payload.
func (r *reader) viewKey() replica.Key {
	return replica.Key{App: r.viewText("app"), ID: r.viewText("id")}
}
