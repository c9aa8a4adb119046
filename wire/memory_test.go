package wire

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// memoryNet is a network in memory: packets take a fixed time, and those to a cut-off address vanish.
type memoryNet struct {
	latency time.Duration

	mu    sync.Mutex // guards the fields below
	conns map[string]*memoryConn
	cut   map[string]bool // by address: nothing arrives there
}

func newMemoryNet(latency time.Duration) *memoryNet {
	return &memoryNet{latency: latency, conns: make(map[string]*memoryConn), cut: make(map[string]bool)}
}

type memoryPacket struct {
	data []byte
	from net.Addr
}

// memoryConn is one socket of a memoryNet.
type memoryConn struct {
	net    *memoryNet
	addr   *net.UDPAddr
	queue  chan memoryPacket
	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex    // guards deadline and passed
	deadline *time.Timer   // nil if there is none
	passed   chan struct{} // closed when the deadline has passed
}

var _ net.PacketConn = (*memoryConn)(nil)

func (n *memoryNet) listen(host byte) *memoryConn {
	c := &memoryConn{
		net:    n,
		addr:   &net.UDPAddr{IP: net.IPv4(10, 0, 0, host), Port: 7946},
		queue:  make(chan memoryPacket, 1000),
		closed: make(chan struct{}),
		passed: make(chan struct{}),
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns[c.addr.String()] = c
	return c
}

func (n *memoryNet) setCut(addr net.Addr, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut[addr.String()] = cut
}

func (n *memoryNet) deliver(to string, p memoryPacket) {
	n.mu.Lock()
	c, cut := n.conns[to], n.cut[to]
	n.mu.Unlock()
	if c == nil || cut {
		return
	}
	select {
	case c.queue <- p:
	default: // dropped, as by a full socket
	}
}

func (c *memoryConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	p := memoryPacket{data: append([]byte(nil), b...), from: c.addr}
	time.AfterFunc(c.net.latency, func() { c.net.deliver(addr.String(), p) })
	return len(b), nil
}

func (c *memoryConn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.mu.Lock()
	passed := c.passed
	c.mu.Unlock()
	select {
	case p := <-c.queue:
		return copy(b, p.data), p.from, nil
	case <-c.closed:
		return 0, nil, net.ErrClosed
	case <-passed:
		return 0, nil, os.ErrDeadlineExceeded
	}
}

func (c *memoryConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deadline != nil {
		c.deadline.Stop()
	}
	c.deadline, c.passed = nil, make(chan struct{})
	if passed := c.passed; !t.IsZero() {
		c.deadline = time.AfterFunc(time.Until(t), func() { close(passed) })
	}
	return nil
}

func (c *memoryConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (c *memoryConn) LocalAddr() net.Addr              { return c.addr }
func (c *memoryConn) SetDeadline(t time.Time) error    { return c.SetReadDeadline(t) }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }

// In the bubble time is that of the year 2000 and passes only when everyone waits.
func TestMemoryNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newMemoryNet(time.Millisecond)
		server := listen(t, EndpointConfig{PacketConn: network.listen(1)})
		client := listen(t, EndpointConfig{PacketConn: network.listen(2)})
		got := newCollect()
		ended := make(chan error, 1)
		start := time.Now()
		c, _ := connect(t, client, server, got, hooks{frames: echo.frames, closed: func(_ *Conn, err error) { ended <- err }})
		for i := range 99 {
			if err := c.Send(1+i%(Lanes-1), text(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		for lane := 1; lane < Lanes; lane++ {
			got.wait(t, lane, 99/(Lanes-1))
		}
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("100 frames took %v of network time", took)
		}

		// An idle connection lives; one that nothing comes from dies after the idle timeout.
		<-time.After(time.Hour)
		if err := c.Err(); err != nil {
			t.Errorf("idle connection ended with %v", err)
		}
		network.setCut(server.Addr(), true)
		network.setCut(client.Addr(), true)
		cut := time.Now()
		if err := <-ended; !errors.Is(err, ErrPeerSilent) {
			t.Errorf("got %v, want ErrPeerSilent", err)
		}
		if took := time.Since(cut); took < IdleTimeout/2 || took > 2*IdleTimeout {
			t.Errorf("silence was noticed after %v, the timeout is %v", took, IdleTimeout)
		}
	})
}

func TestMemoryLinkSurvivesSplit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newMemoryNet(time.Millisecond)
		server := listen(t, EndpointConfig{PacketConn: network.listen(1)})
		client := listen(t, EndpointConfig{PacketConn: network.listen(2)})
		events := newLinkEvents()
		link := NewLink(events.config(client, server.Addr().String(), hooks{}))
		defer link.Close()
		for range 3 {
			c, err := server.Accept(within(t))
			if err != nil {
				t.Fatal(err)
			}
			c.Start(hooks{})
			<-events.ups
			network.setCut(server.Addr(), true)
			if err := <-events.downs; !errors.Is(err, ErrPeerSilent) {
				t.Errorf("down for %v, want ErrPeerSilent", err)
			}
			network.setCut(server.Addr(), false)
		}
	})
}
