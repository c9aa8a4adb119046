package node_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/chaos/simnet"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// cluster is whole nodes, with the real memberlist and quic-go, on an in-memory network. It lives in a bubble.
type cluster struct {
	t     *testing.T
	net   *simnet.Network
	nodes []*member
}

// member is one place in the cluster, run after run.
type member struct {
	addr string
	conn net.PacketConn
	node *node.Node
	stop context.CancelFunc // leaves in good order
	done chan error         // what Run returned
}

// runCluster runs test on n nodes that found a cluster together, inside a synctest bubble.
func runCluster(t *testing.T, n int, change func(*node.Config), test func(*cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(startCluster(t, n, change)) })
}

// startCluster starts nodes in the bubble of t, whose end kills them.
func startCluster(t *testing.T, n int, change func(*node.Config)) *cluster {
	t.Helper()
	c := &cluster{t: t, net: simnet.New(simnet.Config{Seed: 1, Latency: 200 * time.Microsecond})}
	t.Cleanup(c.end)
	for i := range n {
		c.nodes = append(c.nodes, &member{addr: fmt.Sprintf("10.0.0.%d:7946", i+1)})
	}
	for i := range c.nodes {
		c.start(i, change)
	}
	return c
}

func (c *cluster) end() {
	for i := range c.nodes {
		c.kill(i)
	}
	if err := c.net.Close(); err != nil {
		c.t.Error(err)
	}
	time.Sleep(time.Minute) // memberlist does not join its probes
}

func (c *cluster) config(i int) node.Config {
	conn, err := c.net.Listen(c.nodes[i].addr)
	if err != nil {
		c.t.Fatal(err)
	}
	var seeds []string
	for _, m := range c.nodes {
		seeds = append(seeds, m.addr)
	}
	return node.Config{
		Name: fmt.Sprintf("n%d", i+1), PacketConn: conn, Join: seeds, Expect: len(c.nodes), Resolve: resolve,
		Clock: node.SteadyClock(), Log: logger(c.t), Slots: 64,
	}
}

// resolve reads numeric addresses only.
func resolve(_ context.Context, addr string) ([]net.Addr, error) {
	a, err := net.ResolveUDPAddr("udp", addr)
	return []net.Addr{a}, err
}

func logger(t *testing.T) *slog.Logger {
	if os.Getenv("NODE_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	level := slog.LevelInfo
	if os.Getenv("NODE_LOG") == "debug" {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: level}))
}

// start boots the node of a place.
func (c *cluster) start(i int, change func(*node.Config)) {
	c.t.Helper()
	cfg := c.config(i)
	if change != nil {
		change(&cfg)
	}
	n, err := node.New(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	m := c.nodes[i]
	m.conn, m.node, m.stop, m.done = cfg.PacketConn, n, stop, make(chan error, 1)
	go func() { m.done <- n.Run(ctx) }()
}

// kill ends a node as SIGKILL would: its socket vanishes, nobody is told.
func (c *cluster) kill(i int) {
	m := c.nodes[i]
	if m.node == nil {
		return
	}
	_ = m.conn.Close() // first, so that no last word gets out
	_ = m.node.Close()
	<-m.done
	m.stop()
	m.node = nil
}

// wait runs the bubble until every node is ready and no slot lacks a copy.
func (c *cluster) wait(within time.Duration) {
	c.t.Helper()
	deadline := time.Now().Add(within)
	for {
		why := c.unsettled()
		if why == "" {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("not settled after %v: %s", within, why)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (c *cluster) unsettled() string {
	up := 0
	for _, m := range c.nodes {
		if m.node != nil {
			up++
		}
	}
	for _, m := range c.nodes {
		if m.node == nil {
			continue
		}
		s := m.node.Status()
		if !s.Ready || s.Slots.Short+s.Slots.Dead+s.Slots.Unclaimed > 0 || len(s.Members) != up {
			return fmt.Sprintf("%s: ready %v %s, %d members, slots %+v", s.Node, s.Ready, s.Reason, len(s.Members), s.Slots)
		}
	}
	return ""
}

// dial opens a client on a host of its own.
func (c *cluster) dial(host string) *client.Client {
	c.t.Helper()
	return c.dialWith(host, wire.DevelopmentKey())
}

// dialWith is dial with a key of its own.
func (c *cluster) dialWith(host string, key wire.Key) *client.Client {
	c.t.Helper()
	conn, err := c.net.Listen(host + ":0")
	if err != nil {
		c.t.Fatal(err)
	}
	var seeds []string
	for _, m := range c.nodes {
		seeds = append(seeds, m.addr)
	}
	cl, err := client.Dial(context.Background(), client.Config{
		Nodes: seeds, App: "test", Key: key, PacketConn: conn, Resolve: resolve, Log: logger(c.t),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return cl
}

// write creates sessions and returns their ids.
func write(t testing.TB, s client.Store, n int) []string {
	t.Helper()
	return writeCopies(t, s, n, 2)
}

// writeCopies is write where each session must get as many copies.
func writeCopies(t testing.TB, s client.Store, n, copies int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		id, err := replica.NewID(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = id
		res, err := s.Commit(context.Background(), &replica.Commit{
			Key: replica.Key{App: "test", ID: id}, Create: true,
			Changes: []replica.Change{{Name: "n", Value: []byte(fmt.Sprint(i))}},
		})
		if err != nil {
			t.Fatalf("create session %d: %v", i, err)
		}
		if res.Copies != copies {
			t.Fatalf("session %d is on %d nodes, want %d", i, res.Copies, copies)
		}
	}
	return ids
}

// verify reads all of them back.
func verify(t *testing.T, s client.Store, ids []string) {
	t.Helper()
	for i, id := range ids {
		start := time.Now()
		res, err := s.Load(context.Background(), &replica.Load{Key: replica.Key{App: "test", ID: id}})
		if err != nil {
			t.Fatalf("load session %d: %v", i, err)
		}
		if got, _ := res.Session.Get("n"); string(got) != fmt.Sprint(i) {
			t.Fatalf("session %d holds %q", i, got)
		}
		if wait := time.Since(start); wait > 1600*time.Millisecond {
			t.Errorf("session %d was answered after %v", i, wait)
		}
	}
}
