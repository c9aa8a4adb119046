package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// serve runs one request with the given cookie value through a manager, on a public host.
func serve(m *Manager, cookie string, handler http.HandlerFunc) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "http://shop.example/cart", nil)
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "sid", Value: cookie})
	}
	w := httptest.NewRecorder()
	m.Wrap(handler).ServeHTTP(w, r)
	return w
}

// quiet is a manager over a store that logs nowhere.
func quiet(t testing.TB, store Store) *Manager {
	t.Helper()
	return build(t, ManagerConfig{Store: store, Cookie: Cookie{Name: "sid"}})
}

func build(t testing.TB, conf ManagerConfig) *Manager {
	t.Helper()
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	m, err := conf.Build()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// newID is the id that a response's cookie carries.
func newID(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	for _, c := range w.Result().Cookies() {
		if c.Name == "sid" && c.MaxAge >= 0 {
			return c.Value
		}
	}
	t.Fatalf("response sets no session cookie: %v", w.Header())
	return ""
}

func TestNoSessionUntilFirstSet(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler func(t *testing.T, s *Session)
		begins  bool
	}{
		{"never looked at", func(*testing.T, *Session) {}, false},
		{"get", func(t *testing.T, s *Session) {
			n, err := Get[int](s, "items")
			if n != 0 || err != nil {
				t.Errorf("Get of nothing = %d, %v, want 0, nil", n, err)
			}
		}, false},
		{"has", func(t *testing.T, s *Session) {
			if ok, err := Has(s, "items"); ok || err != nil {
				t.Errorf("Has of nothing = %v, %v", ok, err)
			}
			if ok, err := s.Exists(); ok || err != nil {
				t.Errorf("Exists = %v, %v", ok, err)
			}
		}, false},
		{"delete", func(t *testing.T, s *Session) { must(t, Delete(s, "items")) }, false},
		{"destroy", func(t *testing.T, s *Session) { must(t, s.Destroy()) }, false},
		{"set then delete", func(t *testing.T, s *Session) {
			must(t, Set(s, "items", 1))
			must(t, Delete(s, "items"))
		}, false},
		{"set then discard", func(t *testing.T, s *Session) {
			must(t, Set(s, "items", 1))
			s.Discard()
		}, false},
		{"set", func(t *testing.T, s *Session) { must(t, Set(s, "items", 1)) }, true},
		{"set of a zero value", func(t *testing.T, s *Session) { must(t, Set(s, "items", 0)) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := newMemStore()
			w := serve(quiet(t, store), "", func(w http.ResponseWriter, r *http.Request) {
				test.handler(t, FromContext(r.Context()))
				fmt.Fprint(w, "page")
			})
			if w.Code != 200 || w.Body.String() != "page" {
				t.Errorf("response = %d %q, want 200 page", w.Code, w.Body)
			}
			loads, commits := store.seen()
			if begun := commits == 1; begun != test.begins || commits > 1 || loads > 0 {
				t.Errorf("store saw %d loads and %d commits, want a new session: %v", loads, commits, test.begins)
			}
			if got := len(w.Result().Cookies()) > 0; got != test.begins {
				t.Errorf("cookie set: %v, want %v", got, test.begins)
			}
		})
	}
}

func TestFirstSetCreatesSession(t *testing.T) {
	store := newMemStore()
	m := build(t, ManagerConfig{Store: store, App: "shop", Idle: time.Hour, Lifetime: 24 * time.Hour})
	w := serve(m, "", func(_ http.ResponseWriter, r *http.Request) { must(t, Set(FromContext(r.Context()), "items", 3)) })
	id := newID(t, w)
	if !replica.WellFormedID(id) {
		t.Errorf("id %q is not well formed", id)
	}
	c := store.commits[0]
	if c.Key != (replica.Key{App: "shop", ID: id}) || !c.Create || !c.Configure || c.Idle != time.Hour ||
		c.Lifetime != 24*time.Hour || c.NotAfter == 0 {
		t.Errorf("first commit = %+v", c)
	}
	if len(c.Changes) != 1 || c.Changes[0].Name != "items" || string(c.Changes[0].Value) != "3" {
		t.Errorf("changes = %+v", c.Changes)
	}
}

