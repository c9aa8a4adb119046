package client_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

func TestRenewID(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var ada, thief browser
	old := ada.begin(t, m, "cart", 3)
	thief.cookie = ada.cookie
	store.taken()

	ada.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		must(t, client.Set(s, "user", "ada"))
		must(t, s.RenewID())
	})
	if ada.id() == old || replica.Tag(ada.id()) != replica.Tag(old) {
		t.Errorf("id went from %q to %q, want another with the same tag", old, ada.id())
	}
	if c := store.taken(); len(c) != 1 || c[0].Renew != ada.id() || len(c[0].Changes) != 1 {
		t.Errorf("commits = %+v, want one that renews and sets", c)
	}
	if got := store.attr(t, ada.id(), "cart") + store.attr(t, ada.id(), "user"); got != `3"ada"` {
		t.Errorf("stored under the new id: %s", got)
	}
	ada.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		if user, err := client.Get[string](s, "user"); user != "ada" || err != nil {
			t.Errorf("user = %q, %v", user, err)
		}
	})
	thief.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		if ok, err := s.Exists(); ok || err != nil {
			t.Errorf("the old id still opens a session: %v, %v", ok, err)
		}
		must(t, client.Set(s, "user", "mallory"))
	})
	if thief.id() == old || thief.id() == ada.id() {
		t.Errorf("the old id became %q", thief.id())
	}
}

func TestRenewIDWithoutSession(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, s.RenewID()) })
	if c := store.taken(); len(c) != 0 || b.id() != "" {
		t.Errorf("commits %+v, cookie %q, want none", c, b.id())
	}
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		must(t, client.Set(s, "user", "ada"))
		must(t, s.RenewID())
	})
	if c := store.taken(); len(c) != 1 || !c[0].Create || c[0].Renew != "" {
		t.Errorf("commits = %+v, want one that creates", c)
	}
}

func TestRenewIDThatFailsKeepsTheOld(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	old := b.begin(t, m, "cart", 3)
	store.fail = func(_ context.Context, _ *replica.Load, c *replica.Commit) error {
		if c != nil {
			return replica.ErrUnavailable
		}
		return nil
	}
	resp := b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, s.RenewID()) })
	if resp.StatusCode != 503 || len(resp.Cookies()) != 0 {
		t.Errorf("response = %d %v", resp.StatusCode, resp.Cookies())
	}
	if store.attr(t, old, "cart") != "3" {
		t.Error("the session under the old id is gone")
	}
}

func TestRenewIDFailsRequestsInFlight(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	b.begin(t, m, "cart", 3)
	slow := b
	resp := slow.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		_, err := client.Get[int](s, "cart")
		must(t, err)
		b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, s.RenewID()) })
		must(t, client.Set(s, "cart", 4))
	})
	if resp.StatusCode != http.StatusConflict || len(resp.Cookies()) != 0 {
		t.Errorf("response = %d %v, want 409 that leaves the new cookie alone", resp.StatusCode, resp.Cookies())
	}
	if got := store.attr(t, b.id(), "cart"); got != "3" {
		t.Errorf("cart = %s: the late write got in", got)
	}
}

func TestRenewIDAfterFirstByte(t *testing.T) {
	m := manager(t, client.ManagerConfig{Store: newSpyStore()})
	var b browser
	b.begin(t, m, "cart", 3)
	b.visit(m.Wrap, func(w http.ResponseWriter, s *client.Session) {
		w.(http.Flusher).Flush()
		if err := s.RenewID(); !errors.Is(err, client.ErrResponseStarted) {
			t.Errorf("RenewID = %v, want ErrResponseStarted", err)
		}
	})
}

func TestDestroyAfterRenewIsOfTheNewID(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	b.begin(t, m, "cart", 3)
	var s *client.Session
	store.fail = func(_ context.Context, _ *replica.Load, c *replica.Commit) error {
		if c != nil && c.Renew != "" {
			must(t, s.Destroy()) // by another goroutine of the request, say
		}
		return nil
	}
	b.visit(m.Wrap, func(w http.ResponseWriter, session *client.Session) {
		s = session
		must(t, s.RenewID())
		w.(http.Flusher).Flush()
	})
	for _, c := range store.taken() {
		if c.Renew != "" && store.stored(t, c.Renew) != nil {
			t.Error("the session lives on under its new id")
		}
	}
}
