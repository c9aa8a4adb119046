package client

import (
	"crypto/rand"

	"github.com/sessnode/sessnode/replica"
)

// RenewID gives the session a new id when this request's changes are committed, in the same commit, and tells the
// browser. The old id is dead from that moment on all nodes. Call it whenever a visitor gains rights, at the login above
// all: an id that somebody planted or saw before is worth nothing then.
//
// Without a session it does nothing, because the id of a session that begins is new anyway. When the commit fails the
// old id stays; when its outcome is unknown the old id may be dead, and the visitor logged out. Other requests that
// have loaded the session under the old id fail to commit, with ErrEndedMeanwhile; those that come with it later find
// no session. Errors: ErrResponseStarted, because the new id could not reach the browser; otherwise as for [Get].
func (s *Session) RenewID() error {
	if s == nil {
		return ErrNotWrapped
	}
	if err := s.ensureLoaded(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	switch {
	case st.phase != phaseOpen:
		return ErrResponseStarted
	case st.id != "":
		st.pending.renew = true
	}
	return nil
}

// renewed is a new id with the placement tag of id: both live in the same slot, where one commit changes them.
func renewed(id string) (string, error) { return replica.NewTaggedID(rand.Reader, replica.Tag(id)) }

// under is a session that goes on under a new id.
func under(s *replica.Session, id string) *replica.Session {
	r := *s
	r.Key.ID = id
	return &r
}
