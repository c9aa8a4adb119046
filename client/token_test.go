package client_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

func TestTokenInHeader(t *testing.T) {
	for _, test := range []struct{ header, response, prefix string }{
		{"Authorization", client.TokenHeader, "Bearer "},
		{"X-Session", "X-Session", ""},
	} {
		t.Run(test.header, func(t *testing.T) {
			store := newSpyStore()
			m := manager(t, client.ManagerConfig{Store: store, Header: test.header})
			api := browser{header: http.Header{}}
			resp := api.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, client.Set(s, "user", "ada")) })
			id := resp.Header.Get(test.response)
			if !replica.WellFormedID(id) || len(resp.Cookies()) != 0 {
				t.Fatalf("header = %v, want the id in %s and no cookie", resp.Header, test.response)
			}
			if got := resp.Header.Get("Vary") + ", " + resp.Header.Get("Cache-Control"); got != test.header+", no-store" {
				t.Errorf("Vary, Cache-Control = %s", got)
			}

			api.header.Set(test.header, test.prefix+id)
			resp = api.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
				if user, err := client.Get[string](s, "user"); user != "ada" || err != nil {
					t.Errorf("user = %q, %v", user, err)
				}
			})
			if h := resp.Header; h.Get("Vary") != test.header || h.Get("Cache-Control") != "" || h.Get(test.response) != "" {
				t.Errorf("header of a read = %v, want Vary alone", h)
			}
			resp = api.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, s.RenewID()) })
			renewed := resp.Header.Get(test.response)
			if renewed == id || replica.Tag(renewed) != replica.Tag(id) {
				t.Errorf("renewed id = %q after %q", renewed, id)
			}
			api.header.Set(test.header, test.prefix+renewed)
			resp = api.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, s.Destroy()) })
			if got, ok := resp.Header[test.response]; !ok || got[0] != "" || store.stored(t, renewed) != nil {
				t.Errorf("header after Destroy = %v", resp.Header)
			}
		})
	}
}

func TestTokenIgnoresTheCookie(t *testing.T) {
	store := newSpyStore()
	pages, api := manager(t, client.ManagerConfig{Store: store}), manager(t, client.ManagerConfig{Store: store, Header: "Authorization"})
	var b browser
	id := b.begin(t, pages, "user", "ada")
	b.visit(api.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		if err := s.Missing(); !errors.Is(err, client.ErrNoID) {
			t.Errorf("Missing = %v: a forged request would be the visitor's", err)
		}
	})
	b.header = http.Header{"Authorization": {"Basic " + id}}
	b.visit(api.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		if err := s.Missing(); !errors.Is(err, client.ErrNoID) {
			t.Errorf("Missing = %v with other credentials", err)
		}
	})
	b.header = http.Header{"Authorization": {"Basic YWRhOmFkYQ==", "bearer  " + id + " "}}
	b.visit(api.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		if user, err := client.Get[string](s, "user"); user != "ada" || err != nil {
			t.Errorf("user = %q, %v: both managers serve the same sessions", user, err)
		}
	})
}

// Whatever a visitor sends, a session never gets an id that was not made for it.
func TestFixation(t *testing.T) {
	store := newSpyStore()
	pages, api := manager(t, client.ManagerConfig{Store: store}), manager(t, client.ManagerConfig{Store: store, Header: "Authorization"})
	var b browser
	ended := b.begin(t, pages, "user", "ada")
	b.visit(pages.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, s.Destroy()) })
	old := b.begin(t, pages, "user", "ada")
	b.visit(pages.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, s.RenewID()) })

	for _, test := range []struct {
		name, id string
		missing  error
	}{
		{"unknown", "abcdef.0123456789012345678901", replica.ErrNotFound},
		{"destroyed", ended, replica.ErrDestroyed},
		{"renewed", old, replica.ErrDestroyed},
		{"malformed", "admin", client.ErrMalformedID},
		{"long", strings.Repeat("a", 5000), client.ErrMalformedID},
		{"nearly", "abcdef.012345678901234567890!", client.ErrMalformedID},
	} {
		for _, way := range []string{"cookie", "header"} {
			t.Run(test.name+" in a "+way, func(t *testing.T) {
				visitor, m := browser{cookie: &http.Cookie{Name: "sid", Value: test.id}}, pages
				if way == "header" {
					visitor, m = browser{header: http.Header{"Authorization": {"Bearer " + test.id}}}, api
				}
				resp := visitor.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
					if err := s.Missing(); !errors.Is(err, test.missing) {
						t.Errorf("Missing = %v, want %v", err, test.missing)
					}
					must(t, client.Set(s, "user", "mallory"))
					if err := s.Missing(); err != nil {
						t.Errorf("Missing = %v after Set", err)
					}
				})
				id := visitor.id() + resp.Header.Get(client.TokenHeader)
				if way == "header" {
					id = resp.Header.Get(client.TokenHeader)
				}
				if id == test.id || !replica.WellFormedID(id) || store.attr(t, id, "user") != `"mallory"` {
					t.Errorf("the session got the id %q", id)
				}
				if store.attr(t, test.id, "user") != "" {
					t.Error("the id that was sent names a session now")
				}
			})
		}
	}
}

func TestVaryAndCacheControl(t *testing.T) {
	m := manager(t, client.ManagerConfig{Store: newSpyStore()})
	for _, test := range []struct {
		name    string
		handler func(w http.ResponseWriter, s *client.Session)
		vary    bool
		cache   bool
	}{
		{"untouched", func(http.ResponseWriter, *client.Session) {}, false, false},
		{"looked for", func(_ http.ResponseWriter, s *client.Session) { _, _ = client.Get[int](s, "n") }, true, false},
		{"begun", func(_ http.ResponseWriter, s *client.Session) { must(t, client.Set(s, "n", 1)) }, true, true},
		{"destroyed", func(_ http.ResponseWriter, s *client.Session) {
			must(t, client.Set(s, "n", 1))
			_, err := s.Commit(t.Context())
			must(t, err)
			must(t, s.Destroy())
		}, true, true},
		{"begun and flushed", func(w http.ResponseWriter, s *client.Session) {
			must(t, client.Set(s, "n", 1))
			w.(http.Flusher).Flush()
		}, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b browser
			h := b.visit(m.Wrap, func(w http.ResponseWriter, s *client.Session) {
				w.Header().Set("Vary", "Accept-Encoding")
				w.Header().Set("Cache-Control", "max-age=60")
				test.handler(w, s)
			}).Header
			if got := slices.Contains(h.Values("Vary"), "Cookie"); got != test.vary || h.Get("Vary") != "Accept-Encoding" {
				t.Errorf("Vary = %q", h.Values("Vary"))
			}
			cookie := len(h.Values("Set-Cookie")) == 1
			if got := slices.Contains(h.Values("Cache-Control"), `no-cache="Set-Cookie"`); got != test.cache || cookie != test.cache {
				t.Errorf("Cache-Control = %q, Set-Cookie = %q", h.Values("Cache-Control"), h.Values("Set-Cookie"))
			}
		})
	}
}

func TestHeaderValidate(t *testing.T) {
	for _, header := range []string{"Cookie", "set-cookie", "a b", "a:", "é"} {
		if _, err := (client.ManagerConfig{Store: newSpyStore(), Header: header}).Build(); err == nil {
			t.Errorf("Header %q is accepted", header)
		}
	}
}
