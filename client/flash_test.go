package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/sessnode/sessnode/client"
)

// flashes takes a browser's messages in a request of its own.
func flashes(t *testing.T, b *browser, m *client.Manager) []string {
	t.Helper()
	var got []string
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		var err error
		got, err = client.TakeFlashes[string](s)
		must(t, err)
	})
	return got
}

func leave(t *testing.T, b *browser, m *client.Manager, messages ...string) {
	t.Helper()
	resp := b.visit(m.Wrap, func(w http.ResponseWriter, s *client.Session) {
		for _, message := range messages {
			must(t, client.Flash(s, message))
		}
		w.Header().Set("Location", "/")
		w.WriteHeader(http.StatusSeeOther)
	})
	if resp.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d, want the redirect", resp.StatusCode)
	}
}

func TestFlash(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	if got := flashes(t, &b, m); got != nil || b.id() != "" {
		t.Errorf("messages of nobody = %q, cookie %q", got, b.id())
	}
	leave(t, &b, m, "one", "two") // begins a session
	leave(t, &b, m, "three")
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		must(t, client.Flash(s, "four"))
		for _, want := range [][]string{{"one", "two", "three", "four"}, nil} {
			if got, err := client.TakeFlashes[string](s); !slices.Equal(got, want) || err != nil {
				t.Errorf("TakeFlashes = %q, %v, want %q", got, err, want)
			}
		}
	})
	store.taken()
	if got := flashes(t, &b, m); got != nil {
		t.Errorf("messages were seen again: %q", got)
	}
	if c := store.taken(); len(c) != 0 {
		t.Errorf("taking nothing committed %+v", c)
	}
}

// A message that was left while another request took the ones before is there for the next.
func TestFlashBesideTake(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	leave(t, &b, m, "old")
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		got, err := client.TakeFlashes[string](s)
		if !slices.Equal(got, []string{"old"}) || err != nil {
			t.Errorf("TakeFlashes = %q, %v", got, err)
		}
		other := b
		if got := flashes(t, &other, m); len(got) != 1 { // it takes the message too, and its place is free
			t.Errorf("the other request took %q", got)
		}
		for i := range 16 { // in every place
			leave(t, &other, m, fmt.Sprint(i))
		}
	})
	if got := flashes(t, &b, m); len(got) != 16 {
		t.Errorf("messages = %q, want all that were left meanwhile", got)
	}
}

// Two requests that both found one free place do not displace each other's message.
func TestFlashBesideFlash(t *testing.T) {
	m := manager(t, client.ManagerConfig{Store: newSpyStore()})
	var b browser
	for i := range 14 {
		leave(t, &b, m, fmt.Sprint(i))
	}
	for range 5 {
		b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
			must(t, client.Set(s, "x", 1))
			must(t, client.Flash(s, "mine"))
			other := b
			leave(t, &other, m, "theirs")
		})
		got := flashes(t, &b, m)
		if len(got) < 2 || !slices.Equal(got[len(got)-2:], []string{"mine", "theirs"}) {
			t.Errorf("messages = %q, want both", got)
		}
		for i := range 14 {
			leave(t, &b, m, fmt.Sprint(i))
		}
	}
}

// The request's own commit without a condition does not hide what others left beside it.
func TestFlashAfterCommit(t *testing.T) {
	m := manager(t, client.ManagerConfig{Store: newSpyStore()})
	var b browser
	for i := range 15 {
		leave(t, &b, m, fmt.Sprint(i))
	}
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		must(t, client.Set(s, "x", 1))
		other := b
		leave(t, &other, m, "theirs")
		_, err := s.Commit(t.Context())
		must(t, err)
		must(t, client.Flash(s, "mine"))
	})
	if got := flashes(t, &b, m); len(got) != 16 || got[14] != "theirs" || got[15] != "mine" {
		t.Errorf("messages = %q, want the oldest displaced and both new ones", got)
	}
}

func TestFlashesAreFew(t *testing.T) {
	m := manager(t, client.ManagerConfig{Store: newSpyStore()})
	var b browser
	for i := range 20 {
		leave(t, &b, m, fmt.Sprint(i))
	}
	if got := flashes(t, &b, m); len(got) != 16 || got[0] != "4" || got[15] != "19" {
		t.Errorf("messages = %q, want the 16 newest", got)
	}
	var many []string
	for i := range 20 {
		many = append(many, fmt.Sprint(i))
	}
	leave(t, &b, m, many...)
	if got := flashes(t, &b, m); !slices.Equal(got, many[4:]) {
		t.Errorf("messages = %q, want the 16 newest", got)
	}
	for range 1100 { // more names than a session remembers
		leave(t, &b, m, "again")
		if got := flashes(t, &b, m); len(got) != 1 {
			t.Fatalf("messages = %q", got)
		}
	}
}

func TestFlashesInOneInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its clock stands still
		m := manager(t, client.ManagerConfig{Store: newSpyStore()})
		var b browser
		leave(t, &b, m, "zebra", "ant", "bee")
		if got := flashes(t, &b, m); !slices.Equal(got, []string{"zebra", "ant", "bee"}) {
			t.Errorf("messages = %q, want the order in which they were left", got)
		}
	})
}

func TestFlashAfterFirstByte(t *testing.T) {
	m := manager(t, client.ManagerConfig{Store: newSpyStore()})
	var b browser
	for _, want := range []error{client.ErrResponseStarted, nil} {
		b.visit(m.Wrap, func(w http.ResponseWriter, s *client.Session) {
			w.(http.Flusher).Flush()
			if err := client.Flash(s, "late"); !errors.Is(err, want) {
				t.Errorf("Flash = %v, want %v", err, want)
			}
		})
		if b.id() == "" {
			b.begin(t, m, "x", 1)
		}
	}
	if got := flashes(t, &b, m); !slices.Equal(got, []string{"late"}) {
		t.Errorf("messages = %q", got)
	}
}

func TestFlashOfAnotherType(t *testing.T) {
	m := manager(t, client.ManagerConfig{Store: newSpyStore()})
	var b browser
	leave(t, &b, m, "text")
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		must(t, client.Flash(s, 7))
		got, err := client.TakeFlashes[int](s)
		if !slices.Equal(got, []int{7}) || !errors.Is(err, client.ErrUndecodable) {
			t.Errorf("TakeFlashes = %v, %v, want 7 and ErrUndecodable", got, err)
		}
		if err := client.Flash(s, func() {}); err == nil {
			t.Error("Flash of a function worked")
		}
	})
	if got := flashes(t, &b, m); got != nil {
		t.Errorf("messages = %q: the one of another type is never taken", got)
	}
}
