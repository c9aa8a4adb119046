package scsstore_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/client/clienttest"
	"github.com/sessnode/sessnode/client/scsstore"
	"github.com/sessnode/sessnode/replica"
)

var (
	_ scs.Store            = (*scsstore.Store)(nil)
	_ scs.CtxStore         = (*scsstore.Store)(nil)
	_ scs.IterableStore    = (*scsstore.Store)(nil)
	_ scs.IterableCtxStore = (*scsstore.Store)(nil)
)

// browser sends requests through scs's own middleware and keeps the cookie.
type browser struct {
	t        *testing.T
	sessions *scs.SessionManager
	cookie   *http.Cookie
}

func newBrowser(t *testing.T, store scs.Store) *browser {
	b := &browser{t: t, sessions: scs.New()}
	b.sessions.Store = store
	return b
}

// do runs a handler in a request, and returns the error that scs met in saving or loading.
func (b *browser) do(handler func(ctx context.Context)) error {
	b.t.Helper()
	var met error
	b.sessions.ErrorFunc = func(_ http.ResponseWriter, _ *http.Request, err error) { met = err }
	r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(b.t.Context())
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	w := httptest.NewRecorder()
	b.sessions.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { handler(r.Context()) })).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookie = c
	}
	return met
}

// put and get are one request each.
func (b *browser) put(name, value string) error {
	return b.do(func(ctx context.Context) { b.sessions.Put(ctx, name, value) })
}

func (b *browser) get(name string) string {
	b.t.Helper()
	var got string
	if err := b.do(func(ctx context.Context) { got = b.sessions.GetString(ctx, name) }); err != nil {
		b.t.Error(err)
	}
	return got
}

func TestThroughSessionManager(t *testing.T) {
	store := clienttest.NewStore()
	b := newBrowser(t, scsstore.New(store))
	if got := b.get("user"); got != "" || store.Sessions() != 0 {
		t.Errorf("before the first write: user %q, %d sessions", got, store.Sessions())
	}
	for _, name := range []string{"ann", "bob"} {
		if err := b.put("user", name); err != nil {
			t.Fatal(err)
		}
		if got := b.get("user"); got != name || store.Sessions() != 1 {
			t.Errorf("user %q of %d sessions, want %q of one", got, store.Sessions(), name)
		}
	}
	other := newBrowser(t, scsstore.New(store))
	other.cookie = &http.Cookie{Name: "session", Value: "an id that a browser made up"}
	if got := other.get("user"); got != "" {
		t.Errorf("a stranger is %q", got)
	}
}