func TestSessionOverRequests(t *testing.T) {
	store := newMemStore()
	m := quiet(t, store)
	id := store.put(t, "items", "3", "name", `"Ada"`)
	w := serve(m, id, func(_ http.ResponseWriter, r *http.Request) {
		s := FromContext(r.Context())
		n, err := Get[int](s, "items")
		must(t, err)
		must(t, Set(s, "items", n+1))
		if n, err := Get[int](s, "items"); n != 4 || err != nil {
			t.Errorf("own write reads as %d, %v, want 4", n, err)
		}
		must(t, Delete(s, "name"))
		if ok, _ := Has(s, "name"); ok {
			t.Error("deleted attribute is still there")
		}
	})
	if loads, commits := store.seen(); loads != 1 || commits != 1 {
		t.Errorf("%d loads, %d commits, want 1 and 1", loads, commits)
	}
	if got := store.attr(id, "items") + store.attr(id, "name"); got != "4" {
		t.Errorf("stored items and name = %q, want 4 and nothing", got)
	}
	if len(w.Result().Cookies()) > 0 || !strings.Contains(w.Header().Get("Vary"), "Cookie") {
		t.Errorf("header = %v, want no cookie again, and Vary", w.Header())
	}
}

func TestUnchangedSessionCommitsNothing(t *testing.T) {
	for name, handler := range map[string]func(*Session){
		"read":               func(s *Session) { _, _ = Get[int](s, "items") },
		"set to the same":    func(s *Session) { must(t, Set(s, "items", 3)) },
		"set and set back":   func(s *Session) { must(t, Set(s, "items", 4)); must(t, Set(s, "items", 3)) },
		"delete of nothing":  func(s *Session) { must(t, Delete(s, "other")) },
		"add and delete":     func(s *Session) { must(t, Set(s, "new", 1)); must(t, Delete(s, "new")) },
		"changed, discarded": func(s *Session) { must(t, Set(s, "items", 9)); s.Discard() },
	} {
		t.Run(name, func(t *testing.T) {
			store := newMemStore()
			id := store.put(t, "items", "3")
			serve(quiet(t, store), id, func(_ http.ResponseWriter, r *http.Request) { handler(FromContext(r.Context())) })
			if loads, commits := store.seen(); loads != 1 || commits != 0 {
				t.Errorf("%d loads, %d commits, want 1 and 0", loads, commits)
			}
		})
	}
	t.Run("not looked at", func(t *testing.T) {
		store := newMemStore()
		serve(quiet(t, store), store.put(t, "items", "3"), func(http.ResponseWriter, *http.Request) {})
		if loads, commits := store.seen(); loads+commits != 0 {
			t.Errorf("%d loads, %d commits, want none", loads, commits)
		}
	})
}

func TestParallelRequestsBothKept(t *testing.T) {
	store := newMemStore()
	m := quiet(t, store)
	id := store.put(t, "a", "0", "b", "0")
	var both, done sync.WaitGroup
	both.Add(2)
	for _, name := range []string{"a", "b"} {
		done.Go(func() {
			serve(m, id, func(_ http.ResponseWriter, r *http.Request) {
				s := FromContext(r.Context())
				_, err := Get[int](s, name)
				must(t, err)
				both.Done()
				both.Wait() // both have loaded before either commits
				must(t, Set(s, name, 7))
			})
		})
	}
	done.Wait()
	if a, b := store.attr(id, "a"), store.attr(id, "b"); a != "7" || b != "7" {
		t.Errorf("a = %s, b = %s, want both 7", a, b)
	}
}

func TestGoroutinesShareOneSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		id := store.put(t, "a", "1")
		store.fail = func(l *replica.Load, _ *replica.Commit) error {
			time.Sleep(time.Millisecond) // meanwhile the others ask
			return nil
		}
		serve(quiet(t, store), id, func(_ http.ResponseWriter, r *http.Request) {
			s := FromContext(r.Context())
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() {
					if a, err := Get[int](s, "a"); a != 1 || err != nil {
						t.Errorf("a = %d, %v", a, err)
					}
					must(t, Set(s, fmt.Sprint(i), i))
					_, err := s.Exists()
					must(t, err)
				})
			}
			all.Wait()
		})
		if loads, commits := store.seen(); loads != 1 || commits != 1 || len(store.commits[0].Changes) != 20 {
			t.Errorf("%d loads, %d commits, want one of each, with 20 changes", loads, commits)
		}
	})
}

