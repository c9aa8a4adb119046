package client_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// age is the Max-Age of the cookie that a response sets, or fails the test when it sets none.
func age(t *testing.T, resp *http.Response) time.Duration {
	t.Helper()
	c := resp.Cookies()
	if len(c) != 1 {
		t.Fatalf("cookies = %v, want one", c)
	}
	return time.Duration(c[0].MaxAge) * time.Second
}

func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newSpyStore()
		m := manager(t, client.ManagerConfig{Store: store})
		var b browser
		b.begin(t, m, "cart", 3)
		if b.cookie.MaxAge != 0 {
			t.Errorf("Max-Age = %d before anybody asked", b.cookie.MaxAge)
		}
		store.taken()
		resp := b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
			must(t, s.RenewID())
			must(t, s.Keep(20*time.Hour, 23*time.Hour))
		})
		if got := age(t, resp); got != 23*time.Hour {
			t.Errorf("Max-Age = %v, want the session's lifetime", got)
		}
		c := store.taken()
		if len(c) != 1 || !c[0].Configure || c[0].Idle != 20*time.Hour || c[0].Lifetime != 23*time.Hour || c[0].Renew == "" {
			t.Errorf("commits = %+v, want one that renews and configures", c)
		}

		store.loads = 0
		time.Sleep(19*time.Hour + 500*time.Millisecond) // far more than the manager's idle time-out
		resp = b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
			if n, err := client.Get[int](s, "cart"); n != 3 || err != nil {
				t.Errorf("cart = %d, %v: the session is not kept", n, err)
			}
			must(t, s.RenewID())
		})
		if got := age(t, resp); got != 4*time.Hour-time.Second {
			t.Errorf("Max-Age after RenewID = %v, want what is left, in whole seconds", got)
		}
		if store.loads != 1 {
			t.Errorf("%d loads, want one: it says when the session ends", store.loads)
		}

		resp = b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, s.Keep(0, 0)) })
		if got := age(t, resp); got != 0 {
			t.Errorf("Max-Age = %v when it is taken back", got)
		}
		time.Sleep(time.Hour)
		b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
			if err := s.Missing(); !errors.Is(err, replica.ErrNotFound) {
				t.Errorf("Missing = %v, want the manager's idle time-out back", err)
			}
		})
	})
}

func TestKeepBeginsNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newSpyStore()
		m := manager(t, client.ManagerConfig{Store: store})
		var b browser
		b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, s.Keep(time.Hour, time.Hour)) })
		if c := store.taken(); len(c) != 0 || b.id() != "" {
			t.Errorf("commits = %+v", c)
		}
		b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
			must(t, s.Keep(-1, time.Hour))
			must(t, client.Set(s, "user", "ada"))
		})
		if c := store.taken(); len(c) != 1 || c[0].Idle != 0 || c[0].Lifetime != time.Hour || b.cookie.MaxAge != 3600 {
			t.Errorf("commits = %+v, cookie %v", c, b.cookie)
		}
	})
}

// The cookie's age is bounded by what the cluster makes of the session, whatever was asked for.
func TestCookieNeverOutlivesTheSession(t *testing.T) {
	for _, test := range []struct {
		name     string
		conf     client.ManagerConfig
		after    time.Duration // between the beginning and the second request
		second   func(t *testing.T, s *client.Session)
		first    time.Duration // Max-Age of the first response
		atSecond time.Duration
	}{
		{"no lifetime", client.ManagerConfig{Cookie: client.Cookie{MaxAge: 30 * 24 * time.Hour}}, 20 * time.Hour,
			func(t *testing.T, s *client.Session) { must(t, s.RenewID()) }, 24 * time.Hour, 4 * time.Hour},
		{"shorter than the session", client.ManagerConfig{Cookie: client.Cookie{MaxAge: time.Hour}, Lifetime: 2 * time.Hour}, 90 * time.Minute,
			func(t *testing.T, s *client.Session) { must(t, s.RenewID()) }, time.Hour, 30 * time.Minute},
		{"kept without a new id", client.ManagerConfig{}, 20 * time.Hour,
			func(t *testing.T, s *client.Session) { must(t, s.Keep(-1, 24*time.Hour)) }, 0, 4 * time.Hour},
		{"kept with a new id", client.ManagerConfig{}, 20 * time.Hour, func(t *testing.T, s *client.Session) {
			must(t, s.Keep(-1, 24*time.Hour))
			must(t, s.RenewID())
		}, 0, 24 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.conf.Store, test.conf.Idle = newSpyStore(), -1
				m := manager(t, test.conf)
				var b browser
				resp := b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, client.Set(s, "n", 1)) })
				if got := age(t, resp); got != test.first {
					t.Errorf("Max-Age at first = %v, want %v", got, test.first)
				}
				time.Sleep(test.after)
				resp = b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { test.second(t, s) })
				if got := age(t, resp); got != test.atSecond {
					t.Errorf("Max-Age then = %v, want %v", got, test.atSecond)
				}
			})
		})
	}
}

func TestKeepRefuses(t *testing.T) {
	m := manager(t, client.ManagerConfig{Store: newSpyStore()})
	var b browser
	b.begin(t, m, "n", 1)
	b.visit(m.Wrap, func(w http.ResponseWriter, s *client.Session) {
		for _, err := range []error{s.Keep(time.Millisecond, 0), s.Keep(0, -1)} {
			if !errors.Is(err, replica.ErrBadRequest) {
				t.Errorf("Keep = %v, want ErrBadRequest", err)
			}
		}
		must(t, s.Keep(0, 365*24*time.Hour))
		if _, err := s.Commit(t.Context()); !errors.Is(err, replica.ErrTooLarge) {
			t.Errorf("Commit = %v, want the cluster's limit", err)
		}
		s.Discard()
		w.(http.Flusher).Flush()
		if err := s.Keep(0, time.Hour); !errors.Is(err, client.ErrResponseStarted) {
			t.Errorf("Keep = %v, want ErrResponseStarted", err)
		}
	})
}
