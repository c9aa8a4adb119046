package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pair connects a client-like node to a node, with these limits on both sides.
func pair(t testing.TB, conf EndpointConfig, dialer, acceptor Handler) (dialed, accepted *Conn) {
	t.Helper()
	return connect(t, listen(t, conf), listen(t, conf), dialer, acceptor)
}

// text is a frame of a type that no message has, so that every role may send it.
func text(s string) *Frame { return &Frame{Type: 120, Payload: []byte(s)} }

func TestOrderIsKeptPerLane(t *testing.T) {
	got := newCollect()
	c, _ := pair(t, EndpointConfig{}, got, echo)
	want := make([][]string, c.Lanes())
	for i := range 500 {
		lane := i % c.Lanes()
		s := fmt.Sprintf("%d %s", i, strings.Repeat("x", i*7))
		want[lane] = append(want[lane], s)
		if err := c.Send(lane, text(s)); err != nil {
			t.Fatal(err)
		}
	}
	for lane := range want {
		if diff := cmp.Diff(want[lane], got.wait(t, lane, len(want[lane]))); diff != "" {
			t.Errorf("lane %d differs (-want +got):\n%s", lane, diff)
		}
	}
}

func TestBothSidesSend(t *testing.T) {
	near, far := newCollect(), newCollect()
	dialed, accepted := pair(t, EndpointConfig{}, near, far)
	for c, s := range map[*Conn]string{dialed: "from the dialer", accepted: "from the acceptor"} {
		if err := c.Send(2, text(s)); err != nil {
			t.Fatal(err)
		}
	}
	if got := near.wait(t, 2, 1)[0]; got != "from the acceptor" {
		t.Errorf("dialer got %q", got)
	}
	if got := far.wait(t, 2, 1)[0]; got != "from the dialer" {
		t.Errorf("acceptor got %q", got)
	}
}

func TestSendBySize(t *testing.T) {
	got := newCollect()
	c, _ := pair(t, EndpointConfig{}, hooks{}, got)
	small, large := strings.Repeat("s", LargeFrame), strings.Repeat("l", LargeFrame+1000)
	for s, want := range map[string]int{small: 1, large: 2} {
		if lane, err := c.SendBySize(1, 2, text(s)); err != nil || lane != want {
			t.Fatalf("%d bytes went on lane %d (%v), want %d", len(s), lane, err, want)
		}
	}
	if lane, err := c.SendBySize(2, 2, text("follows")); err != nil || lane != 2 {
		t.Fatalf("lane %d, %v", lane, err)
	}
	if diff := cmp.Diff([]string{small}, got.wait(t, 1, 1)); diff != "" {
		t.Errorf("lane 1 differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{large, "follows"}, got.wait(t, 2, 2)); diff != "" {
		t.Errorf("lane 2 differs (-want +got):\n%s", diff)
	}
	if _, err := c.SendBySize(1, Lanes, text("s")); !errors.Is(err, ErrLane) {
		t.Errorf("got %v, want ErrLane", err)
	}
	if _, err := c.SendBySize(1, 2, text(strings.Repeat("x", FrameSizeMax+100))); !errors.Is(err, ErrFrameTooLarge) {
		t.Errorf("got %v, want ErrFrameTooLarge", err)
	}
}

func TestSendErrors(t *testing.T) {
	c, _ := pair(t, EndpointConfig{FrameSizeMax: 100}, hooks{}, hooks{})
	for _, lane := range []int{-1, Lanes, 1 << 30} {
		if err := c.Send(lane, text("a")); !errors.Is(err, ErrLane) {
			t.Errorf("lane %d: got %v, want ErrLane", lane, err)
		}
	}
	if err := c.Send(1, text(strings.Repeat("a", 200))); !errors.Is(err, ErrFrameTooLarge) {
		t.Errorf("got %v, want ErrFrameTooLarge", err)
	}
	if got := c.Queued(1); got != 0 {
		t.Errorf("%d bytes of refused frames are queued", got)
	}
	c.Close("test")
	<-c.Done()
	if err := c.Send(1, text("a")); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: got %v, want ErrClosed", err)
	}
}

