package node_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// countedConn counts the bytes of the datagrams that come in.
type countedConn struct {
	net.PacketConn
	in atomic.Int64
}

func (c *countedConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := c.PacketConn.ReadFrom(p)
	c.in.Add(int64(n))
	return n, from, err
}

// TestReloadIsShort counts what a load of a session of 4 KiB costs on the wire, all that QUIC adds included.
func TestReloadIsShort(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(10 * time.Second)
		for _, test := range []struct {
			name       string
			cacheBytes int
			min, max   int64
		}{{"kept", 0, 1, 99}, {"not kept", -1, 4096, 6000}} {
			cl, conn := c.dialCounted("10.0.1.1", test.cacheBytes)
			id := write(t, cl, 1)[0]
			changeTo(t, cl, id, "blob", string(bytes.Repeat([]byte{'x'}, 4096)))
			reload(t, cl, id, 100) // until QUIC has measured the path
			const loads = 1000
			before := conn.in.Load()
			reload(t, cl, id, loads)
			got := (conn.in.Load() - before) / loads
			t.Logf("%s: %d bytes to the client for each load", test.name, got)
			if got < test.min || got > test.max {
				t.Errorf("%s: %d bytes to the client for each load, want %d to %d", test.name, got, test.min, test.max)
			}
			if err := cl.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestReloadAfterOthers counts what a load of the same session costs after another client has changed 64 bytes of it.
func TestReloadAfterOthers(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(10 * time.Second)
		cl, conn := c.dialCounted("10.0.1.1", 0)
		other := c.dial("10.0.1.2")
		defer cl.Close()
		defer other.Close()
		id := write(t, cl, 1)[0]
		changeTo(t, cl, id, "blob", string(bytes.Repeat([]byte{'x'}, 4096)))
		reload(t, cl, id, 100) // until QUIC has measured the path
		const rounds = 300
		var in int64
		for i := range rounds {
			value := fmt.Sprintf("%064d", i)
			changeTo(t, other, id, "small", value)
			before := conn.in.Load()
			s := load(t, cl, id)
			in += conn.in.Load() - before
			if v, _ := s.Get("small"); string(v) != value {
				t.Fatalf("round %d: small is %q", i, v)
			}
			if v, _ := s.Get("blob"); len(v) != 4096 {
				t.Fatalf("round %d: blob has %d bytes", i, len(v))
			}
		}
		t.Logf("%d bytes to the client for each load", in/rounds)
		if in/rounds > 300 {
			t.Errorf("%d bytes to the client for each load, want at most 300", in/rounds)
		}
	})
}

func reload(t *testing.T, s client.Store, id string, times int) {
	t.Helper()
	for range times {
		res, err := s.Load(context.Background(), &replica.Load{Key: keyOf(id)})
		if err != nil {
			t.Fatal(err)
		}
		if v, _ := res.Session.Get("blob"); len(v) != 4096 {
			t.Fatalf("the session has %d bytes", len(v))
		}
	}
}

