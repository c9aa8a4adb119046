package node_test

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sessnode/sessnode/node"
)

// counted counts what is sent on a socket.
type counted struct {
	net.PacketConn
	packets *atomic.Int64
}

// WriteTo implements net.PacketConn.
func (c counted) WriteTo(b []byte, to net.Addr) (int, error) {
	c.packets.Add(1)
	return c.PacketConn.WriteTo(b, to)
}

// TestIdleNodesSendLittle: two members that have nothing to do ask each other for a lease ten times a second, in three
// packets and an acknowledgement. What each member sends grows with their number, so it is this that a large cluster costs.
func TestIdleNodesSendLittle(t *testing.T) {
	const nodes, perPair = 5, 56 // packets per second, those of gossip and of comparing copies included
	var packets atomic.Int64
	change := func(c *node.Config) {
		c.Slots, c.PacketConn = node.SlotsDefault, counted{c.PacketConn, &packets}
		time.Sleep(7 * time.Millisecond) // no two nodes do everything at the same moments
	}
	runCluster(t, nodes, change, func(c *cluster) {
		c.wait(30 * time.Second)
		time.Sleep(5 * time.Second)
		before := packets.Load()
		const span = 20
		time.Sleep(span * time.Second)
		got := float64(packets.Load()-before) / span / (nodes * (nodes - 1) / 2)
		t.Logf("%.1f packets per second and pair", got)
		if got > perPair {
			t.Errorf("%.1f packets per second and pair, want at most %d", got, perPair)
		}
	})
}
