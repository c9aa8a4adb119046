package node

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/sessnode/sessnode/wire"
)

// transport carries memberlist over the node's QUIC endpoint: its packets beside QUIC's on the same socket, its streams
// as streams of connections made for them.
type transport struct {
	node    *Node
	packets chan *memberlist.Packet
	streams chan net.Conn
	stop    context.CancelFunc
	done    chan struct{} // the reader has returned

	mu     sync.Mutex // guards the rest
	dialed map[*wire.Conn]bool
	closed bool
}

// packetsMax and streamsMax bound what waits for memberlist; more is dropped, as UDP and a full backlog would.
const (
	packetsMax = 1024
	streamsMax = 64
)

func newTransport(n *Node) *transport {
	ctx, stop := context.WithCancel(context.Background())
	t := &transport{
		node:    n,
		packets: make(chan *memberlist.Packet, packetsMax),
		streams: make(chan net.Conn, streamsMax),
		stop:    stop,
		done:    make(chan struct{}),
		dialed:  map[*wire.Conn]bool{},
	}
	// The reader owns packets' writing end; stop ends it, close joins it.
	go func() {
		defer close(t.done)
		t.read(ctx)
	}()
	return t
}

func (t *transport) read(ctx context.Context) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := t.node.endpoint.ReadGossip(ctx, buf)
		if err != nil {
			return // closed
		}
		p := &memberlist.Packet{Buf: append([]byte(nil), buf[:n]...), From: from, Timestamp: time.Now()}
		select {
		case t.packets <- p:
		default: // memberlist is behind; it repeats what matters
		}
	}
}

// FinalAdvertiseAddr implements memberlist.Transport.
func (t *transport) FinalAdvertiseAddr(ip string, port int) (net.IP, int, error) {
	parsed := net.ParseIP(ip)
	if parsed == nil {
		return nil, 0, fmt.Errorf("%w: advertised address %q is no IP address", ErrConfig, ip)
	}
	return parsed, port, nil
}

// WriteTo implements memberlist.Transport.
func (t *transport) WriteTo(b []byte, addr string) (time.Time, error) {
	to, err := net.ResolveUDPAddr("udp", addr) // numeric: no look-up
	if err != nil {
		return time.Time{}, err
	}
	err = t.node.endpoint.WriteGossip(b, to)
	return time.Now(), err
}

// PacketCh implements memberlist.Transport.
func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// StreamCh implements memberlist.Transport.
func (t *transport) StreamCh() <-chan net.Conn { return t.streams }

// DialTimeout implements memberlist.Transport: it makes a connection for the one stream, which ends with it.
func (t *transport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	c, err := t.node.endpoint.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	if !t.adopt(c) {
		c.Close("closing")
		return nil, ErrClosed
	}
	c.Start(&dialedHandler{transport: t})
	s, err := c.OpenGossip(ctx)
	if err != nil {
		c.Close("no stream")
		return nil, err
	}
	return &dialedStream{Conn: s, conn: c}, nil
}

func (t *transport) adopt(c *wire.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.dialed[c] = true
	}
	return !t.closed
}

// incoming hands memberlist a stream that another node opened.
func (t *transport) incoming(s net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		select {
		case t.streams <- s:
			return
		default:
		}
	}
	_ = s.Close() // refused; the other side tries again
}

// Shutdown implements memberlist.Transport; close does it, when memberlist has stopped.
func (t *transport) Shutdown() error { return nil }

// close ends the reader and every connection made here.
func (t *transport) close() {
	t.mu.Lock()
	t.closed = true
	dialed := t.dialed
	t.dialed = nil
	t.mu.Unlock()
	for c := range dialed {
		c.Close("closing")
	}
	t.stop()
	<-t.done
}

// dialedStream is a gossip stream whose connection was made for it.
type dialedStream struct {
	net.Conn
	conn *wire.Conn
}

// lingerFor is how long the connection outlives its stream, so that the last bytes arrive.
const lingerFor = time.Second

// Close ends the stream at once and the connection a little later, when what was written has arrived.
func (s *dialedStream) Close() error {
	err := s.Conn.Close()
	time.AfterFunc(lingerFor, func() { s.conn.Close("gossip exchanged") })
	return err
}

// dialedHandler handles connections that carry nothing but a gossip stream.
type dialedHandler struct{ transport *transport }

// Frames implements wire.Handler; only a greeting arrives, which is of no use here.
func (h *dialedHandler) Frames(*wire.Conn, int, []wire.Frame) {}

// Gossip implements wire.Handler.
func (h *dialedHandler) Gossip(_ *wire.Conn, s net.Conn) { h.transport.incoming(s) }

// Closed implements wire.Handler.
func (h *dialedHandler) Closed(c *wire.Conn, _ error) {
	h.transport.mu.Lock()
	defer h.transport.mu.Unlock()
	delete(h.transport.dialed, c)
}
