package chaos

import (
	"context"
	"errors"
	"testing"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// shelf is a store with one session, of which the first commits are refused as if others had been faster.
type shelf struct {
	store
	session *replica.Session
	rivals  int
	commits int
}

func (s *shelf) Load(context.Context, *replica.Load) (replica.Result, error) {
	if s.session == nil {
		return replica.Result{}, replica.ErrNotFound
	}
	return replica.Result{Session: s.session, Stamp: s.session.Stamp}, nil
}

func (s *shelf) Commit(_ context.Context, c *replica.Commit) (replica.Result, error) {
	s.commits++
	if s.rivals > 0 {
		s.rivals--
		return replica.Result{}, replica.ErrChanged
	}
	stamp := replica.Stamp{Clock: s.session.Stamp.Clock + 1, Boot: 1}
	next := *s.session
	next.Stamp, next.Attrs = stamp, []*replica.Attr{{Name: c.Changes[0].Name, Value: c.Changes[0].Value, Stamp: stamp}}
	s.session = &next
	return replica.Result{Stamp: stamp, Copies: 2}, nil
}

func TestAHandlerRaisesACounter(t *testing.T) {
	id, err := newID()
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{session: &replica.Session{Key: keyOf(id), Stamp: replica.Stamp{Clock: 1, Boot: 1}}, rivals: 2}
	a := &actor{store: s}
	for _, want := range []string{"1", "2"} {
		if got, err := a.handle(t.Context(), id, "n1"); err != nil || got != want {
			t.Errorf("raised to %q, %v; want %q", got, err, want)
		}
	}
	if got := attrOf(s.session, "n1"); got != "2" || s.commits != 4 {
		t.Errorf("the counter is %q after %d commits, want 2 after 4", got, s.commits)
	}
}

func TestAHandlerBeginsNoOtherSession(t *testing.T) {
	id, err := newID()
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{}
	if _, err := (&actor{store: s}).handle(t.Context(), id, "n1"); !errors.Is(err, replica.ErrNotFound) || s.commits > 0 {
		t.Errorf("%v and %d commits for a session that is not there, want ErrNotFound and none", err, s.commits)
	}
}

var _ client.Store = (*shelf)(nil)
