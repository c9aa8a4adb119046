package wire

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/quic-go/quic-go"
)

// GossipPacketMax is the largest gossip packet, in bytes, that WriteGossip takes. It fits every path that QUIC works on:
// packets are sent with the don't-fragment bit, and larger ones would vanish.
const GossipPacketMax = 1200

// gossipMark goes before each gossip packet: quic-go hands over only packets whose first byte is below 64.
const gossipMark = 0x00

// gossipBuffers holds buffers of GossipPacketMax+1 bytes for WriteGossip.
var gossipBuffers = sync.Pool{New: func() any { return new([GossipPacketMax + 1]byte) }}

// WriteGossip sends one packet from the endpoint's socket; b is free again on return. Like UDP it promises nothing. The
// packet is not encrypted here: memberlist does that with Key.GossipKey. Errors: ErrFrameTooLarge beyond
// GossipPacketMax, those of the socket.
func (e *Endpoint) WriteGossip(b []byte, addr net.Addr) error {
	if len(b) > GossipPacketMax {
		return fmt.Errorf("%w: gossip packet of %d bytes, the limit is %d", ErrFrameTooLarge, len(b), GossipPacketMax)
	}
	buf := gossipBuffers.Get().(*[GossipPacketMax + 1]byte)
	defer gossipBuffers.Put(buf)
	buf[0] = gossipMark
	n := copy(buf[1:], b)
	if _, err := e.transport.WriteTo(buf[:n+1], addr); err != nil {
		return fmt.Errorf("write gossip: %w", explain(err))
	}
	return nil
}

// ReadGossip waits for the next gossip packet and copies it to b, which should have room for GossipPacketMax+1 bytes; what
// does not fit is lost. Anyone may have sent it. Only one goroutine may call it at a time, and it should come back soon:
// 32 packets wait, more are dropped, as are those that arrive before the first call. Errors: ErrClosed, ctx's.
func (e *Endpoint) ReadGossip(ctx context.Context, b []byte) (n int, from net.Addr, err error) {
	for {
		n, from, err = e.transport.ReadNonQUICPacket(ctx, b)
		switch {
		case e.ctx.Err() != nil:
			return 0, nil, fmt.Errorf("%w: endpoint", ErrClosed) // though a packet may still wait in quic-go
		case ctx.Err() != nil:
			return 0, nil, context.Cause(ctx)
		case err != nil:
			return 0, nil, fmt.Errorf("%w: endpoint (%v)", ErrClosed, err)
		case n > 1 && b[0] == gossipMark:
			return copy(b, b[1:n]), from, nil
		}
	}
}

// gossipStream makes a stream look like a TCP connection.
type gossipStream struct {
	*quic.Stream
	conn    *Conn
	once    sync.Once
	release func() // called at the first Close
}

var _ net.Conn = (*gossipStream)(nil)

func newGossipStream(c *Conn, s *quic.Stream, release func()) *gossipStream {
	return &gossipStream{Stream: s, conn: c, release: release}
}

// LocalAddr returns the endpoint's address.
func (s *gossipStream) LocalAddr() net.Addr { return s.conn.quic.LocalAddr() }

// RemoteAddr returns the peer's address.
func (s *gossipStream) RemoteAddr() net.Addr { return s.conn.quic.RemoteAddr() }

// Close ends both directions; what has been written still arrives if the peer reads it. It returns nil always.
func (s *gossipStream) Close() error {
	s.once.Do(s.release)
	s.CancelRead(streamRefused)
	_ = s.Stream.Close() // complains when the peer has closed first
	return nil
}