func TestRenewedTokenGoesOn(t *testing.T) {
	b := newBrowser(t, scsstore.New(clienttest.NewStore()))
	if err := b.put("user", "ann"); err != nil {
		t.Fatal(err)
	}
	old := *b.cookie
	if err := b.do(func(ctx context.Context) {
		if err := b.sessions.RenewToken(ctx); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if got := b.get("user"); got != "ann" || b.cookie.Value == old.Value {
		t.Errorf("user %q under token %q, before %q", got, b.cookie.Value, old.Value)
	}
	b.cookie = &old
	if got := b.get("user"); got != "" {
		t.Errorf("the old token still opens the session of %q", got)
	}
}

// A request that runs while another logs out neither brings the session back nor goes unnoticed.
func TestLogoutBeatsRequestUnderWay(t *testing.T) {
	b := newBrowser(t, scsstore.New(clienttest.NewStore()))
	if err := b.put("user", "ann"); err != nil {
		t.Fatal(err)
	}
	cookie := *b.cookie
	err := b.do(func(ctx context.Context) {
		b.sessions.Put(ctx, "seen", "cart")
		second := newBrowser(t, b.sessions.Store)
		second.cookie = &cookie
		if err := second.do(func(ctx context.Context) {
			if err := second.sessions.Destroy(ctx); err != nil {
				t.Error(err)
			}
		}); err != nil {
			t.Error(err)
		}
	})
	if !errors.Is(err, replica.ErrDestroyed) {
		t.Errorf("the first request ended with %v, want %v", err, replica.ErrDestroyed)
	}
	b.cookie = &cookie
	if got := b.get("user"); got != "" {
		t.Errorf("user %q after the logout", got)
	}
}

func TestExpiry(t *testing.T) {
	b := newBrowser(t, nil) // outside of the bubble, because scs starts a goroutine that never ends
	synctest.Test(t, func(t *testing.T) {
		store := clienttest.NewStore()
		b.t, b.sessions.Store = t, scsstore.New(store)
		b.sessions.IdleTimeout = time.Minute
		if err := b.put("user", "ann"); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(50 * time.Second)
			if got := b.get("user"); got != "ann" {
				t.Errorf("user %q before the time", got)
			}
		}
		time.Sleep(61 * time.Second)
		if got := b.get("user"); got != "" || store.Sessions() != 0 {
			t.Errorf("user %q, %d sessions after the time", got, store.Sessions())
		}
		b.sessions.Lifetime = 25 * time.Hour
		b.sessions.IdleTimeout = 0
		if err := b.put("user", "bob"); !errors.Is(err, replica.ErrTooLarge) {
			t.Errorf("a lifetime beyond the cluster's = %v, want %v", err, replica.ErrTooLarge)
		}
	})
}

func TestStore(t *testing.T) {
	s := scsstore.New(clienttest.NewStore())
	soon := time.Now().Add(time.Hour)
	for _, want := range []string{"1", "", "2"} {
		if err := s.Commit("token", []byte(want), soon); err != nil {
			t.Fatal(err)
		}
		if got, found, err := s.Find("token"); string(got) != want || !found || err != nil {
			t.Errorf("find = %q, %v, %v, want %q", got, found, err, want)
		}
	}
	for range 2 {
		if err := s.Delete("token"); err != nil {
			t.Error(err)
		}
	}
	if err := s.Commit("token", nil, soon); !errors.Is(err, replica.ErrDestroyed) {
		t.Errorf("commit to a deleted token = %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.FindCtx(gone, "token"); !errors.Is(err, context.Canceled) {
		t.Errorf("find for nobody = %v", err)
	}
}

// unreachable is a store that must not be asked.
type unreachable struct{ client.Store }

// scs destroys sessions that have no token yet.
func TestNothingIsAskedWithoutToken(t *testing.T) {
	s := scsstore.New(unreachable{})
	if err := s.Delete(""); err != nil {
		t.Errorf("delete = %v", err)
	}
	if _, found, err := s.Find(""); found || err != nil {
		t.Errorf("find = %v, %v", found, err)
	}
	if err := s.Commit("", nil, time.Now().Add(time.Hour)); err == nil {
		t.Error("a commit without a token was taken")
	}
}

// TestIterate logs one of three visitors out from the outside, as scs users do.
func TestIterate(t *testing.T) {
	store := scsstore.New(clienttest.NewStore())
	var visitors []*browser
	for _, user := range []string{"zoe", "adam", "zoe"} {
		b := newBrowser(t, store)
		if err := b.put("user", user); err != nil {
			t.Fatal(err)
		}
		visitors = append(visitors, b)
	}
	sessions, seen := visitors[0].sessions, 0
	err := sessions.Iterate(t.Context(), func(ctx context.Context) error {
		seen++
		if sessions.GetString(ctx, "user") == "adam" {
			return sessions.Destroy(ctx)
		}
		return nil
	})
	if err != nil || seen != 3 {
		t.Errorf("saw %d sessions, %v", seen, err)
	}
	for i, want := range []string{"zoe", "", "zoe"} {
		if got := visitors[i].get("user"); got != want {
			t.Errorf("visitor %d is %q, want %q", i, got, want)
		}
	}
}

func TestExpiryInThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scsstore.New(clienttest.NewStore())
		for _, expiry := range []time.Time{{}, time.Now().Add(-time.Hour), time.Now()} {
			if err := s.Commit("token", []byte("1"), expiry); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Millisecond)
			if _, found, err := s.Find("token"); found || err != nil {
				t.Errorf("expiry %v: found %v, %v", expiry, found, err)
			}
		}
	})
}

func TestConfig(t *testing.T) {
	if _, err := (scsstore.Config{}).Build(); err == nil {
		t.Error("a store without a store was made")
	}
	under := clienttest.NewStore()
	for i, app := range []string{"a", "b"} {
		s, err := scsstore.Config{Store: under, App: app}.Build()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit("token", fmt.Append(nil, i), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if got := under.Sessions(); got != 2 {
		t.Errorf("%d sessions in two applications, want one each", got)
	}
}
