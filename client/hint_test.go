package client

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// locatedStore is a store whose sessions all have one primary.
type locatedStore struct {
	*memStore
	primary string
	asked   int
}

func (s *locatedStore) Locate(context.Context, string) (replica.Location, error) {
	s.asked++
	return replica.Location{Primary: replica.Member{Name: s.primary}}, nil
}

func TestRouteHint(t *testing.T) {
	store := &locatedStore{memStore: newMemStore()}
	const live = "live" // a session that there is
	gone, _ := replica.NewID(strings.NewReader(strings.Repeat("gone", 16)))
	m := build(t, ManagerConfig{Store: store, Cookie: Cookie{
		Name: "__Host-sid", SameSite: http.SameSiteNoneMode, Partitioned: true, MaxAge: time.Hour,
	}, RouteCookie: "route"})
	use := func(s *Session) error { _, err := Get[string](s, "user"); return err }
	const attrs = "; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"
	const forget = "route=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=None; Partitioned"
	tests := []struct {
		name    string
		session string
		carried string
		primary string
		do      func(s *Session) error
		want    string
	}{
		{"the first request of a visitor with a session", live, "", "n1", use, "route=n1" + attrs},
		{"a login", "", "", "n2", func(s *Session) error { return Set(s, "user", "bob") }, "route=n2" + attrs},
		{"the hint is right", live, "n1", "n1", use, ""},
		{"the primary has moved", live, "n1", "n2", use, "route=n2" + attrs},
		{"the slot has no primary", live, "n1", "", use, ""},
		{"the session is not used", live, "", "n1", func(*Session) error { return nil }, ""},
		{"a visitor without a session", "", "", "n1", use, ""},
		{"logout", live, "n1", "n1", (*Session).Destroy, forget},
		{"logout without a hint", live, "", "n1", (*Session).Destroy, ""},
		{"a session that has ended", gone, "n1", "n1", use, forget},
		{"a name that no cookie can carry", live, "", "größe; x", use, "route=" + RouteHint("größe; x") + attrs},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			store.primary = test.primary
			r := httptest.NewRequest("GET", "http://shop.example/", nil)
			if test.session == live {
				test.session = store.put(t, "user", `"ada"`)
			}
			if test.session != "" {
				r.AddCookie(&http.Cookie{Name: "__Host-sid", Value: test.session})
			}
			if test.carried != "" {
				r.AddCookie(&http.Cookie{Name: "route", Value: test.carried})
			}
			w := httptest.NewRecorder()
			m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				must(t, test.do(FromContext(r.Context())))
			})).ServeHTTP(w, r)
			got := ""
			for _, c := range w.Header().Values("Set-Cookie") {
				if strings.HasPrefix(c, "route=") {
					got += c
				}
			}
			if got != test.want {
				t.Errorf("hint %q, want %q", got, test.want)
			}
		})
	}
}

func TestNoRouteHintUnlessAskedFor(t *testing.T) {
	store := &locatedStore{memStore: newMemStore(), primary: "n1"}
	w := serve(quiet(t, store), store.put(t, "user", `"ada"`), func(_ http.ResponseWriter, r *http.Request) {
		_, err := Get[string](FromContext(r.Context()), "user")
		must(t, err)
	})
	if got := w.Header().Values("Set-Cookie"); len(got) > 0 || store.asked > 0 {
		t.Errorf("without RouteCookie: %q, the store was asked %d times", got, store.asked)
	}
}

func TestRouteHintOfNames(t *testing.T) {
	for _, name := range []string{"n1", "shop-3.example_x-7947", strings.Repeat("n", 64)} {
		if got := RouteHint(name); got != name {
			t.Errorf("hint of %q is %q", name, got)
		}
	}
	for _, name := range []string{strings.Repeat("n", 65), "a b", "a;b", "a,b", `a"b`, "ä"} {
		if got := RouteHint(name); len(got) != 16 || strings.Trim(got, "0123456789abcdef") != "" {
			t.Errorf("hint of %q is %q, want a hash", name, got)
		}
	}
	if got, want := RouteHint("a b"), "e63f991904833892"; got != want {
		t.Errorf("hint of %q is %q, want %q: proxies are configured with it", "a b", got, want)
	}
}

func TestRouteCookieIsValidated(t *testing.T) {
	located := &locatedStore{memStore: newMemStore()}
	for _, test := range []struct {
		name  string
		store Store
		want  string
	}{
		{"sid_route", located, ""},
		{"sid-route", located, `manager: RouteCookie "sid-route": use letters, digits and underscores, nginx reads no others`},
		{"sid", located, `manager: RouteCookie "sid" is the cookie of the session: choose another name`},
		{"route", newMemStore(), "manager: RouteCookie: a *client.memStore does not know where sessions are"},
	} {
		err := ManagerConfig{Store: test.store, RouteCookie: test.name}.Validate()
		if got := errText(err); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
