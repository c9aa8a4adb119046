package node_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sessnode/sessnode/client"
)

// TestRouteHintFollowsAFailover: over a client and over a node in the process, the first response after the death of a
// session's primary names the next one.
func TestRouteHintFollowsAFailover(t *testing.T) {
	for _, embedded := range []bool{false, true} {
		runCluster(t, 3, nil, func(c *cluster) {
			c.wait(10 * time.Second)
			cl := c.dial("10.0.1.1")
			defer cl.Close()
			id := write(t, cl, 1)[0]
			victim := c.primaryOf(id)
			var store client.Store = cl
			if embedded {
				store = c.nodes[(victim+1)%3].node
			}
			m, err := client.ManagerConfig{Store: store, App: "test", RouteCookie: "route", Log: logger(t)}.Build()
			if err != nil {
				t.Fatal(err)
			}
			first := hintOf(t, m, id, "")
			if want := c.nodes[victim].node.Member().Name; first != want {
				t.Errorf("%T: hint %q, want %q", store, first, want)
			}
			if again := hintOf(t, m, id, first); again != "" {
				t.Errorf("%T: %q is said again", store, again)
			}
			c.kill(victim)
			next := hintOf(t, m, id, first)
			time.Sleep(2 * time.Second)
			where, err := c.nodes[(victim+2)%3].node.Locate(context.Background(), id)
			if err != nil || next != where.Primary.Name || next == first {
				t.Errorf("%T: after the death of %s the hint is %q, the primary %q", store, first, next, where.Primary.Name)
			}
		})
	}
}

// hintOf is the hint in the answer to a request that uses its session, or "".
func hintOf(t *testing.T, m *client.Manager, id, carried string) string {
	t.Helper()
	r := httptest.NewRequest("GET", "http://shop.example/", nil)
	r.AddCookie(&http.Cookie{Name: "sid", Value: id})
	if carried != "" {
		r.AddCookie(&http.Cookie{Name: "route", Value: carried})
	}
	w := httptest.NewRecorder()
	m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if n, err := client.Get[int](client.FromContext(r.Context()), "n"); n != 0 || err != nil {
			t.Errorf("n = %d, %v", n, err)
		}
	})).ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		if cookie.Name == "route" {
			return cookie.Value
		}
	}
	return ""
}
