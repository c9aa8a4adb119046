package clienttest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/replica"
)

var testKey = replica.Key{App: "shop", ID: "abcdef.0123456789012345678901"}

func create(t *testing.T, s *Store) replica.Result {
	t.Helper()
	res, err := s.Commit(t.Context(), &replica.Commit{
		Key: testKey, Create: true, Idle: time.Minute, Changes: []replica.Change{{Name: "a", Value: []byte("1")}},
	})
	if err != nil || res.Copies != 1 {
		t.Fatalf("create = %+v, %v", res, err)
	}
	return res
}

func TestStore(t *testing.T) {
	s := NewStore()
	if _, err := s.Load(t.Context(), &replica.Load{Key: testKey}); !errors.Is(err, replica.ErrNotFound) {
		t.Errorf("load of nothing = %v", err)
	}
	created := create(t, s)
	res, err := s.Load(t.Context(), &replica.Load{Key: testKey})
	if err != nil || res.Session == nil || res.Stamp != created.Stamp {
		t.Fatalf("load = %+v, %v", res, err)
	}
	if v, _ := res.Session.Get("a"); string(v) != "1" {
		t.Errorf("a = %q, want 1", v)
	}
	if res, err := s.Load(t.Context(), &replica.Load{Key: testKey, Known: created.Stamp}); err != nil || res.Session != nil {
		t.Errorf("load of what is known = %+v, %v", res, err)
	}
	if _, err := s.Commit(t.Context(), &replica.Commit{Key: testKey, Create: true}); !errors.Is(err, replica.ErrExists) {
		t.Errorf("second create = %v", err)
	}
	if _, err := s.Commit(t.Context(), &replica.Commit{Key: testKey, Destroy: true}); err != nil {
		t.Errorf("destroy = %v", err)
	}
	for _, c := range []*replica.Commit{{Key: testKey}, {Key: testKey, Create: true}} {
		if _, err := s.Commit(t.Context(), c); !errors.Is(err, replica.ErrDestroyed) {
			t.Errorf("commit to a destroyed session = %v", err)
		}
	}
	if got := s.Sessions(); got != 0 {
		t.Errorf("%d sessions live", got)
	}
}

func TestSessionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStore()
		create(t, s)
		time.Sleep(59 * time.Second)
		if _, err := s.Load(t.Context(), &replica.Load{Key: testKey}); err != nil {
			t.Errorf("load before its time = %v", err)
		}
		time.Sleep(90 * time.Second)
		if got := s.Sessions(); got != 0 {
			t.Errorf("%d sessions live", got)
		}
		if _, err := s.Load(t.Context(), &replica.Load{Key: testKey}); !errors.Is(err, replica.ErrNotFound) {
			t.Errorf("load after its time = %v", err)
		}
	})
}

func TestRefusals(t *testing.T) {
	s := NewStore()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Load(gone, &replica.Load{Key: testKey}); !errors.Is(err, context.Canceled) {
		t.Errorf("load for nobody = %v", err)
	}
	if _, err := s.Load(t.Context(), &replica.Load{}); err == nil {
		t.Error("a load without a key was answered")
	}
	if _, err := s.Commit(t.Context(), &replica.Commit{}); err == nil {
		t.Error("a commit without a key was taken")
	}
}
