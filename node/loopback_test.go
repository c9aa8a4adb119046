package node_test

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Three nodes on real sockets, over IPv4 and IPv6: form, write, kill one, read everything back, leave.
func TestLoopback(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			nodes, seeds := loopbackNodes(t, host, 3)
			cl, err := client.Dial(context.Background(), client.Config{Nodes: seeds, App: "test", Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			ids := write(t, cl, 50)
			if err := nodes[0].Close(); err != nil {
				t.Error(err)
			}
			verify(t, cl, ids)
			verify(t, nodes[1], ids)
		})
	}
}

// loopbackNodes runs nodes that have founded a cluster; the test's end makes them leave.
func loopbackNodes(t testing.TB, host string, n int) (nodes []*node.Node, seeds []string) {
	t.Helper()
	var conns []net.PacketConn
	for range n {
		conn, err := net.ListenPacket("udp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Skipf("no %s on this machine: %v", host, err)
		}
		conns = append(conns, conn)
		seeds = append(seeds, conn.LocalAddr().String())
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, n)
	for i, conn := range conns {
		nd, err := node.New(node.Config{
			Name: string(rune('a' + i)), PacketConn: conn, Join: seeds, Expect: n, Slots: 64, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, nd)
		go func() { done <- nd.Run(ctx) }()
	}
	t.Cleanup(func() {
		stop()
		for range nodes {
			<-done
		}
	})
	awaitReady(t, nodes)
	return nodes, seeds
}

// awaitReady waits, on the wall clock, until every node is ready and every slot has its copies.
func awaitReady(t testing.TB, nodes []*node.Node) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for range 2000 {
		ready := 0
		for _, n := range nodes {
			if s := n.Status(); s.Ready && len(s.Members) == len(nodes) && s.Slots.Short == 0 {
				ready++
			}
		}
		if ready == len(nodes) {
			return
		}
		<-ticker.C
	}
	t.Fatal("nodes are not ready after 20 s")
}
