package wire

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testKey returns one of a few fixed cluster keys.
func testKey(t testing.TB, number byte) Key {
	t.Helper()
	key, err := GenerateKey(bytes.NewReader(bytes.Repeat([]byte{number}, secretSize)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// listen opens an endpoint on loopback that the test's end closes.
func listen(t testing.TB, conf EndpointConfig) *Endpoint {
	t.Helper()
	if conf.Key.IsZero() {
		conf.Key = testKey(t, 1)
	}
	if conf.Address == "" && conf.PacketConn == nil {
		conf.Address = "127.0.0.1:0"
	}
	e, err := Listen(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

// within returns a context for steps that must not hang.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// connect makes a connection from one endpoint to another and starts both ends.
func connect(t testing.TB, from, to *Endpoint, dialer, acceptor Handler) (dialed, accepted *Conn) {
	t.Helper()
	dialed, err := from.Dial(within(t), to.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err = to.Accept(within(t))
	if err != nil {
		t.Fatal(err)
	}
	dialed.Start(dialer)
	accepted.Start(acceptor)
	return dialed, accepted
}

// hooks is a Handler made of functions; missing ones do nothing.
type hooks struct {
	frames func(*Conn, int, []Frame)
	gossip func(*Conn, net.Conn)
	closed func(*Conn, error)
}

var _ Handler = hooks{}

func (h hooks) Frames(c *Conn, lane int, frames []Frame) {
	if h.frames != nil {
		h.frames(c, lane, frames)
	}
}

func (h hooks) Gossip(c *Conn, s net.Conn) {
	if h.gossip != nil {
		h.gossip(c, s)
		return
	}
	_ = s.Close()
}

func (h hooks) Closed(c *Conn, err error) {
	if h.closed != nil {
		h.closed(c, err)
	}
}

// echo sends every frame back on the lane that it came on.
var echo = hooks{frames: func(c *Conn, lane int, frames []Frame) {
	for i := range frames {
		_ = c.Send(lane, &frames[i]) // the test times out if it matters
	}
}}

// collect is a Handler that keeps the frames of each lane.
type collect struct {
	hooks
	mu     sync.Mutex // guards frames
	frames map[int][]string
	more   chan struct{} // capacity 1: frames has grown
}

func newCollect() *collect {
	return &collect{frames: make(map[int][]string), more: make(chan struct{}, 1)}
}

func (c *collect) Frames(_ *Conn, lane int, frames []Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range frames {
		c.frames[lane] = append(c.frames[lane], string(f.Payload))
	}
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// wait returns a lane's frames once there are n of them.
func (c *collect) wait(t testing.TB, lane, n int) []string {
	t.Helper()
	ctx := within(t)
	for {
		c.mu.Lock()
		got := c.frames[lane]
		c.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-c.more:
		case <-ctx.Done():
			t.Fatalf("lane %d: got %d frames, want %d", lane, len(got), n)
		}
	}
}
