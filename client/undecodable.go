package client

import (
	"fmt"
	"reflect"

	"github.com/sessnode/sessnode/replica"
)

// Undecodable says what becomes of a stored attribute that cannot be decoded into the type that Get asked for, after a
// deploy for instance. Other attributes are never concerned, unless that is chosen. It is logged once per request,
// without what the attribute holds.
type Undecodable uint8

// The choices for Undecodable.
const (
	// UndecodableFail: that Get fails with ErrUndecodable; the attribute stays until it is set or deleted.
	UndecodableFail Undecodable = iota
	// UndecodableSkip: Get finds nothing; the attribute stays until it is set or deleted, and Has still finds it. The
	// choice while two versions of the application serve the same sessions.
	UndecodableSkip
	// UndecodableQuarantine: Get finds nothing, and the request's commit moves the attribute to a reserved name, which
	// begins with AttrQuarantine, for somebody to look at.
	UndecodableQuarantine
	// UndecodableNewSession: the session is destroyed, as by [Session.Destroy]; Get finds nothing.
	UndecodableNewSession
)

// AttrQuarantine and the name that an attribute had is the name under which it lies in quarantine. A name that would
// become longer than 256 bytes is cut there.
const AttrQuarantine = AttrReserved + "quarantine:"

const quarantineNameMax = 256 // what nodes allow by default

// undecodable is what Get answers when what is stored under a name is no T, as the manager says.
func (s *Session) undecodable(name string, data []byte, t reflect.Type, cause error) error {
	err := fmt.Errorf("get attribute %q: %w: %w", name, ErrUndecodable, cause)
	if !s.isStored(name) {
		return err // this request set it as another type
	}
	s.warn(name, t)
	switch s.manager.undecodable {
	case UndecodableSkip:
		return nil
	case UndecodableQuarantine:
		return s.quarantine(name, data)
	case UndecodableNewSession:
		return s.Destroy()
	}
	return err
}

// isStored reports whether the store has an attribute that this request has not changed.
func (s *Session) isStored(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	_, pending := st.pending.find(name)
	_, sending := st.sending.find(name)
	return !pending && !sending
}

// warn logs the first such attribute of the request. The error stays out: it may quote what is stored.
func (s *Session) warn(name string, t reflect.Type) {
	s.mu.Lock()
	id, warned := s.state.id, s.state.warned
	s.state.warned = true
	s.mu.Unlock()
	if !warned {
		s.manager.log.Warn("attribute cannot be decoded", "session", replica.ShortID(id), "attribute", name, "type", t.String(),
			"policy", s.manager.undecodable.String())
	}
}

// quarantine moves an attribute to where no handler reads it.
func (s *Session) quarantine(name string, data []byte) error {
	to := AttrQuarantine + name
	if err := s.change(replica.Change{Name: to[:min(len(to), quarantineNameMax)], Value: data}); err != nil {
		return err
	}
	return s.change(replica.Change{Name: name, Delete: true})
}

// String is the choice as the log says it.
func (u Undecodable) String() string {
	switch u {
	case UndecodableFail:
		return "fail"
	case UndecodableSkip:
		return "skip"
	case UndecodableQuarantine:
		return "quarantine"
	case UndecodableNewSession:
		return "new session"
	}
	return fmt.Sprintf("unknown policy %d", uint8(u))
}
