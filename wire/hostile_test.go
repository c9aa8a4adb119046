package wire

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// heap is the bytes in use, after a collection.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// grown tells the memory before and after, and fails if it grew by more than given.
func grown(t *testing.T, before, most int) {
	t.Helper()
	after := heap()
	t.Logf("heap: %d KiB before, %d KiB after", before>>10, after>>10)
	if after-before > most {
		t.Errorf("memory grew by %d KiB, want %d KiB at most", (after-before)>>10, most>>10)
	}
}

func TestFloodRefusesPastItsRate(t *testing.T) {
	f, now := &flood{perSecond: 10}, time.Unix(1000, 0)
	for i := range 20 {
		if got, want := f.verify(now), i >= 5; got != want {
			t.Errorf("handshake %d: address to be verified: %v, want %v", i+1, got, want)
		}
		if !f.begin(now) {
			t.Fatalf("handshake %d of 20 at once was refused", i+1)
		}
	}
	if f.begin(now) {
		t.Error("the 21st at once was allowed")
	}
	now = now.Add(time.Second)
	for i := range 10 {
		if !f.begin(now) {
			t.Fatalf("handshake %d of 10 a second later was refused", i+1)
		}
	}
	if f.begin(now) {
		t.Error("the 11th a second later was allowed")
	}
	if now = now.Add(time.Minute); f.verify(now) {
		t.Error("addresses are still verified when it is over")
	}
}

func TestHandshakesAreLimited(t *testing.T) {
	server := listen(t, EndpointConfig{HandshakesMax: 1})
	client := listen(t, EndpointConfig{Role: RoleClient})
	server.flood.mu.Lock()
	server.flood.owed, server.flood.since = 0.5, time.Now().Add(time.Hour) // addresses are verified from here on
	server.flood.mu.Unlock()
	connect(t, client, server, hooks{}, hooks{})
	server.flood.mu.Lock()
	if got := server.flood.owed; got != 1.5 {
		t.Errorf("%v owed after a handshake, want 1.5", got)
	}
	server.flood.mu.Unlock()
	refused(t, client, server, ErrBusy)
}

// Two hundred sockets at once, without the key or with it, get no further than the limits, and leave nothing behind; who is
// connected does not notice.
func TestConnectionFlood(t *testing.T) {
	const sockets = 200
	server := listen(t, EndpointConfig{ConnsMax: 10, HandshakesMax: 50, IdleTimeout: time.Minute})
	got := newCollect()
	friend, _ := connect(t, listen(t, EndpointConfig{Role: RoleClient, IdleTimeout: time.Minute}), server, got, echo)
	before := heap()
	atOnce := make(chan struct{}, 50) // more would only starve each other
	var most, connected atomic.Int64
	var flooding sync.WaitGroup
	for i := range sockets {
		flooding.Go(func() {
			atOnce <- struct{}{}
			defer func() { <-atOnce }()
			key := testKey(t, byte(1+i%2)) // every other one has another key
			e, err := Listen(EndpointConfig{Key: key, Role: RoleClient, Address: "127.0.0.1:0"})
			if err != nil {
				t.Error(err)
				return
			}
			ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
			defer cancel()
			if _, err = e.Dial(ctx, server.Addr().String()); err == nil {
				connected.Add(1)
			}
			most.Store(max(most.Load(), int64(server.connected())))
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range 5 {
		if err := friend.Send(1, text(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		got.wait(t, 1, i+1)
	}
	flooding.Wait()
	t.Logf("%d of %d were connected, %d at a time", connected.Load(), sockets, most.Load())
	if most.Load() > 10 {
		t.Errorf("%d were connected at a time, want 10 at most", most.Load())
	}
	for ctx := within(t); server.connected() > 1 && ctx.Err() == nil; {
		runtime.Gosched() // the ends of the others are on their way
	}
	grown(t, before, 8<<20)
}

// connected counts the connections that are accepted and live.
func (e *Endpoint) connected() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.incoming
}

// has reports whether a frame has come on a lane.
func (c *collect) has(lane int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.frames[lane]) > 0
}

// A frame that comes a byte at a time, and one that declares to be huge, hold up nobody and take no memory for what they
// declare.
func TestSlowFramesHoldUpNobody(t *testing.T) {
	got, far := newCollect(), newCollect()
	server := listen(t, EndpointConfig{})
	slow, _ := connect(t, listen(t, EndpointConfig{Role: RoleClient}), server, hooks{}, far)
	friend, _ := connect(t, listen(t, EndpointConfig{Role: RoleClient}), server, got, echo)
	before := heap()
	frame := text(strings.Repeat("s", 300)).AppendFrame(nil)
	for i, b := range frame {
		if _, err := slow.lanes[1].stream.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
		if i%20 == 0 {
			if err := friend.Send(1, text("x")); err != nil {
				t.Fatal(err)
			}
			got.wait(t, 1, i/20+1)
		}
		if i == len(frame)-2 && far.has(1) {
			t.Error("a frame that is not whole was handed out")
		}
	}
	far.wait(t, 1, 1)
	header := (&Frame{Type: 1, Payload: make([]byte, FrameSizeMax)}).AppendFrame(nil)[:6]
	if _, err := slow.lanes[2].stream.Write(header); err != nil { // the largest allowed, of which nothing follows
		t.Fatal(err)
	}
	if err := friend.Send(1, text("x")); err != nil {
		t.Fatal(err)
	}
	got.wait(t, 1, len(frame)/20+1)
	grown(t, before, 1<<20)
}

// A client may open its lanes, and no stream beyond what nodes open for gossip: that ends its connection.
func TestStreamsThatAreLeftOpenAreBounded(t *testing.T) {
	server := listen(t, EndpointConfig{})
	c, _ := connect(t, listen(t, EndpointConfig{Role: RoleClient}), server, hooks{}, hooks{})
	before, opened := heap(), 0
	for ; opened < 1000; opened++ {
		s, err := c.quic.OpenStream()
		if err != nil {
			break
		}
		_, _ = s.Write([]byte{1}) // and is left alone
	}
	t.Logf("%d streams could be opened", opened)
	if most := lanesMax + 2*GossipStreamsMax; opened > most {
		t.Errorf("%d streams were opened, want %d at most", opened, most)
	}
	grown(t, before, 1<<20)
}
