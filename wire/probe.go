package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// probeMark is the whole of a probe's packet. Its receiver takes it for no QUIC packet and for no gossip, and drops it
// unread.
const probeMark = 0x01

// Probe finds out whether anybody listens on a port: a machine whose process died answers a packet with an ICMP message,
// which the kernel hands to the socket that sent it. It is a hint, never a proof, as anybody can forge that message; and
// silence says nothing. The socket is connected and the probe's own: on a socket that other packets leave from, the error
// would meet one of those, and end the connection that it belongs to. Its methods are not for several goroutines at once.
type Probe struct{ socket net.Conn }

// DialProbe opens a socket toward host:port; nothing is sent yet. The caller must Close it. The error is that of the
// resolver or of the system.
func DialProbe(ctx context.Context, addr string) (*Probe, error) {
	socket, err := new(net.Dialer).DialContext(ctx, "udp", addr)
	if err != nil {
		return nil, fmt.Errorf("probe %s: %w", addr, err)
	}
	return &Probe{socket}, nil
}

// Refused sends one packet and reports whether the port has refused an earlier one. It does not wait: who wants to know
// asks again a moment later. Only systems that tell a sender of the refusal at its next packet, as Linux and macOS do, let
// it ever be true.
func (p *Probe) Refused() bool {
	_, err := p.socket.Write([]byte{probeMark})
	return errors.Is(err, syscall.ECONNREFUSED)
}

// Close closes the socket.
func (p *Probe) Close() error { return p.socket.Close() }
