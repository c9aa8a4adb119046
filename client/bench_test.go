package client

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// benchNode answers every commit with OK.
type benchNode struct {
	endpoint *wire.Endpoint
	tasks    sync.WaitGroup // the accept loop
}

func startBenchNode(b testing.TB) *benchNode {
	b.Helper()
	e, err := wire.Listen(wire.EndpointConfig{Key: wire.DevelopmentKey(), Address: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	n := &benchNode{endpoint: e}
	n.tasks.Go(func() {
		for {
			conn, err := e.Accept(context.Background())
			if err != nil {
				return
			}
			conn.Start(n)
		}
	})
	b.Cleanup(func() {
		must(b, e.Close())
		n.tasks.Wait()
	})
	return n
}

func (n *benchNode) Frames(conn *wire.Conn, lane int, frames []wire.Frame) {
	for _, f := range frames {
		m, _ := wire.Decode(f, 0)
		switch m := m.(type) {
		case *replica.LayoutWanted:
			_ = conn.Send(lane, &appender{&replica.Layout{
				Cluster: 1, Slots: 1, Claims: []replica.Claim{{Epoch: 1, Primary: 1}},
				Members: []replica.Member{{Boot: 1, Name: "n1", Addr: n.endpoint.Addr().String()}},
			}})
		case *replica.Request:
			_ = conn.Send(lane, &appender{&replica.Reply{Token: m.Token, Result: replica.Result{Copies: 1}}})
		}
	}
}

func (n *benchNode) Gossip(_ *wire.Conn, s net.Conn) { _ = s.Close() }
func (n *benchNode) Closed(*wire.Conn, error)        {}

func TestRealSockets(t *testing.T) {
	n := startBenchNode(t)
	c, err := Dial(t.Context(), Config{Nodes: []string{n.endpoint.Addr().String()}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := commit(t, c); err != nil {
		t.Error(err)
	}
	must(t, c.Close())
}

// BenchmarkCommit is a commit of 128 bytes to a node that does nothing with it, and back; node and client share the
// process. The node's part is in the allocations too.
func BenchmarkCommit(b *testing.B) {
	n := startBenchNode(b)
	c, err := Dial(b.Context(), Config{Nodes: []string{n.endpoint.Addr().String()}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { must(b, c.Close()) })
	value := make([]byte, 128)
	b.SetParallelism(32)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		commit := &replica.Commit{Key: testKey, Changes: []replica.Change{{Name: "items", Value: value}}}
		for pb.Next() {
			if _, err := c.Commit(context.Background(), commit); err != nil {
				b.Error(err)
			}
		}
	})
}