func TestDestroyDuringCommit(t *testing.T) {
	store := newMemStore()
	var s *Session
	store.fail = func(_ *replica.Load, c *replica.Commit) error {
		if c.Create {
			must(t, s.Destroy())
		}
		return nil
	}
	serve(quiet(t, store), "", func(w http.ResponseWriter, r *http.Request) {
		s = FromContext(r.Context())
		must(t, Set(s, "a", 1))
		w.(http.Flusher).Flush()
	})
	if len(store.sessions) != 0 {
		t.Errorf("sessions = %v: it was destroyed while it was being made", store.sessions)
	}
}

func TestForeignIDsNeverBecomeSessions(t *testing.T) {
	unknown := newMemStore().put(t)
	for _, cookie := range []string{
		"x", "../../etc", "admin", strings.Repeat("A", 29), "tagtag." + strings.Repeat("é", 11),
		strings.Repeat("a", 5000), unknown,
	} {
		t.Run(cookie[:min(len(cookie), 10)], func(t *testing.T) {
			store := newMemStore()
			w := serve(quiet(t, store), cookie, func(_ http.ResponseWriter, r *http.Request) {
				must(t, Set(FromContext(r.Context()), "user", "ada"))
			})
			if id := newID(t, w); id == cookie || !replica.WellFormedID(id) {
				t.Errorf("session got the id %q that the browser sent", id)
			}
			if loads, _ := store.seen(); loads > 0 && cookie != unknown {
				t.Errorf("the store was asked for %q", cookie)
			}
		})
	}
}

func TestDestroy(t *testing.T) {
	t.Run("expires the cookie", func(t *testing.T) {
		store := newMemStore()
		id := store.put(t, "user", `"ada"`)
		w := serve(quiet(t, store), id, func(_ http.ResponseWriter, r *http.Request) {
			s := FromContext(r.Context())
			must(t, Set(s, "user", "bob"))
			must(t, s.Destroy())
			if v, err := Get[string](s, "user"); v != "" || err != nil {
				t.Errorf("attribute of a destroyed session = %q, %v", v, err)
			}
		})
		if len(store.sessions) != 0 || len(store.commits) != 1 || !store.commits[0].Destroy {
			t.Errorf("commits = %+v, want one that destroys", store.commits)
		}
		if c := w.Result().Cookies(); len(c) != 1 || c[0].MaxAge >= 0 || c[0].Value != "" {
			t.Errorf("cookies = %v, want an expired one", c)
		}
	})
	t.Run("then set begins anew", func(t *testing.T) {
		store := newMemStore()
		id := store.put(t, "user", `"ada"`)
		w := serve(quiet(t, store), id, func(_ http.ResponseWriter, r *http.Request) {
			s := FromContext(r.Context())
			must(t, s.Destroy())
			must(t, Set(s, "user", "bob"))
		})
		fresh := newID(t, w)
		if fresh == id || store.attr(fresh, "user") != `"bob"` || store.attr(id, "user") != "" {
			t.Errorf("old %q, new %q, sessions %v", id, fresh, store.sessions)
		}
		if n := len(w.Result().Cookies()); n != 1 {
			t.Errorf("%d cookies, want 1", n)
		}
	})
	t.Run("of an id that was not found", func(t *testing.T) {
		store := newMemStore()
		id := newMemStore().put(t)
		serve(quiet(t, store), id, func(_ http.ResponseWriter, r *http.Request) {
			s := FromContext(r.Context())
			_, _ = Get[int](s, "x")
			must(t, s.Destroy())
		})
		if len(store.commits) != 1 || store.commits[0].Key.ID != id {
			t.Errorf("commits = %+v, want a tombstone: the session may live beyond a split", store.commits)
		}
	})
}

