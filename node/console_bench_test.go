package node_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/sessnode/sessnode/node"
)

// BenchmarkConsole is what one look costs a node: the status, the layout and what is busiest, at 1,024 slots.
func BenchmarkConsole(b *testing.B) {
	n, err := node.New(node.Config{Listen: "127.0.0.1:0", Name: "a", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	defer func() {
		stop()
		<-done
	}()
	awaitReady(b, []*node.Node{n})
	b.ReportAllocs()
	for b.Loop() {
		node.ConsoleAnew(n)
	}
}
