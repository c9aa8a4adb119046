package replica

import "fmt"

// SlotOf is the slot that a request is about, of so many; it may be out of range for a List that is not valid.
func (m *Request) SlotOf(slots int) uint32 {
	if m.List != nil {
		return m.List.Slot
	}
	return SlotOf(m.Key().ID, slots)
}

// Key is the session that a request is about; a List's names only the application.
func (m *Request) Key() Key {
	switch {
	case m.Load != nil:
		return m.Load.Key
	case m.Commit != nil:
		return m.Commit.Key
	case m.Lock != nil:
		return m.Lock.Key
	}
	return Key{App: m.List.App}
}

// Request answers a client's request. The caller has made sure that the slot is Serving and that its lease holds.
func (s *Slot) Request(now Instant, t Token, m *Request, fx *Effects) {
	switch {
	case m.Load != nil:
		s.Load(now, t, m.Load, fx)
	case m.Commit != nil:
		s.Commit(now, t, m.Commit, fx)
	case m.Lock != nil:
		s.Lock(now, t, m.Lock, fx)
	default:
		s.List(now, t, m.List, fx)
	}
}

// Validate reports a request that names no session or no slot that there could be, or that no other node could be asked: it is not
// to be passed on.
func (m *Request) Validate(slots int) error {
	switch c := m.Commit; {
	case m.List != nil:
		return m.List.Validate(slots)
	case c != nil && c.NotAfter < 0:
		return fmt.Errorf("%w: not-after is negative", ErrBadRequest)
	case c != nil && c.Durability > DurableNone:
		return fmt.Errorf("%w: there is no durability %d", ErrBadRequest, c.Durability)
	}
	return m.Key().Validate()
}

// Late reports whether nobody waits for the answer any more, so that the request need not be passed on. A lock that is given
// back is never too late.
func (m *Request) Late(now Instant, l *Limits) bool {
	switch {
	case m.Load != nil:
		return late(now, m.Load.NotAfter, l)
	case m.Commit != nil:
		return late(now, m.Commit.NotAfter, l)
	case m.Lock != nil:
		return !m.Lock.Release && late(now, m.Lock.NotAfter, l)
	}
	return late(now, m.List.NotAfter, l)
}

// late allows for a sender whose clock is behind.
func late(now Instant, notAfter int64, l *Limits) bool {
	return notAfter != 0 && now.Wall > notAfter+l.ClockSkewMax.Milliseconds()
}