// dialCounted is dial with a cache of so many bytes and the socket that the client uses.
func (c *cluster) dialCounted(host string, cacheBytes int) (*client.Client, *countedConn) {
	c.t.Helper()
	conn, err := c.net.Listen(host + ":0")
	if err != nil {
		c.t.Fatal(err)
	}
	counted := &countedConn{PacketConn: conn}
	cl, err := client.Dial(context.Background(), client.Config{
		Nodes: []string{c.nodes[0].addr}, App: "test", CacheBytes: cacheBytes, PacketConn: counted, Resolve: resolve, Log: logger(c.t),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return cl, counted
}

func changeTo(t *testing.T, s client.Store, id, name, value string) {
	t.Helper()
	change(t, s, id, name, value, replica.Stamp{})
}

// TestKeptAcrossASplit: of two sides each changes a session, first the one, then the other, whose client keeps it. When
// the split has healed that client's version still has the newest stamp, and lacks what the first side did.
func TestKeptAcrossASplit(t *testing.T) {
	runCluster(t, 2, nil, func(c *cluster) {
		c.wait(10 * time.Second)
		left, right := c.dial("10.0.1.1"), c.dial("10.0.1.2")
		defer left.Close()
		defer right.Close()
		ids := write(t, left, 10) // of which either node is primary of some
		for _, id := range ids {
			changeTo(t, left, id, "gone", "1")
		}
		c.net.Partition([]string{host(1), "10.0.1.1"}, []string{host(2), "10.0.1.2"})
		time.Sleep(30 * time.Second)
		for _, id := range ids {
			changeTo(t, left, id, "left", "1")
			if _, err := left.Commit(context.Background(), &replica.Commit{
				Key: keyOf(id), Changes: []replica.Change{{Name: "gone", Delete: true}},
			}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		for _, id := range ids {
			changeTo(t, right, id, "right", "1")
			load(t, right, id)
		}
		c.net.Heal()
		c.wait(30 * time.Second)
		time.Sleep(20 * time.Second)
		for i, id := range ids {
			s := load(t, right, id)
			for name, want := range map[string]bool{"left": true, "right": true, "gone": false} {
				if _, has := s.Get(name); has != want {
					t.Errorf("session %d: attribute %q is there: %v, want %v", i, name, has, want)
				}
			}
		}
	})
}

func load(t *testing.T, s client.Store, id string) *replica.Session {
	t.Helper()
	res, err := s.Load(context.Background(), &replica.Load{Key: keyOf(id)})
	if err != nil {
		t.Fatal(err)
	}
	return res.Session
}

// TestKeptIsLinearizable: clients that keep sessions count in them, each under names of its own, while nodes die and come
// back. Each reads what anybody was told before it asked, from its own version or not.
func TestKeptIsLinearizable(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(10 * time.Second)
		var clients []*client.Client
		for i := range 3 {
			cl := c.dial(fmt.Sprintf("10.0.1.%d", i+1))
			defer cl.Close()
			clients = append(clients, cl)
		}
		ids := write(t, clients[0], 4)
		var acked [4][3]atomic.Int64
		end := make(chan struct{})
		var done sync.WaitGroup
		for i, cl := range clients {
			for k, id := range ids {
				done.Go(func() {
					for n := int64(1); ; n++ {
						select {
						case <-end:
							return
						case <-time.After(3 * time.Millisecond):
						}
						if n%3 == 0 {
							_, err := cl.Commit(context.Background(), set(id, fmt.Sprint("w", i), fmt.Sprint(n), replica.Stamp{}))
							if err != nil {
								t.Errorf("client %d: %v", i, err)
								return
							}
							acked[k][i].Store(n)
						}
						if err := atLeast(cl, id, &acked[k]); err != nil {
							t.Errorf("client %d, session %d: %v", i, k, err)
							return
						}
					}
				})
			}
		}
		for i := range c.nodes {
			time.Sleep(500 * time.Millisecond)
			c.kill(i)
			time.Sleep(2 * time.Second)
			c.start(i, nil)
			c.wait(10 * time.Second)
		}
		close(end)
		done.Wait()
		for i, cl := range clients {
			if s := cl.Stats(); s.CacheHits < 100 || s.CacheMisses < 100 {
				t.Errorf("client %d shows little of either: %+v", i, s)
			}
		}
	})
}

// atLeast reports a value that is older than what was acknowledged before the load.
func atLeast(s client.Store, id string, acked *[3]atomic.Int64) error {
	var least [3]int64
	for i := range least {
		least[i] = acked[i].Load()
	}
	res, err := s.Load(context.Background(), &replica.Load{Key: keyOf(id)})
	if err != nil {
		return err
	}
	for i, want := range least {
		v, _ := res.Session.Get(fmt.Sprint("w", i))
		if got, _ := strconv.ParseInt(string(v), 10, 64); got < want {
			return fmt.Errorf("w%d is %d after %d was acknowledged: %w", i, got, want, errStale)
		}
	}
	return nil
}

var errStale = errors.New("stale")
