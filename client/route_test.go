package client_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// blocked is how a store behaves whose slot has no primary.
func blocked(ctx context.Context, _ *replica.Load, _ *replica.Commit) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestRouteLimit(t *testing.T) {
	for _, test := range []struct {
		name    string
		nested  bool
		handler func(s *client.Session)
	}{
		{"load", false, func(s *client.Session) { _, _ = client.Get[int](s, "n") }},
		{"commit", false, func(s *client.Session) { _ = s.Destroy() }},
		{"load, inside Wrap", true, func(s *client.Session) { _, _ = client.Get[int](s, "n") }},
		{"commit, inside Wrap", true, func(s *client.Session) { _ = s.Destroy() }},
		{"update", false, func(s *client.Session) {
			if err := s.Update(context.Background(), func() error { return nil }); !client.Unreachable(err) {
				t.Errorf("Update = %v", err)
			}
			_, _ = client.Get[int](s, "n")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newSpyStore()
				m := manager(t, client.ManagerConfig{Store: store, Timeout: 20 * time.Second})
				var b browser
				b.begin(t, m, "n", 1)
				store.fail = blocked
				var got error
				route := client.Route{Timeout: 100 * time.Millisecond, OnError: func(w http.ResponseWriter, _ *http.Request, err error) {
					got = err
					w.WriteHeader(http.StatusTeapot)
				}}
				wrap := func(next http.Handler) http.Handler { return m.WrapWith(route, next) }
				if test.nested {
					wrap = func(next http.Handler) http.Handler { return m.Wrap(m.WrapWith(route, next)) }
				}
				start := time.Now()
				resp := b.visit(wrap, func(_ http.ResponseWriter, s *client.Session) { test.handler(s) })
				if spent := time.Since(start); spent < 100*time.Millisecond || spent > 200*time.Millisecond {
					t.Errorf("gave up after %v, want the route's limit", spent)
				}
				if !client.Unreachable(got) || !errors.Is(got, context.DeadlineExceeded) || resp.StatusCode != http.StatusTeapot {
					t.Errorf("OnError got %v, status %d", got, resp.StatusCode)
				}

				start = time.Now()
				resp = b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { _ = s.Destroy() })
				if spent := time.Since(start); spent != 20*time.Second || resp.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("another route: %d after %v, want 503 after the manager's limit", resp.StatusCode, spent)
				}
			})
		})
	}
}

func TestRouteValidate(t *testing.T) {
	m := manager(t, client.ManagerConfig{Store: newSpyStore()})
	for _, limit := range []time.Duration{-1, time.Minute} {
		if err := (client.Route{Timeout: limit}).Validate(); err == nil {
			t.Errorf("Timeout %v is accepted", limit)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("WrapWith a Timeout of %v did not panic", limit)
				}
			}()
			m.WrapWith(client.Route{Timeout: limit}, http.NotFoundHandler())
		}()
	}
}
