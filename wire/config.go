package wire

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/quic-go/quic-go"
)

// Defaults of EndpointConfig.
const (
	ConnsMax         = 4096            // connections that a node accepts
	Lanes            = 4               // see Conn.SendBySize for how they are used
	LargeFrame       = 16 << 10        // bytes of a payload above which SendBySize takes another lane
	QueueSizeMax     = 4 << 20         // bytes waiting on one lane
	GossipStreamsMax = 4               // gossip streams at a time, per connection and direction
	HandshakesMax    = 500             // handshakes that may begin in a second
	IdleTimeout      = 5 * time.Second // silence after which a connection is dead
	HandshakeTimeout = 3 * time.Second // wait for a node's first answer, and again for its admission
)

// EndpointConfig configures Listen. Zero fields mean the default named; it is not changed after Listen.
type EndpointConfig struct {
	// Key authenticates this process; required. A RoleClient endpoint may have a cluster or a client key.
	Key Key
	// Accept are further keys whose holders are accepted, for changing keys without downtime.
	Accept []Key
	// PKI is certificates of the operator's own, used instead of those that Key gives, which on a node still keeps gossip and
	// which a client or administrator need not have. Peers' certificates must come from its authorities, or from a key of
	// Accept. Its role must be Role.
	PKI *PKI
	// Role is what this process is to its peers; default RoleNode. Only nodes accept connections.
	Role Role
	// Name is what Peer.Name shows to others, and what makes a restarted process known to its peers at once instead of
	// after IdleTimeout. It must differ between the nodes of a cluster; default: the socket's address.
	Name string

	// Address is host:port to listen on, port 0 for any; default: any port, of a node with a development key on loopback.
	Address string
	// PacketConn is used instead of a socket on Address. The endpoint owns it and closes it. It should be a *net.UDPConn
	// except on simulated networks, and is of no use to its maker then: the endpoint takes the socket out of it.
	PacketConn net.PacketConn
	// Resolve turns an address given to Dial into those to try, best first; default: DNS, as *net.UDPAddr.
	Resolve func(ctx context.Context, addr string) ([]net.Addr, error)

	// ConnsMax limits accepted connections; more are refused with ErrBusy at the dialer.
	ConnsMax int
	// HandshakesMax limits the handshakes that others begin in a second, twice as many at once; more are refused with ErrBusy
	// at the dialer. From a quarter of that on who dials must show first that its address is its own.
	HandshakesMax int
	// Lanes is the number of lanes, 1 to 16, of connections dialed from here.
	Lanes int
	// FrameSizeMax limits a frame's payload, in bytes, both ways; default the constant of that name. All nodes and clients
	// of a cluster should agree.
	FrameSizeMax int
	// QueueSizeMax limits the bytes queued on one lane; beyond it Send fails with ErrQueueFull. At least FrameSizeMax.
	QueueSizeMax int
	// GossipStreamsMax limits gossip streams per connection and direction; opening more waits.
	GossipStreamsMax int

	// IdleTimeout is how long a peer may be silent before the connection counts as dead; KeepAlive, default a third of
	// it, how long we are silent at most. The lower timeout of both sides holds.
	IdleTimeout, KeepAlive time.Duration
	// HandshakeTimeout limits each of the two waits of Dial per address, and the one of an accepted connection.
	HandshakeTimeout time.Duration

	// Now is the clock that certificates are made and checked by; default time.Now.
	Now func() time.Time
	// Logger gets refused connections; default: none.
	Logger *slog.Logger
}

