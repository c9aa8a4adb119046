package client_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sessnode/sessnode/client"
)

func TestCodecs(t *testing.T) {
	type order struct {
		ID    uint64
		Names map[int]string
		Tags  []string
	}
	want := order{ID: 1<<63 + 1, Names: map[int]string{7: "seven"}, Tags: []string{"a"}}
	for _, codec := range []client.Codec{client.JSON{}, client.Gob{}} {
		data, err := codec.Encode(want)
		must(t, err)
		kept := bytes.Clone(data)
		var got order
		must(t, codec.Decode(data, &got))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%T: %s", codec, diff)
		}
		if !bytes.Equal(kept, data) {
			t.Errorf("%T: Decode changed its input", codec)
		}
		if err := codec.Decode([]byte("\x7f garbage"), &got); err == nil {
			t.Errorf("%T: garbage was decoded", codec)
		}
		if _, err := codec.Encode(func() {}); err == nil {
			t.Errorf("%T: a function was encoded", codec)
		}
	}
}

// After a deploy "user" is no number any more. Nothing else of the session suffers, and no request fails for good.
func TestUndecodable(t *testing.T) {
	for _, test := range []struct {
		policy     client.Undecodable
		err        error
		has        bool   // in the same request
		user       string // stored afterwards
		quarantine string
		cart       string
	}{
		{client.UndecodableFail, client.ErrUndecodable, true, `"secret ada"`, "", "3"},
		{client.UndecodableSkip, nil, true, `"secret ada"`, "", "3"},
		{client.UndecodableQuarantine, nil, false, "", `"secret ada"`, "3"},
		{client.UndecodableNewSession, nil, false, "", "", ""},
	} {
		t.Run(test.policy.String(), func(t *testing.T) {
			var log bytes.Buffer
			store := newSpyStore()
			m := manager(t, client.ManagerConfig{
				Store: store, Undecodable: test.policy, Log: slog.New(slog.NewTextHandler(&log, nil)),
			})
			var b browser
			id := b.begin(t, m, "user", "secret ada")
			b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
				must(t, client.Set(s, "cart", 3))
				must(t, client.Set(s, "second", "secret too"))
			})
			resp := b.visit(m.Wrap, func(w http.ResponseWriter, s *client.Session) {
				user, err := client.Get[int](s, "user")
				if user != 0 || !errors.Is(err, test.err) {
					t.Errorf("Get = %d, %v, want %v", user, err, test.err)
				}
				if has, err := client.Has(s, "user"); has != test.has || err != nil {
					t.Errorf("Has = %v, %v", has, err)
				}
				_, _ = client.Get[int](s, "second")
			})
			if resp.StatusCode != 200 {
				t.Errorf("status %d", resp.StatusCode)
			}
			if got := store.attr(t, id, "user"); got != test.user {
				t.Errorf("stored user = %s, want %s", got, test.user)
			}
			if got := store.attr(t, id, client.AttrQuarantine+"user"); got != test.quarantine {
				t.Errorf("in quarantine: %s, want %s", got, test.quarantine)
			}
			if got := store.attr(t, id, "cart"); got != test.cart {
				t.Errorf("cart = %s, want %s", got, test.cart)
			}
			if n := strings.Count(log.String(), "cannot be decoded"); n != 1 || strings.Contains(log.String(), "secret") {
				t.Errorf("log = %s\nwant one line, without contents", &log)
			}
			b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, client.Set(s, "user", 7)) })
			b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
				if user, err := client.Get[int](s, "user"); user != 7 || err != nil {
					t.Errorf("user = %d, %v once it was set again", user, err)
				}
			})
		})
	}
}

// What the same request set as another type is a mistake in the handler, not a deploy.
func TestUndecodableOfOwnValue(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store, Undecodable: client.UndecodableNewSession})
	var b browser
	b.begin(t, m, "cart", 3)
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		must(t, client.Set(s, "user", "ada"))
		if _, err := client.Get[int](s, "user"); !errors.Is(err, client.ErrUndecodable) {
			t.Errorf("Get = %v, want ErrUndecodable", err)
		}
	})
	if got := store.attr(t, b.id(), "user"); got != `"ada"` {
		t.Errorf("user = %s", got)
	}
}

func TestQuarantineOfALongName(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store, Undecodable: client.UndecodableQuarantine})
	var b browser
	name := strings.Repeat("n", 256)
	b.begin(t, m, name, "x")
	resp := b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		_, err := client.Get[int](s, name)
		must(t, err)
	})
	if session := store.stored(t, b.id()); resp.StatusCode != 200 || session == nil || len(session.Attrs) != 1 {
		t.Errorf("status %d, session %+v, want it moved", resp.StatusCode, session)
	}
}
