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

func TestCommitBeforeTheResponse(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store, Durability: replica.DurableOne})
	var b browser
	resp := b.visit(m.Wrap, func(w http.ResponseWriter, s *client.Session) {
		must(t, client.Set(s, "order", 17))
		must(t, s.SetDurability(replica.DurableNone))
		copies, err := s.Commit(t.Context())
		if copies != 1 || err != nil {
			t.Errorf("Commit = %d, %v, want 1 copy", copies, err)
		}
		if copies, err := s.Commit(t.Context()); copies != 0 || err != nil {
			t.Errorf("Commit of nothing = %d, %v", copies, err)
		}
		must(t, s.SetDurability(replica.DurableAll))
		must(t, client.Set(s, "paid", true))
		w.WriteHeader(http.StatusCreated)
	})
	c := store.taken()
	if len(c) != 2 || c[0].Durability != replica.DurableNone || c[1].Durability != replica.DurableAll || c[1].Create {
		t.Fatalf("commits = %+v, want one that creates with none, and a second with all", c)
	}
	if resp.StatusCode != http.StatusCreated || len(resp.Cookies()) != 1 || store.attr(t, b.id(), "paid") != "true" {
		t.Errorf("response %d %v", resp.StatusCode, resp.Cookies())
	}
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		must(t, client.Set(s, "order", 18))
		if err := s.SetDurability(7); !errors.Is(err, replica.ErrBadRequest) {
			t.Errorf("SetDurability(7) = %v", err)
		}
	})
	if c := store.taken(); len(c) != 1 || c[0].Durability != replica.DurableOne {
		t.Errorf("commits = %+v, want the manager's durability again", c)
	}
}

func TestCommitThatFailsIsTriedAgain(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	failures := 1
	store.fail = func(_ context.Context, _ *replica.Load, c *replica.Commit) error {
		if failures--; c != nil && failures >= 0 {
			return replica.ErrUnavailable
		}
		return nil
	}
	resp := b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		must(t, client.Set(s, "a", 1))
		must(t, client.Set(s, "b", 1))
		if _, err := s.Commit(t.Context()); !errors.Is(err, replica.ErrUnavailable) {
			t.Errorf("Commit = %v", err)
		}
		must(t, client.Set(s, "b", 2))
		if a, err := client.Get[int](s, "a"); a != 1 || err != nil {
			t.Errorf("a = %d, %v after the failure", a, err)
		}
	})
	if resp.StatusCode != 200 || store.attr(t, b.id(), "a") != "1" || store.attr(t, b.id(), "b") != "2" {
		t.Errorf("response %d, a = %s, b = %s", resp.StatusCode, store.attr(t, b.id(), "a"), store.attr(t, b.id(), "b"))
	}
}

// What was committed before a panic stays, and the browser learns of it from whoever answers.
func TestPanicAfterCommit(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	old := b.begin(t, m, "cart", 3)
	recovering := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if recover() != nil {
					http.Error(w, "oops", 500)
				}
			}()
			m.Wrap(next).ServeHTTP(w, r)
		})
	}
	b.visit(recovering, func(_ http.ResponseWriter, s *client.Session) {
		must(t, s.RenewID())
		_, err := s.Commit(t.Context())
		must(t, err)
		must(t, client.Set(s, "cart", 4))
		panic("boom")
	})
	if b.id() == old || store.attr(t, b.id(), "cart") != "3" {
		t.Errorf("id %q then %q, cart = %s", old, b.id(), store.attr(t, b.id(), "cart"))
	}
}

func TestCommitAfterRequest(t *testing.T) {
	m := manager(t, client.ManagerConfig{Store: newSpyStore()})
	var b browser
	var late *client.Session
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { late = s })
	if _, err := late.Commit(t.Context()); !errors.Is(err, client.ErrResponseStarted) {
		t.Errorf("Commit = %v, want ErrResponseStarted", err)
	}
}

func TestCommitsOfSeveralGoroutines(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store, Tracking: client.TrackGet})
	var b browser
	b.begin(t, m, "m", map[string]int{"x": 1})
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		v, err := client.Get[map[string]int](s, "m")
		must(t, err)
		v["x"] = 2
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				must(t, client.Set(s, fmt.Sprint(i), i))
				_, err := s.Commit(t.Context())
				must(t, err)
			})
		}
		all.Wait()
	})
	for i := range 20 {
		if got := store.attr(t, b.id(), fmt.Sprint(i)); got != fmt.Sprint(i) {
			t.Errorf("attribute %d = %q", i, got)
		}
	}
	if got := store.attr(t, b.id(), "m"); got != `{"x":2}` {
		t.Errorf("m = %s", got)
	}
}

// One commit at a time: what the first could not save is not lost in the second.
func TestCommitWaitsForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newSpyStore()
		m := manager(t, client.ManagerConfig{Store: store})
		var b browser
		b.begin(t, m, "n", 1)
		first := true
		store.fail = func(_ context.Context, _ *replica.Load, c *replica.Commit) error {
			if c == nil || !first {
				return nil
			}
			first = false
			time.Sleep(time.Second)
			return replica.ErrUnavailable
		}
		b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
			must(t, client.Set(s, "a", 1))
			var other sync.WaitGroup
			other.Go(func() {
				time.Sleep(time.Second / 2)
				must(t, client.Set(s, "b", 1))
				short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				if _, err := s.Commit(short); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Commit beside another = %v, want it to wait no longer than it may", err)
				}
				_, err := s.Commit(t.Context())
				must(t, err)
			})
			if _, err := s.Commit(t.Context()); !errors.Is(err, replica.ErrUnavailable) {
				t.Errorf("first Commit = %v", err)
			}
			other.Wait()
		})
		if got := store.attr(t, b.id(), "a") + store.attr(t, b.id(), "b"); got != "11" {
			t.Errorf("a and b = %s, want both", got)
		}
	})
}

// TestDeleteDuringTheFirstCommit: of what another goroutine is just sending. If that fails after all, there is nothing to
// begin a session for.
func TestDeleteDuringTheFirstCommit(t *testing.T) {
	for _, outcome := range []error{nil, replica.ErrOverCapacity} {
		synctest.Test(t, func(t *testing.T) {
			store := newSpyStore()
			store.fail = func(context.Context, *replica.Load, *replica.Commit) error {
				store.fail = nil
				time.Sleep(time.Second)
				return outcome
			}
			m := manager(t, client.ManagerConfig{Store: store})
			var visitor browser
			visitor.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
				must(t, client.Set(s, "n", 1))
				var first sync.WaitGroup
				first.Go(func() {
					if _, err := s.Commit(context.Background()); !errors.Is(err, outcome) {
						t.Errorf("first commit = %v, want %v", err, outcome)
					}
				})
				synctest.Wait()
				must(t, client.Delete(s, "n"))
				if has, err := client.Has(s, "n"); has || err != nil {
					t.Errorf("what was deleted is there: %v, %v", has, err)
				}
				first.Wait()
			})
			if begun := visitor.id() != ""; begun != (outcome == nil) {
				t.Errorf("a session was begun: %v after %v", begun, outcome)
			}
			if got := store.attr(t, visitor.id(), "n"); got != "" {
				t.Errorf("n = %s in the store", got)
			}
		})
	}
}