// Validate reports the first setting that cannot work.
func (c *EndpointConfig) Validate() error {
	d := c.withDefaults()
	switch {
	case c.PKI != nil && c.PKI.Role() != d.Role:
		return fmt.Errorf("%w: %s is for a %v, and this is a %v: give it the URI sessnode:%v", ErrCertificate, c.PKI.certFile, c.PKI.Role(),
			d.Role, d.Role)
	case d.Key.IsZero():
		return fmt.Errorf("%w: no key given", ErrKeyText)
	case slices.ContainsFunc(c.Accept, Key.IsZero):
		return fmt.Errorf("%w: one of the keys to accept is empty", ErrKeyText)
	case roleNames[d.Role] == "":
		return fmt.Errorf("wire: unknown role %d", d.Role)
	case d.Lanes < 1 || d.Lanes > lanesMax:
		return fmt.Errorf("wire: %d lanes, allowed are 1 to %d", d.Lanes, lanesMax)
	case d.FrameSizeMax < 0 || d.QueueSizeMax < d.FrameSizeMax+frameHeaderMax:
		return fmt.Errorf("wire: a queue of %d bytes cannot hold a frame of %d", d.QueueSizeMax, d.FrameSizeMax)
	case d.ConnsMax < 0 || d.GossipStreamsMax < 0 || d.HandshakesMax < 0:
		return fmt.Errorf("wire: limits of connections, handshakes and streams must not be negative")
	case d.IdleTimeout < 0 || d.HandshakeTimeout < 0 || d.KeepAlive < 0 || d.KeepAlive >= d.IdleTimeout:
		return fmt.Errorf("wire: keep-alive %v must be shorter than the idle timeout %v", d.KeepAlive, d.IdleTimeout)
	}
	return nil
}

func (c *EndpointConfig) withDefaults() EndpointConfig {
	d := *c
	d.Role = cmp.Or(c.Role, RoleNode)
	if c.PKI != nil && d.Role != RoleNode && c.Key.IsZero() {
		d.Key = DevelopmentKey() // used for nothing
	}
	d.ConnsMax = cmp.Or(c.ConnsMax, ConnsMax)
	d.HandshakesMax = cmp.Or(c.HandshakesMax, HandshakesMax)
	d.Lanes = cmp.Or(c.Lanes, Lanes)
	d.FrameSizeMax = cmp.Or(c.FrameSizeMax, FrameSizeMax)
	d.QueueSizeMax = cmp.Or(c.QueueSizeMax, QueueSizeMax)
	d.GossipStreamsMax = cmp.Or(c.GossipStreamsMax, GossipStreamsMax)
	d.IdleTimeout = cmp.Or(c.IdleTimeout, IdleTimeout)
	d.KeepAlive = cmp.Or(c.KeepAlive, d.IdleTimeout/3)
	d.HandshakeTimeout = cmp.Or(c.HandshakeTimeout, HandshakeTimeout)
	if c.Now == nil {
		d.Now = time.Now
	}
	if c.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	return d
}

// streamWindow is how many bytes of one stream a peer may have sent that we have not read. Above it the peer's writer
// blocks, then its queue fills. A megabyte carries 1 GB/s at a round trip of 1 ms, 20 MB/s at 50 ms.
const streamWindow = 1 << 20

// noStreams allows a peer none; 0 would be quic-go's default of 100.
const noStreams = -1

// quicConfig holds what both directions share. The connection's window has room for every stream's whole window at
// once, so that streams which nobody reads never stop the others.
//
// The window also bounds what one connection holds unread: 4 MiB where a client dialed, 12 MiB where a node did, with 4
// lanes each, and 24 MiB where a node accepted. That is for 16 lanes, since quic-go wants the limits before the handshake
// shows who dials; a client gets no further than its lanes, as its first gossip stream ends the connection. Beside the
// window a lane has QueueSizeMax for what waits to be sent, and up to 2*FrameSizeMax while a large frame arrives. At rest
// after a burst it keeps readerBatch and spareMax, 320 KiB.
func (c *EndpointConfig) quicConfig(lanes int) *quic.Config {
	streams, incoming := lanes, noStreams
	if c.Role == RoleNode {
		streams, incoming = lanes+2*c.GossipStreamsMax, c.GossipStreamsMax
	}
	return &quic.Config{
		HandshakeIdleTimeout:           c.HandshakeTimeout,
		MaxIdleTimeout:                 c.IdleTimeout,
		KeepAlivePeriod:                c.KeepAlive,
		InitialStreamReceiveWindow:     streamWindow,
		MaxStreamReceiveWindow:         streamWindow,
		InitialConnectionReceiveWindow: uint64(streams) * streamWindow,
		MaxConnectionReceiveWindow:     uint64(streams) * streamWindow,
		MaxIncomingStreams:             int64(incoming),
		MaxIncomingUniStreams:          noStreams,
	}
}
