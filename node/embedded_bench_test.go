package node_test

import (
	"testing"

	"github.com/sessnode/sessnode/replica"
)

// BenchmarkOwnLoad reads a session in the process of its primary.
func BenchmarkOwnLoad(b *testing.B) {
	nodes, _ := loopbackNodes(b, "127.0.0.1", 1)
	l := &replica.Load{Key: keyOf(writeCopies(b, nodes[0], 1, 1)[0])}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := nodes[0].Load(b.Context(), l); err != nil {
			b.Fatal(err)
		}
	}
}