func TestDestroyedMeanwhile(t *testing.T) {
	store := newMemStore()
	id := store.put(t, "user", `"ada"`)
	var got error
	m := build(t, ManagerConfig{Store: store, OnError: func(w http.ResponseWriter, _ *http.Request, err error) {
		got = err
		w.WriteHeader(http.StatusConflict)
	}})
	w := serve(m, id, func(w http.ResponseWriter, r *http.Request) {
		s := FromContext(r.Context())
		_, err := Get[string](s, "user")
		must(t, err)
		serve(m, id, func(_ http.ResponseWriter, r *http.Request) { must(t, FromContext(r.Context()).Destroy()) })
		must(t, Set(s, "user", "mallory"))
		fmt.Fprint(w, "secret page")
	})
	if !errors.Is(got, ErrEndedMeanwhile) || !errors.Is(got, replica.ErrDestroyed) {
		t.Errorf("hook got %v, want ErrEndedMeanwhile and ErrDestroyed", got)
	}
	if w.Code != http.StatusConflict || w.Body.Len() != 0 || len(w.Result().Cookies()) != 0 {
		t.Errorf("response = %d %q %v", w.Code, w.Body, w.Header())
	}
	if len(store.sessions) != 0 {
		t.Errorf("sessions = %v: the destroyed one came back", store.sessions)
	}
}

func TestErrorHook(t *testing.T) {
	down := fmt.Errorf("nobody there: %w", replica.ErrUnavailable)
	for _, test := range []struct {
		name    string
		fail    func(*replica.Load, *replica.Commit) error
		handler func(w http.ResponseWriter, s *Session)
		status  int
		body    string // part of it
	}{
		{"commit fails", func(_ *replica.Load, c *replica.Commit) error { return errIf(c != nil, down) },
			func(w http.ResponseWriter, s *Session) { _ = Set(s, "items", 1); fmt.Fprint(w, "thank you") }, 503, "try again"},
		{"load fails, the handler does not care", func(l *replica.Load, _ *replica.Commit) error { return errIf(l != nil, down) },
			func(w http.ResponseWriter, s *Session) { _, _ = Get[int](s, "items"); fmt.Fprint(w, "0 items") }, 503, "try again"},
		{"load fails, the handler answers", func(l *replica.Load, _ *replica.Commit) error { return errIf(l != nil, down) },
			func(w http.ResponseWriter, s *Session) {
				if _, err := Get[int](s, "items"); err != nil {
					http.Error(w, "oops", 500)
				}
			}, 503, "try again"},
		{"load fails, the handler can do without", func(l *replica.Load, _ *replica.Commit) error { return errIf(l != nil, down) },
			func(w http.ResponseWriter, s *Session) {
				if _, err := Get[int](s, "items"); errors.Is(err, replica.ErrUnavailable) {
					s.Discard()
				}
				fmt.Fprint(w, "page without cart")
			}, 200, "page without cart"},
		{"destroy fails", func(_ *replica.Load, c *replica.Commit) error { return errIf(c != nil, down) },
			func(w http.ResponseWriter, s *Session) { _ = s.Destroy(); fmt.Fprint(w, "bye") }, 503, "try again"},
		{"the session is refused", func(_ *replica.Load, c *replica.Commit) error { return errIf(c != nil, replica.ErrTooLarge) },
			func(w http.ResponseWriter, s *Session) { _ = Set(s, "items", 1); fmt.Fprint(w, "thank you") }, 500, "could not be saved"},
		{"untouched", func(*replica.Load, *replica.Commit) error { return down },
			func(w http.ResponseWriter, _ *Session) { fmt.Fprint(w, "static") }, 200, "static"},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := newMemStore()
			id := store.put(t, "items", "3")
			store.fail = test.fail
			w := serve(quiet(t, store), id, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Page", "1")
				w.Header().Set("Content-Length", "9")
				w.Header().Del("Content-Length")
				test.handler(w, FromContext(r.Context()))
			})
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) {
				t.Errorf("response = %d %q, want %d %q", w.Code, w.Body, test.status, test.body)
			}
			failed := test.status != 200
			if (w.Header().Get("Retry-After") != "") != (test.status == 503) || failed == (w.Header().Get("X-Page") != "") {
				t.Errorf("header = %v", w.Header())
			}
		})
	}
}

func errIf(cond bool, err error) error {
	if cond {
		return err
	}
	return nil
}

