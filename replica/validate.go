package replica

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// validate reports what makes c impossible whatever the session holds.
func (c *Commit) validate(l *Limits, slot uint32, slots int) error {
	if err := c.Key.Validate(); err != nil {
		return err
	}
	switch {
	case c.Destroy && (c.Create || c.Configure || len(c.Changes) > 0 || c.Renew != "" || !c.If.IsZero() || !c.Lock.IsZero()):
		return fmt.Errorf("%w: destroying excludes every other change and any condition", ErrBadRequest)
	case c.Create && (!c.If.IsZero() || !c.Lock.IsZero()):
		return fmt.Errorf("%w: a session that is being created has no stamp or lock yet", ErrBadRequest)
	case c.Durability > DurableNone:
		return fmt.Errorf("%w: durability %d is none of all, one, none", ErrBadRequest, c.Durability)
	case c.Idle < 0 || c.Lifetime < 0:
		return fmt.Errorf("%w: negative time-out", ErrBadRequest)
	case c.Lifetime > l.LifetimeMax:
		return fmt.Errorf("%w: lifetime of %v, limit %v", ErrTooLarge, c.Lifetime, l.LifetimeMax)
	case c.Idle > 0 && c.Idle < time.Second:
		return fmt.Errorf("%w: idle time-out of %v, at least 1s", ErrBadRequest, c.Idle)
	case c.Create && c.Renew != "":
		return fmt.Errorf("%w: a session that is being created has no id to renew", ErrBadRequest)
	}
	if c.Renew != "" {
		if err := (Key{c.Key.App, c.Renew}).Validate(); err != nil {
			return err
		}
		if c.Renew == c.Key.ID || SlotOf(c.Renew, slots) != slot {
			return fmt.Errorf("%w: the new id must be another with the same tag", ErrBadRequest)
		}
	}
	return c.validateChanges(l)
}

func (c *Commit) validateChanges(l *Limits) error {
	if len(c.Changes) > l.AttrsMax {
		return fmt.Errorf("%w: %d attributes, limit %d", ErrTooMany, len(c.Changes), l.AttrsMax)
	}
	for i, ch := range c.Changes {
		switch {
		case ch.Name == "":
			return fmt.Errorf("%w: attribute without a name", ErrBadRequest)
		case len(ch.Name) > l.NameBytesMax:
			return fmt.Errorf("%w: attribute name of %d bytes, limit %d", ErrTooLarge, len(ch.Name), l.NameBytesMax)
		case ch.Delete && len(ch.Value) > 0:
			return fmt.Errorf("%w: attribute %q deleted with a value", ErrBadRequest, ch.Name)
		}
		if len(c.Changes) <= fewChanges && slices.ContainsFunc(c.Changes[:i], ch.sameName) {
			return twice(ch.Name)
		}
	}
	if len(c.Changes) <= fewChanges {
		return nil
	}
	names := slices.SortedFunc(slices.Values(c.Changes), func(a, b Change) int { return strings.Compare(a.Name, b.Name) })
	for i := range names[1:] {
		if names[i].sameName(names[i+1]) {
			return twice(names[i].Name)
		}
	}
	return nil
}

// fewChanges is how many names are compared with each other; more are sorted.
const fewChanges = 16

func (ch Change) sameName(other Change) bool { return ch.Name == other.Name }

func twice(name string) error { return fmt.Errorf("%w: attribute %q twice", ErrBadRequest, name) }

// sound reports whether an entry from another node can be applied at all.
func (e *Entry) sound() bool {
	for i := range e.Parts {
		if !e.Parts[i].sound() {
			return false
		}
	}
	return len(e.Parts)+len(e.Requests) > 0
}

// sound reports whether a part from another node can be merged: a stamp near the end of the clock's range would leave no
// later one to give.
func (p *Part) sound() bool {
	s := p.Session
	return s != nil && s.Ending <= LoggedOut && s.Touched.Clock < 1<<63 && !s.Touched.Less(s.Stamp) &&
		s.Accessed > neverAccessed && s.Accessed < forever
}

// namesPerAttr bounds the names that a session remembers, deleted ones included, as a multiple of AttrsMax.
const namesPerAttr = 4

// within reports which limit a session passes.
func (s *Session) within(l *Limits) error {
	attrs, bytes := s.Live()
	switch {
	case bytes > l.SessionBytesMax:
		return fmt.Errorf("%w: session of %d bytes, limit %d", ErrTooLarge, bytes, l.SessionBytesMax)
	case attrs > l.AttrsMax:
		return fmt.Errorf("%w: %d attributes, limit %d", ErrTooMany, attrs, l.AttrsMax)
	case len(s.Attrs) > namesPerAttr*l.AttrsMax:
		return fmt.Errorf("%w: %d attribute names, deleted ones included, limit %d",
			ErrTooMany, len(s.Attrs), namesPerAttr*l.AttrsMax)
	}
	return nil
}
