package node

import (
	"net"
	"slices"
	"testing"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// laneWatcher tells on which lane each entry of a log arrived.
type laneWatcher struct {
	t       *testing.T
	arrived chan arrived
}

type arrived struct {
	seq  uint64
	lane int
}

// Frames implements wire.Handler.
func (w *laneWatcher) Frames(_ *wire.Conn, lane int, frames []wire.Frame) {
	for _, f := range frames {
		m, err := wire.Decode(f, 0)
		if err != nil {
			w.t.Error(err)
			return
		}
		w.arrived <- arrived{m.(*replica.Update).Entry.Seq, lane}
	}
}

// Gossip implements wire.Handler.
func (w *laneWatcher) Gossip(_ *wire.Conn, s net.Conn) { _ = s.Close() }

// Closed implements wire.Handler.
func (w *laneWatcher) Closed(*wire.Conn, error) {}

func watched(t *testing.T) (*wire.Conn, *laneWatcher) {
	t.Helper()
	listen := func() *wire.Endpoint {
		e, err := wire.Listen(wire.EndpointConfig{Key: wire.DevelopmentKey(), Address: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Close() })
		return e
	}
	near, far := listen(), listen()
	w := &laneWatcher{t, make(chan arrived, 16)}
	go func() { // ends with the endpoint
		if c, err := far.Accept(t.Context()); err == nil {
			c.Start(w)
		}
	}()
	c, err := near.Dial(t.Context(), far.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Start(w)
	return c, w
}

// What was committed after a large session follows it on its lane until the backup has it, and no longer: order holds within
// a lane only, and what is small must not wait behind what is large.
func TestLogFollowsLargeEntry(t *testing.T) {
	c, w := watched(t)
	n := &Node{large: largeLogs{}}
	update := func(slot uint32, seq uint64, sizeBytes int) {
		t.Helper()
		s := &replica.Session{Key: replica.Key{App: "a", ID: "tagtag.0123456789012345678901"}}
		s.Attrs = []*replica.Attr{{Name: "v", Value: make([]byte, sizeBytes)}}
		m := &replica.Update{Slot: slot, Epoch: 1, Entry: replica.Entry{Seq: seq, Parts: []replica.Part{{Session: s}}}}
		if err := n.send(c, m); err != nil {
			t.Fatal(err)
		}
	}
	update(5, 1, 100)
	update(5, 2, wire.LargeFrame)
	update(5, 3, 100)
	update(6, 4, 100) // of another slot
	n.large.acked(largeLog{c, 5}, 2)
	update(5, 5, 100)
	n.large.acked(largeLog{c, 5}, 5)
	update(5, 6, 100)

	lanes := map[uint64]int{}
	var inOrder []uint64 // of the slot, on the large lane
	for range 6 {
		a := <-w.arrived
		if lanes[a.seq] = a.lane; a.lane == 2 {
			inOrder = append(inOrder, a.seq)
		}
	}
	for seq, want := range map[uint64]int{1: 1, 2: 2, 3: 2, 4: 1, 5: 2, 6: 1} {
		if lanes[seq] != want {
			t.Errorf("entry %d went on lane %d, want %d", seq, lanes[seq], want)
		}
	}
	if !slices.IsSorted(inOrder) {
		t.Errorf("the large lane brought %v", inOrder)
	}
	update(5, 7, wire.LargeFrame)
	if n.large.forget(c); len(n.large) > 0 {
		t.Errorf("of a connection that ended %v is still known", n.large)
	}
}
