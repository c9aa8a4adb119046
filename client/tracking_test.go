package client_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sessnode/sessnode/client"
)

// cart is a value that handlers may change in place.
type cart struct {
	Items map[string]int
	Notes []string
}

func TestTracking(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler func(t *testing.T, s *client.Session)
		onGet   string // stored afterwards, if the tracking is on Get
	}{
		{"map", func(t *testing.T, s *client.Session) {
			m, err := client.Get[map[string]any](s, "cart")
			must(t, err)
			m["Notes"] = []string{"b"}
		}, `{"Items":{"x":1},"Notes":["b"]}`},
		{"pointer", func(t *testing.T, s *client.Session) {
			c, err := client.Get[*cart](s, "cart")
			must(t, err)
			c.Notes = append(c.Notes, "b")
		}, `{"Items":{"x":1},"Notes":["a","b"]}`},
		{"map in a struct", func(t *testing.T, s *client.Session) {
			c, err := client.Get[cart](s, "cart")
			must(t, err)
			c.Items["y"] = 2
		}, `{"Items":{"x":1,"y":2},"Notes":["a"]}`},
		{"two gets, one value", func(t *testing.T, s *client.Session) {
			c, err := client.Get[*cart](s, "cart")
			must(t, err)
			c.Items["y"] = 2
			again, err := client.Get[*cart](s, "cart")
			if must(t, err); again != c {
				t.Error("the second Get does not see what was changed")
			}
			again.Items["z"] = 3
		}, `{"Items":{"x":1,"y":2,"z":3},"Notes":["a"]}`},
		{"set afterwards", func(t *testing.T, s *client.Session) {
			c, err := client.Get[*cart](s, "cart")
			must(t, err)
			c.Items["y"] = 2
			must(t, client.Set(s, "cart", cart{}))
		}, `{"Items":null,"Notes":null}`},
		{"deleted afterwards", func(t *testing.T, s *client.Session) {
			c, err := client.Get[*cart](s, "cart")
			must(t, err)
			c.Items["y"] = 2
			must(t, client.Delete(s, "cart"))
		}, ""},
		{"set before", func(t *testing.T, s *client.Session) {
			must(t, client.Set(s, "cart", cart{Notes: []string{"c"}}))
			c, err := client.Get[*cart](s, "cart")
			must(t, err)
			c.Notes[0] = "d"
		}, `{"Items":null,"Notes":["d"]}`},
		{"after a commit", func(t *testing.T, s *client.Session) {
			c, err := client.Get[*cart](s, "cart")
			must(t, err)
			c.Notes[0] = "b"
			_, err = s.Commit(t.Context())
			must(t, err)
			c.Notes[0] = "c"
		}, `{"Items":{"x":1},"Notes":["c"]}`},
		{"changed back after a commit", func(t *testing.T, s *client.Session) {
			c, err := client.Get[*cart](s, "cart")
			must(t, err)
			c.Notes[0] = "b"
			_, err = s.Commit(t.Context())
			must(t, err)
			c.Notes[0] = "a"
		}, `{"Items":{"x":1},"Notes":["a"]}`},
		{"before an update", func(t *testing.T, s *client.Session) {
			c, err := client.Get[*cart](s, "cart")
			must(t, err)
			c.Notes[0] = "b"
			must(t, s.Update(t.Context(), func() error {
				c, err := client.Get[*cart](s, "cart")
				c.Items["y"] = 2
				return err
			}))
			c.Notes[0] = "not followed any more"
		}, `{"Items":{"x":1,"y":2},"Notes":["b"]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := newSpyStore()
			m := manager(t, client.ManagerConfig{Store: store, Tracking: client.TrackGet})
			var b browser
			b.begin(t, m, "cart", cart{Items: map[string]int{"x": 1}, Notes: []string{"a"}})
			b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { test.handler(t, s) })
			if got := store.attr(t, b.id(), "cart"); got != test.onGet {
				t.Errorf("stored = %s\nwant     %s", got, test.onGet)
			}
		})
	}
}

func TestTrackingOfNoChange(t *testing.T) {
	many := map[string]int{}
	for i := range 20 {
		many[fmt.Sprint(i)] = i
	}
	for _, test := range []struct {
		name string
		conf client.ManagerConfig
		get  func(s *client.Session) error
		want int // commits
	}{
		{"on Set, changed", client.ManagerConfig{}, func(s *client.Session) error {
			m, err := client.Get[map[string]int](s, "m")
			m["0"] = 7
			return err
		}, 0},
		{"on Get", client.ManagerConfig{Tracking: client.TrackGet},
			func(s *client.Session) error { _, err := client.Get[map[string]int](s, "m"); return err }, 0},
		{"on Get, maps in any order", client.ManagerConfig{Tracking: client.TrackGet, Codec: client.Gob{}},
			func(s *client.Session) error { _, err := client.Get[map[string]int](s, "m"); return err }, 0},
		{"on Get, a field more than was stored", client.ManagerConfig{Tracking: client.TrackGet}, func(s *client.Session) error {
			_, err := client.Get[*struct {
				Zero int `json:"0"`
				More string
			}](s, "m")
			return err
		}, 0},
		{"on Get, changed and back", client.ManagerConfig{Tracking: client.TrackGet}, func(s *client.Session) error {
			m, err := client.Get[map[string]int](s, "m")
			m["0"]++
			m["0"]--
			return err
		}, 0},
		{"on Get, nothing there", client.ManagerConfig{Tracking: client.TrackGet},
			func(s *client.Session) error { _, err := client.Get[*cart](s, "nothing"); return err }, 0},
		{"always", client.ManagerConfig{Tracking: client.TrackAlways},
			func(s *client.Session) error { _, err := client.Get[map[string]int](s, "m"); return err }, 1},
		{"always, a number", client.ManagerConfig{Tracking: client.TrackAlways},
			func(s *client.Session) error { _, err := client.Get[int](s, "n"); return err }, 1},
		{"always, committed twice", client.ManagerConfig{Tracking: client.TrackAlways}, func(s *client.Session) error {
			_, err := client.Get[int](s, "n")
			_, _ = s.Commit(t.Context())
			return err
		}, 1},
		{"always, nothing got", client.ManagerConfig{Tracking: client.TrackAlways},
			func(s *client.Session) error { _, err := client.Has(s, "m"); return err }, 0},
		{"always, discarded", client.ManagerConfig{Tracking: client.TrackAlways}, func(s *client.Session) error {
			_, err := client.Get[int](s, "n")
			s.Discard()
			return err
		}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := newSpyStore()
			test.conf.Store = store
			m := manager(t, test.conf)
			var b browser
			b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
				must(t, client.Set(s, "m", many))
				must(t, client.Set(s, "n", 1))
			})
			store.taken()
			b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, test.get(s)) })
			c := store.taken()
			if len(c) != test.want || len(c) == 1 && len(c[0].Changes) != 1 {
				t.Errorf("commits = %+v, want %d", c, test.want)
			}
		})
	}
}

func TestTrackingOfWhatCannotBeEncoded(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store, Tracking: client.TrackGet})
	var b browser
	b.begin(t, m, "m", map[string]any{"x": 1})
	store.taken()
	resp := b.visit(m.Wrap, func(w http.ResponseWriter, s *client.Session) {
		v, err := client.Get[map[string]any](s, "m")
		must(t, err)
		v["x"] = func() {}
		must(t, client.Set(s, "other", 1))
		if _, err := s.Commit(t.Context()); err == nil || !strings.Contains(err.Error(), `"m"`) {
			t.Errorf("Commit = %v, want an error that names the attribute", err)
		}
	})
	if c := store.taken(); resp.StatusCode != 500 || len(c) != 0 {
		t.Errorf("response %d, commits %+v, want 500 and nothing half done", resp.StatusCode, c)
	}
}
