package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// increment adds one to an attribute.
func increment(s *client.Session, name string) error {
	n, err := client.Get[int](s, name)
	if err != nil {
		return err
	}
	return client.Set(s, name, n+1)
}

// Two application servers, 100 parallel requests, one session: no increment is lost, and neither is an attribute.
func TestUpdateIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newSpyStore()
		servers := []*client.Manager{
			manager(t, client.ManagerConfig{Store: store}), manager(t, client.ManagerConfig{Store: store}),
		}
		var b browser
		id := b.begin(t, servers[0], "n", 0)
		store.fail = func(context.Context, *replica.Load, *replica.Commit) error {
			time.Sleep(time.Millisecond) // on the way to the store others overtake
			return nil
		}
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				visitor := b
				resp := visitor.visit(servers[i%2].Wrap, func(w http.ResponseWriter, s *client.Session) {
					must(t, client.Set(s, fmt.Sprint("a", i), i))
					if err := s.Update(t.Context(), func() error { return increment(s, "n") }); err != nil {
						t.Errorf("Update = %v", err)
					}
				})
				if resp.StatusCode != 200 {
					t.Errorf("status %d", resp.StatusCode)
				}
			})
		}
		all.Wait()
		if got := store.attr(t, id, "n"); got != "100" {
			t.Errorf("n = %s after 100 increments", got)
		}
		for i := range 100 {
			if store.attr(t, id, fmt.Sprint("a", i)) != fmt.Sprint(i) {
				t.Errorf("attribute a%d is lost", i)
			}
		}
	})
}

func TestUpdate(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	b.begin(t, m, "n", 1)
	store.taken()
	calls := 0
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		_, err := client.Get[int](s, "n")
		must(t, err)
		must(t, client.Set(s, "before", true))
		other := b
		must(t, s.Update(t.Context(), func() error {
			if calls++; calls == 1 {
				other.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, client.Set(s, "n", 10)) })
			}
			return increment(s, "n")
		}))
		if n, _ := client.Get[int](s, "n"); n != 11 || calls != 2 {
			t.Errorf("n = %d after %d calls, want 11 after 2", n, calls)
		}
		must(t, s.Update(t.Context(), func() error { return nil }))
	})
	c := store.taken()
	if len(c) != 3 || !c[0].If.IsZero() || c[1].If.IsZero() || c[2].If.IsZero() || len(c[2].Changes) != 2 {
		t.Errorf("commits = %+v, want the other's between two with conditions, and what was set before in the last", c)
	}
	if n, before := store.attr(t, b.id(), "n"), store.attr(t, b.id(), "before"); n != "11" || before != "true" {
		t.Errorf("stored n = %s, before = %s", n, before)
	}
}

// A second update after the request's own unconditional commit sees what others wrote beside it.
func TestUpdateAfterCommitLoadsAgain(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	b.begin(t, m, "n", 1)
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		must(t, client.Set(s, "x", 1))
		other := b
		other.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, client.Set(s, "n", 10)) })
		_, err := s.Commit(t.Context())
		must(t, err)
		must(t, s.Update(t.Context(), func() error { return increment(s, "n") }))
	})
	if got := store.attr(t, b.id(), "n"); got != "11" {
		t.Errorf("n = %s, want 11", got)
	}
}

func TestUpdateBeginsASession(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		must(t, s.Update(t.Context(), func() error { return increment(s, "n") }))
		must(t, s.Update(t.Context(), func() error { return increment(s, "n") }))
	})
	if got := store.attr(t, b.id(), "n"); got != "2" {
		t.Errorf("n = %s, want 2", got)
	}
}

func TestUpdateThatFails(t *testing.T) {
	oops := errors.New("oops")
	for _, test := range []struct {
		name  string
		fail  func(store *spyStore, b browser, m *client.Manager)
		fn    error
		want  []error
		wantN string
	}{
		{"fn", func(*spyStore, browser, *client.Manager) {}, oops, []error{oops}, "1"},
		{"fn says changed", func(*spyStore, browser, *client.Manager) {}, replica.ErrChanged, []error{replica.ErrChanged}, "1"},
		{"load", func(store *spyStore, _ browser, _ *client.Manager) {
			store.fail = func(_ context.Context, l *replica.Load, _ *replica.Commit) error {
				if l != nil {
					return replica.ErrUnavailable
				}
				return nil
			}
		}, nil, []error{replica.ErrUnavailable}, "1"},
		{"contention", func(store *spyStore, _ browser, _ *client.Manager) {
			store.fail = func(_ context.Context, _ *replica.Load, c *replica.Commit) error {
				if c != nil && !c.If.IsZero() {
					return replica.ErrChanged
				}
				return nil
			}
		}, nil, []error{replica.ErrChanged, context.DeadlineExceeded}, "1"},
		{"ended", func(store *spyStore, b browser, m *client.Manager) {
			b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, s.Destroy()) })
		}, nil, []error{client.ErrEndedMeanwhile, replica.ErrDestroyed}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newSpyStore()
				m := manager(t, client.ManagerConfig{Store: store})
				var b browser
				b.begin(t, m, "n", 1)
				id := b.id()
				b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
					must(t, client.Set(s, "kept", true))
					test.fail(store, b, m)
					start, calls := time.Now(), 0
					err := s.Update(t.Context(), func() error {
						calls++
						must(t, client.Set(s, "kept", false))
						must(t, increment(s, "n"))
						must(t, s.RenewID())
						return test.fn
					})
					for _, want := range test.want {
						if !errors.Is(err, want) {
							t.Errorf("Update = %v, want %v", err, want)
						}
					}
					if spent := time.Since(start); spent > 5*time.Second || test.fn != nil && (calls != 1 || err != test.fn) {
						t.Errorf("Update = %v after %v and %d calls", err, spent, calls)
					}
					if n, _ := client.Get[int](s, "n"); n != 1 {
						t.Errorf("n = %d in the same request, want it taken back", n)
					}
					store.fail = nil
				})
				if got := store.attr(t, id, "n"); got != test.wantN {
					t.Errorf("n = %q, want %q", got, test.wantN)
				}
				if got := store.attr(t, id, "kept"); test.wantN != "" && got != "true" {
					t.Errorf("kept = %q: what was set before is lost", got)
				}
			})
		})
	}
}

func TestUpdateThatPanics(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	b.begin(t, m, "n", 1)
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		func() {
			defer func() { _ = recover() }()
			_ = s.Update(t.Context(), func() error { must(t, increment(s, "n")); panic("boom") })
		}()
		must(t, client.Set(s, "after", true))
	})
	if n, after := store.attr(t, b.id(), "n"), store.attr(t, b.id(), "after"); n != "1" || after != "true" {
		t.Errorf("n = %s, after = %s, want 1 and true", n, after)
	}
}

func TestUpdateInsideUpdateEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := manager(t, client.ManagerConfig{Store: newSpyStore()})
		var b browser
		b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
			err := s.Update(t.Context(), func() error { return s.Update(t.Context(), func() error { return nil }) })
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Update = %v, want it to give up", err)
			}
			s.Discard()
			if err := s.Update(t.Context(), func() error { return nil }); !errors.Is(err, replica.ErrBadRequest) {
				t.Errorf("Update after Discard = %v", err)
			}
		})
	})
}
