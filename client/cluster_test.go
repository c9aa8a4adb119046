package client_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/chaos/simnet"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
)

// cluster is three nodes on a network in memory, in a bubble.
type cluster struct {
	t     *testing.T
	net   *simnet.Network
	seeds []string
	conns []net.PacketConn
	nodes []*node.Node
	runs  sync.WaitGroup
}

// inCluster runs test on a cluster that has all its copies.
func inCluster(t *testing.T, test func(t *testing.T, c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{
			t: t, net: simnet.New(simnet.Config{Seed: 1, Latency: 200 * time.Microsecond}),
			seeds: []string{"10.0.0.1:7946", "10.0.0.2:7946", "10.0.0.3:7946"},
		}
		for i := range c.seeds {
			c.start(i)
		}
		for !c.settled() {
			time.Sleep(20 * time.Millisecond)
		}
		test(t, c)
		for i := range c.nodes {
			c.kill(i)
		}
		c.runs.Wait()
		must(t, c.net.Close())
		time.Sleep(time.Minute) // memberlist does not join its probes
	})
}

func (c *cluster) start(i int) {
	conn, err := c.net.Listen(c.seeds[i])
	if err != nil {
		c.t.Fatal(err)
	}
	n, err := node.New(node.Config{
		Name: fmt.Sprint("n", i+1), PacketConn: conn, Join: c.seeds, Expect: len(c.seeds), Resolve: numeric,
		Clock: node.SteadyClock(), Log: slog.New(slog.DiscardHandler), Slots: 64,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.conns, c.nodes = append(c.conns, conn), append(c.nodes, n)
	c.runs.Go(func() { _ = n.Run(context.Background()) })
}

// kill ends a node as SIGKILL would. Twice is once.
func (c *cluster) kill(i int) {
	_ = c.conns[i].Close() // first, so that no last word gets out
	_ = c.nodes[i].Close()
}

func (c *cluster) settled() bool {
	for _, n := range c.nodes {
		if s := n.Status(); !s.Ready || s.Slots.Short+s.Slots.Dead+s.Slots.Unclaimed > 0 || len(s.Members) != len(c.nodes) {
			return false
		}
	}
	return true
}

// server is an application server's manager, over a client of its own.
func (c *cluster) server(host string) (*client.Manager, *client.Client) {
	conn, err := c.net.Listen(host + ":0")
	if err != nil {
		c.t.Fatal(err)
	}
	cl, err := client.Dial(context.Background(), client.Config{
		Nodes: c.seeds, PacketConn: conn, Resolve: numeric, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return manager(c.t, client.ManagerConfig{Store: cl}), cl
}

// numeric reads numeric addresses only.
func numeric(_ context.Context, addr string) ([]net.Addr, error) {
	a, err := net.ResolveUDPAddr("udp", addr)
	return []net.Addr{a}, err
}

// Two application servers, 100 parallel requests on one session, and the session's primary dies among them: every
// increment counts once, every message and attribute is there.
func TestParallelRequestsWhileThePrimaryDies(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		m1, c1 := c.server("10.0.1.1")
		m2, c2 := c.server("10.0.1.2")
		defer func() { must(t, c1.Close()); must(t, c2.Close()) }()
		var b browser
		old := b.begin(t, m1, "n", 0)
		b.visit(m2.Wrap, func(_ http.ResponseWriter, s *client.Session) {
			must(t, s.RenewID())
			must(t, s.Keep(time.Hour, 2*time.Hour))
		})
		if b.id() == old || b.cookie.MaxAge < 7190 || b.cookie.MaxAge > 7200 {
			t.Errorf("cookie = %v after %s", b.cookie, replica.ShortID(old))
		}
		location, err := c1.Locate(t.Context(), b.id())
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 2 * time.Millisecond)
				if i == 50 {
					c.kill(slices.Index(c.seeds, location.Primary.Addr))
				}
				visitor := b
				resp := visitor.visit([]*client.Manager{m1, m2}[i%2].Wrap, func(_ http.ResponseWriter, s *client.Session) {
					must(t, client.Set(s, fmt.Sprint("a", i), i))
					if i%10 == 0 {
						must(t, client.Flash(s, i))
					}
					must(t, s.Update(t.Context(), func() error { return increment(s, "n") }))
				})
				if resp.StatusCode != http.StatusOK {
					t.Errorf("request %d: status %d", i, resp.StatusCode)
				}
			})
		}
		all.Wait()
		b.visit(m1.Wrap, func(_ http.ResponseWriter, s *client.Session) {
			if n, err := client.Get[int](s, "n"); n != 100 || err != nil {
				t.Errorf("n = %d, %v after 100 increments", n, err)
			}
			for i := range 100 {
				if v, err := client.Get[int](s, fmt.Sprint("a", i)); v != i || err != nil {
					t.Errorf("a%d = %d, %v", i, v, err)
				}
			}
			if messages, err := client.TakeFlashes[int](s); len(messages) != 10 || err != nil {
				t.Errorf("messages = %v, %v, want ten", messages, err)
			}
		})
	})
}
