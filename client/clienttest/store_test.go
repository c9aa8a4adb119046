package clienttest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

var testKey = replica.Key{App: "shop", ID: "abcdef.0123456789012345678901"}

func create(t *testing.T, s *Store) {
	t.Helper()
	_, err := s.Commit(t.Context(), &replica.Commit{
		Key: testKey, Create: true, Idle: time.Minute, Changes: []replica.Change{{Name: "a", Value: []byte("1")}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestConforms(t *testing.T) {
	Suite{Open: func(*testing.T) client.Store { return NewStore() }, Virtual: true, Copies: 1}.Run(t)
}

func TestSessionsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStore()
		create(t, s)
		time.Sleep(59 * time.Second)
		if got := s.Sessions(); got != 1 {
			t.Errorf("%d sessions live, want 1", got)
		}
		time.Sleep(90 * time.Second)
		if got := s.Sessions(); got != 0 {
			t.Errorf("%d sessions live after their time", got)
		}
		create(t, s)
		if _, err := s.Commit(t.Context(), &replica.Commit{Key: testKey, Destroy: true}); err != nil {
			t.Errorf("destroy = %v", err)
		}
		if got := s.Sessions(); got != 0 {
			t.Errorf("%d sessions live after the last was destroyed", got)
		}
	})
}

// The suite may find a request answered that came for nobody; this store never does.
func TestNobodyIsAnsweredNothing(t *testing.T) {
	s := NewStore()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Load(gone, &replica.Load{Key: testKey}); !errors.Is(err, context.Canceled) {
		t.Errorf("load for nobody = %v", err)
	}
	if _, err := s.Commit(gone, &replica.Commit{Key: testKey, Create: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("commit for nobody = %v", err)
	}
	if got := s.Sessions(); got != 0 {
		t.Errorf("%d sessions live", got)
	}
}
