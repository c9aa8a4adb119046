package client_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

func TestReservedNames(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		for _, name := range []string{client.AttrPrincipal, "sessnode:", "sessnode:anything"} {
			_, errGet := client.Get[string](s, name)
			_, errHas := client.Has(s, name)
			for _, err := range []error{errGet, errHas, client.Set(s, name, "x"), client.Delete(s, name)} {
				if !errors.Is(err, replica.ErrBadRequest) || !strings.Contains(err.Error(), "reserved") {
					t.Errorf("%q: %v, want ErrBadRequest that says why", name, err)
				}
			}
		}
		must(t, client.Set(s, "sessnodes", 1))
	})
	if c := store.taken(); len(c) != 1 || len(c[0].Changes) != 1 {
		t.Errorf("commits = %+v, want the one allowed name", c)
	}
}

func TestPrincipal(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		if p, err := client.Principal(s); p != "" || err != nil {
			t.Errorf("Principal = %q, %v", p, err)
		}
		if err := client.SetPrincipal(s, strings.Repeat("u", 257)); !errors.Is(err, replica.ErrTooLarge) {
			t.Errorf("SetPrincipal of 257 bytes = %v", err)
		}
		must(t, client.SetPrincipal(s, strings.Repeat("u", 256)))
		must(t, client.SetPrincipal(s, "user-7"))
	})
	if got := store.attr(t, b.id(), client.AttrPrincipal); got != "user-7" {
		t.Errorf("stored principal = %q, want its bytes", got)
	}
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		if p, err := client.Principal(s); p != "user-7" || err != nil {
			t.Errorf("Principal = %q, %v", p, err)
		}
		must(t, client.SetPrincipal(s, ""))
	})
	if session := store.stored(t, b.id()); session == nil || len(session.Attrs) != 0 {
		t.Errorf("session = %+v, want it to be nobody's", session)
	}
}