// A handler that does not come back fills, in the end, the sender's queue; other lanes do not notice.
func TestSlowReaderFillsOnlyItsQueue(t *testing.T) {
	release := make(chan struct{})
	got := newCollect()
	acceptor := hooks{frames: func(c *Conn, lane int, frames []Frame) {
		if lane != 0 {
			<-release
		}
		echo.Frames(c, lane, frames)
	}}
	const queueMax, frameMax = 64 << 10, 16 << 10
	c, _ := pair(t, EndpointConfig{FrameSizeMax: frameMax, QueueSizeMax: queueMax}, got, acceptor)
	t.Cleanup(func() { close(release) })

	f := text(strings.Repeat("a", 10_000))
	for lane := 1; lane < c.Lanes(); lane++ {
		sent := fill(t, c, lane, f)
		if most := streamWindow + queueMax + readerBatch + 2*frameMax; sent > most {
			t.Errorf("lane %d took %d bytes, more than window, queue and buffers, %d", lane, sent, most)
		}
		if queued := c.Queued(lane); queued > queueMax {
			t.Errorf("lane %d: %d bytes are queued, the limit is %d", lane, queued, queueMax)
		}
	}
	for i := range 100 {
		if err := c.Send(0, text(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	got.wait(t, 0, 100)
}

// fill sends on a lane until its queue is full and stays so, and returns how many bytes it took.
func fill(t *testing.T, c *Conn, lane int, f *Frame) (sentBytes int) {
	t.Helper()
	ctx := within(t)
	for refusals := 0; refusals < 100; {
		switch err := c.Send(lane, f); {
		case err == nil:
			sentBytes += len(f.Payload)
			refusals = 0
		case errors.Is(err, ErrQueueFull):
			refusals++
			settle(c) // a round trip on lane 0 lets the writer move if it can
		default:
			t.Fatal(err)
		}
		if ctx.Err() != nil {
			t.Fatalf("lane %d never fills: %d bytes sent", lane, sentBytes)
		}
	}
	return sentBytes
}

// settle waits for one round trip on lane 0, whose handler echoes.
func settle(c *Conn) {
	got := c.handler.(*collect)
	got.mu.Lock()
	n := len(got.frames[0])
	got.mu.Unlock()
	_ = c.Send(0, text("settle")) // its loss shows in the test's result
	for range got.more {
		got.mu.Lock()
		arrived := len(got.frames[0]) > n
		got.mu.Unlock()
		if arrived {
			return
		}
	}
}

func TestTooLargeFrameEndsConnection(t *testing.T) {
	ended := make(chan error, 1)
	server := listen(t, EndpointConfig{FrameSizeMax: 100})
	client := listen(t, EndpointConfig{FrameSizeMax: 1000})
	c, _ := connect(t, client, server, hooks{closed: func(_ *Conn, err error) { ended <- err }}, hooks{})
	if err := c.Send(1, text(strings.Repeat("a", 500))); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), "the limit is 100") {
		t.Errorf("got %v, want ErrProtocol that names the limit", err)
	}
}

func TestCloseGivesReason(t *testing.T) {
	near, far := make(chan error, 1), make(chan error, 1)
	c, _ := pair(t, EndpointConfig{},
		hooks{closed: func(_ *Conn, err error) { near <- err }},
		hooks{closed: func(_ *Conn, err error) { far <- err }})
	c.Close("draining" + strings.Repeat(".", 1000))
	if err := <-near; !errors.Is(err, ErrClosed) {
		t.Errorf("near: got %v, want ErrClosed", err)
	}
	if err := <-far; !errors.Is(err, ErrPeerClosed) || !strings.Contains(err.Error(), "draining") {
		t.Errorf("far: got %v, want ErrPeerClosed with the reason", err)
	}
}

func TestGossipStream(t *testing.T) {
	acceptor := hooks{gossip: func(_ *Conn, s net.Conn) {
		defer s.Close()
		_, _ = io.Copy(s, io.LimitReader(s, 5)) // the other end checks
	}}
	c, _ := pair(t, EndpointConfig{}, hooks{}, acceptor)
	for range 3 * GossipStreamsMax { // closed streams make room
		s, err := c.OpenGossip(within(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(s, got); err != nil || string(got) != "hello" {
			t.Errorf("got %q, %v", got, err)
		}
		if s.RemoteAddr() == nil || s.LocalAddr() == nil {
			t.Error("a stream without addresses")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestClientsDoNotGossip(t *testing.T) {
	server := listen(t, EndpointConfig{})
	client := listen(t, EndpointConfig{Role: RoleClient})
	ended := make(chan error, 1)
	c, accepted := connect(t, client, server, hooks{closed: func(_ *Conn, err error) { ended <- err }}, hooks{})
	for side, conn := range map[string]*Conn{"client": c, "server": accepted} {
		if _, err := conn.OpenGossip(within(t)); !errors.Is(err, ErrRole) {
			t.Errorf("%s: got %v, want ErrRole", side, err)
		}
	}
	// A client that does not ask its own library is thrown out.
	s, err := c.quic.OpenStreamSync(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(header{kind: kindGossip}.encode()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, ErrRole) {
		t.Errorf("connection ended with %v, want ErrRole", err)
	}
}

// What has no use is not allowed: the memory of a connection is bounded by its streams.
func TestNoOtherStreams(t *testing.T) {
	server := listen(t, EndpointConfig{})
	client := listen(t, EndpointConfig{Role: RoleClient})
	c, accepted := connect(t, client, server, hooks{}, hooks{})
	for side, conn := range map[string]*Conn{"client": c, "server": accepted} {
		if _, err := conn.quic.OpenUniStream(); err == nil {
			t.Errorf("%s opened a unidirectional stream", side)
		}
	}
	if _, err := accepted.quic.OpenStream(); err == nil {
		t.Error("a node opened a stream to a client")
	}
}

func TestSendAllocatesNothing(t *testing.T) {
	l := &lane{frameMax: FrameSizeMax, queueMax: QueueSizeMax, wake: make(chan struct{}, 1)}
	f := &Frame{Type: 1, Payload: bytes.Repeat([]byte("a"), 128)}
	step := func() {
		for range 100 {
			if err := l.send(f); err != nil {
				t.Fatal(err)
			}
		}
		batch, _ := l.take()
		l.release(batch)
	}
	step()
	step() // both buffers have grown
	if got := testing.AllocsPerRun(100, step); got != 0 {
		t.Errorf("%v allocations for 100 frames", got)
	}
}
