package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// Each mistake and mishap has an error to test for, and leaves the session as it was. Every request also sets an
// attribute: of what fails at the commit, nothing takes effect.
func TestBadInput(t *testing.T) {
	commit := func(s *client.Session, err error) error {
		if err != nil {
			return err
		}
		_, err = s.Commit(context.Background())
		return err
	}
	var locker client.Locker
	for _, test := range []struct {
		name   string
		before func(store *spyStore, b *browser, m *client.Manager)
		use    func(s *client.Session) error
		want   []error
		text   string // part of the error
	}{
		{"oversized attribute", nil, func(s *client.Session) error {
			return commit(s, client.Set(s, "big", strings.Repeat("x", 1<<20)))
		}, []error{replica.ErrTooLarge}, "bytes, limit 1048576"},
		{"attribute that fits no commit", nil, func(s *client.Session) error {
			return client.Set(s, "big", strings.Repeat("x", 16<<20))
		}, []error{replica.ErrTooLarge}, "changes of one request"},
		{"too many attributes", nil, func(s *client.Session) error {
			for i := range 257 {
				if err := client.Set(s, fmt.Sprint(i), i); err != nil {
					return err
				}
			}
			return commit(s, nil)
		}, []error{replica.ErrTooMany, replica.ErrTooLarge}, "attributes, limit 256"},
		{"long name", nil, func(s *client.Session) error {
			return commit(s, client.Set(s, strings.Repeat("n", 257), 1))
		}, []error{replica.ErrTooLarge}, "attribute name of 257 bytes, limit 256"},
		{"no name", nil, func(s *client.Session) error { return client.Set(s, "", 1) },
			[]error{replica.ErrBadRequest}, "needs a name"},
		{"reserved name", nil, func(s *client.Session) error { return client.Set(s, client.AttrPrincipal, 1) },
			[]error{replica.ErrBadRequest}, "reserved"},
		{"value that cannot be encoded", nil, func(s *client.Session) error { return client.Set(s, "f", func() {}) },
			nil, `set attribute "f"`},
		{"codec mismatch", nil, func(s *client.Session) error { _, err := client.Get[[]int](s, "user"); return err },
			[]error{client.ErrUndecodable}, `"user"`},
		{"no cookie", func(_ *spyStore, b *browser, _ *client.Manager) { b.cookie = nil },
			(*client.Session).Missing, []error{client.ErrNoID}, ""},
		{"garbage cookie", func(_ *spyStore, b *browser, _ *client.Manager) { b.cookie = &http.Cookie{Name: "sid", Value: "%00"} },
			(*client.Session).Missing, []error{client.ErrMalformedID}, ""},
		{"unknown id", func(_ *spyStore, b *browser, _ *client.Manager) {
			b.cookie = &http.Cookie{Name: "sid", Value: "abcdef.0123456789012345678901"}
		}, (*client.Session).Missing, []error{replica.ErrNotFound}, ""},
		{"expired id", func(*spyStore, *browser, *client.Manager) { time.Sleep(time.Hour) },
			(*client.Session).Missing, []error{replica.ErrExpired, replica.ErrNotFound}, ""},
		{"destroyed id", func(_ *spyStore, b *browser, m *client.Manager) {
			other := *b
			other.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { _ = s.Destroy() })
		}, (*client.Session).Missing, []error{replica.ErrDestroyed}, ""},
		{"expired meanwhile", nil, func(s *client.Session) error {
			time.Sleep(time.Hour)
			return commit(s, nil)
		}, []error{client.ErrEndedMeanwhile, replica.ErrExpired, replica.ErrNotFound}, ""},
		{"lost lock", func(store *spyStore, _ *browser, _ *client.Manager) { locker = store }, func(s *client.Session) error {
			held, err := s.Lock(context.Background(), client.LockOptions{})
			if err != nil {
				return err
			}
			lost := &replica.Lock{Key: held.Session().Key, Held: held.Token(), Release: true} // as its primary's death does it
			if _, err := locker.Lock(context.Background(), lost); err != nil {
				return err
			}
			return commit(s, client.Set(s, "n", 1))
		}, []error{replica.ErrLockLost}, ""},
		{"closed client", func(store *spyStore, _ *browser, _ *client.Manager) {
			store.fail = func(context.Context, *replica.Load, *replica.Commit) error { return client.ErrClosed }
		}, func(s *client.Session) error { return commit(s, nil) }, []error{client.ErrClosed}, ""},
		{"cancelled context", nil, func(s *client.Session) error {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_, err := s.Commit(ctx)
			return err
		}, []error{context.Canceled}, ""},
		{"cancelled update", nil, func(s *client.Session) error {
			ctx, cancel := context.WithCancel(context.Background())
			return s.Update(ctx, func() error { cancel(); return client.Set(s, "user", "bob") })
		}, []error{context.Canceled}, ""},
		{"outside Wrap", nil, func(*client.Session) error { return client.Set(nil, "x", 1) }, []error{client.ErrNotWrapped}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newSpyStore()
				m := manager(t, client.ManagerConfig{Store: store})
				var b browser
				id := b.begin(t, m, "user", "ada")
				if test.before != nil {
					test.before(store, &b, m)
				}
				was, sessions := store.stored(t, id), store.Sessions()
				b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
					if was != nil && b.id() == id {
						_ = client.Set(s, "along", true) // with a closed client it fails
					}
					err := test.use(s)
					for _, want := range test.want {
						if !errors.Is(err, want) {
							t.Errorf("got %v, want %v", err, want)
						}
					}
					for _, sentinel := range []error{
						client.ErrUndecodable, client.ErrNoID, client.ErrMalformedID, client.ErrClosed, client.ErrNotWrapped,
						client.ErrEndedMeanwhile, replica.ErrTooLarge, replica.ErrBadRequest, replica.ErrNotFound,
						replica.ErrDestroyed, replica.ErrExpired, replica.ErrTooMany, replica.ErrLockLost, context.Canceled,
					} {
						if wanted := slices.Contains(test.want, sentinel); errors.Is(err, sentinel) != wanted {
							t.Errorf("error %v: is %q: %v", err, sentinel, !wanted)
						}
					}
					if err == nil || !strings.Contains(err.Error(), test.text) {
						t.Errorf("error %v, want %q in it", err, test.text)
					}
					s.Discard()
				})
				store.fail = nil
				now := store.stored(t, id)
				if test.name == "expired meanwhile" {
					was, sessions = nil, 0
				}
				if diff := cmp.Diff(contents(was), contents(now)); diff != "" {
					t.Errorf("the session changed:\n%s", diff)
				}
				if got := store.Sessions(); got != sessions {
					t.Errorf("%d sessions, want %d", got, sessions)
				}
			})
		})
	}
}

// contents is what a session holds.
func contents(s *replica.Session) map[string]string {
	if s == nil {
		return nil
	}
	all := map[string]string{}
	for _, a := range s.Attrs {
		all[a.Name] = string(a.Value)
	}
	return all
}