func TestVisitorHangingUpDoesNotStopCommit(t *testing.T) {
	store := newMemStore()
	id := store.put(t, "items", "3")
	checked := &ctxStore{memStore: store}
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, "POST", "/", nil)
	r.AddCookie(&http.Cookie{Name: "sid", Value: id})
	quiet(t, checked).Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		must(t, Set(FromContext(r.Context()), "items", 4))
		cancel()
	})).ServeHTTP(httptest.NewRecorder(), r)
	if got := store.attr(id, "items"); got != "4" {
		t.Errorf("items = %s, want 4", got)
	}
	if !checked.bounded {
		t.Error("the commit had no deadline")
	}
}

// ctxStore heeds its contexts.
type ctxStore struct {
	*memStore
	bounded bool
}

func (s *ctxStore) Commit(ctx context.Context, c *replica.Commit) (replica.Result, error) {
	_, s.bounded = ctx.Deadline()
	if err := ctx.Err(); err != nil {
		return replica.Result{}, err
	}
	return s.memStore.Commit(ctx, c)
}

func TestOutsideWrap(t *testing.T) {
	s := FromContext(t.Context())
	if s != nil {
		t.Fatalf("session without a manager: %v", s)
	}
	_, err := Get[int](s, "x")
	_, errHas := Has(s, "x")
	_, errExists := s.Exists()
	s.Discard()
	for _, err := range []error{err, errHas, errExists, Set(s, "x", 1), Delete(s, "x"), s.Destroy()} {
		if !errors.Is(err, ErrNotWrapped) {
			t.Errorf("got %v, want ErrNotWrapped", err)
		}
	}
}

func TestBadUse(t *testing.T) {
	store := newMemStore()
	id := store.put(t, "items", `"many"`)
	serve(quiet(t, store), id, func(_ http.ResponseWriter, r *http.Request) {
		s := FromContext(r.Context())
		if _, err := Get[int](s, "items"); err == nil || !strings.Contains(err.Error(), `"items"`) {
			t.Errorf("Get of another type = %v, want an error that names it", err)
		}
		if err := Set(s, "f", func() {}); err == nil {
			t.Error("Set of a function worked")
		}
		if err := Set(s, "", 1); !errors.Is(err, replica.ErrBadRequest) {
			t.Errorf("Set without a name = %v", err)
		}
		big := string(bytes.Repeat([]byte("x"), changesBytesMax))
		if err := Set(s, "big", big); !errors.Is(err, replica.ErrTooLarge) {
			t.Errorf("Set of %d bytes = %v, want ErrTooLarge", len(big), err)
		}
	})
	if _, commits := store.seen(); commits != 0 {
		t.Errorf("%d commits, want none", commits)
	}
}

func TestNestedWrapSharesSession(t *testing.T) {
	store := newMemStore()
	m := quiet(t, store)
	inner := m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		must(t, Set(FromContext(r.Context()), "x", 1))
	}))
	w := httptest.NewRecorder()
	m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r)
		must(t, Set(FromContext(r.Context()), "y", 1))
	})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if _, commits := store.seen(); commits != 1 || len(w.Result().Cookies()) != 1 {
		t.Errorf("%d commits, cookies %v, want one of each", commits, w.Result().Cookies())
	}
}

func TestSkip(t *testing.T) {
	m := build(t, ManagerConfig{Store: newMemStore(), Skip: func(*http.Request) bool { return true }})
	serve(m, "", func(w http.ResponseWriter, r *http.Request) {
		if s := FromContext(r.Context()); s != nil {
			t.Errorf("session %v in a skipped request", s)
		}
		_, _ = io.WriteString(w, "x")
	})
}

func TestManagerConfigValidate(t *testing.T) {
	store := newMemStore()
	for name, conf := range map[string]ManagerConfig{
		"no store":   {},
		"cookie":     {Store: store, Cookie: Cookie{Name: "a b"}},
		"app":        {Store: store, App: strings.Repeat("a", replica.AppLenMax+1)},
		"idle":       {Store: store, Idle: time.Millisecond},
		"lifetime":   {Store: store, Lifetime: -1},
		"timeout":    {Store: store, Timeout: -1},
		"buffer":     {Store: store, BufferBytesMax: -1},
		"durability": {Store: store, Durability: 9},
		"tracking":   {Store: store, Tracking: 9},
		"policy":     {Store: store, Undecodable: 9},
	} {
		if _, err := conf.Build(); err == nil {
			t.Errorf("%s: Build accepted it", name)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("NewManager without a store did not panic")
		}
	}()
	NewManager(nil, Cookie{})
}
