package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/quic-go/quic-go"
)

// dialAddressesMax is how many addresses of one name Dial tries.
const dialAddressesMax = 4

// resolver returns the default of EndpointConfig.Resolve: DNS, without the addresses that the socket cannot reach.
func resolver(local net.Addr) func(context.Context, string) ([]net.Addr, error) {
	udp, _ := local.(*net.UDPAddr)
	onlyV4 := udp != nil && udp.IP.To4() != nil
	onlyV6 := udp != nil && !onlyV4 && !udp.IP.IsUnspecified()
	return func(ctx context.Context, addr string) ([]net.Addr, error) {
		host, portText, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, fmt.Errorf("address %q should be host:port: %w", addr, err)
		}
		port, err := strconv.ParseUint(portText, 10, 16)
		if err != nil || port == 0 {
			return nil, fmt.Errorf("address %q: port should be 1 to 65535", addr)
		}
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, fmt.Errorf("address %q: %w", addr, err)
		}
		var addrs []net.Addr
		for _, ip := range found {
			v4 := ip.Unmap().Is4()
			if v4 && onlyV6 || !v4 && onlyV4 {
				continue
			}
			addrs = append(addrs, &net.UDPAddr{IP: ip.Unmap().AsSlice(), Zone: ip.Zone(), Port: int(port)})
		}
		if len(addrs) == 0 {
			return nil, fmt.Errorf("address %q has none that can be reached from %v", addr, local)
		}
		return addrs, nil
	}
}

// Dial connects to a node; its caller must Start or Close the connection. It tries the addresses of the name one after
// the other, four at the most, until ctx is done. It returns only when the node has admitted the connection. Errors: the
// sentinels of this package, such as ErrKeyMismatch, ErrKeyRefused, ErrVersion, ErrBusy and ErrPeerSilent; those of all
// addresses are joined.
func (e *Endpoint) Dial(ctx context.Context, addr string) (*Conn, error) {
	addrs, err := e.conf.Resolve(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	var errs []error
	for _, a := range addrs[:min(len(addrs), dialAddressesMax)] {
		c, err := e.dialOne(ctx, a)
		if err == nil {
			return c, nil
		}
		errs = append(errs, fmt.Errorf("dial %v: %w", a, err))
		if ctx.Err() != nil {
			break
		}
	}
	if len(errs) == 0 {
		return nil, fmt.Errorf("dial: address %q stands for none", addr)
	}
	return nil, errors.Join(errs...)
}

func (e *Endpoint) dialOne(ctx context.Context, addr net.Addr) (*Conn, error) {
	if !e.simulated && (e.conf.PKI == nil || e.conf.Role == RoleNode) { // a node's gossip takes the key
		if err := checkLoopback(e.conf.Key, addr); err != nil {
			return nil, err
		}
	}
	qc, err := e.transport.Dial(ctx, addr, e.dialTLS, e.conf.quicConfig(e.conf.Lanes))
	if err != nil {
		return nil, explain(err)
	}
	if err := e.register(qc, false); err != nil {
		_ = qc.CloseWithError(codeStopping, err.Error()) // always nil
		return nil, err
	}
	c, err := e.openLanes(ctx, qc)
	if err != nil {
		_ = qc.CloseWithError(codeClosed, "dial given up") // always nil
		return nil, err
	}
	return c, nil
}

// openLanes opens the lanes in the order of their numbers and waits for the node's answer on the first.
func (e *Endpoint) openLanes(ctx context.Context, qc *quic.Conn) (*Conn, error) {
	peer, err := e.creds.peer(qc.ConnectionState().TLS)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, e.conf.HandshakeTimeout)
	defer cancel()
	var streams []*quic.Stream
	for i := range e.conf.Lanes {
		s, err := openLane(qc, header{kind: kindLane, lane: i, lanes: e.conf.Lanes})
		if err != nil {
			return nil, endOf(qc, fmt.Errorf("open lane %d: %w", i, err))
		}
		streams = append(streams, s)
	}
	h, err := readHeaderBefore(ctx, streams[0])
	if err != nil {
		return nil, endOf(qc, err)
	}
	if h.kind != kindLane || h.lanes != len(streams) {
		return nil, fmt.Errorf("%w: answer on lane 0 names %d lanes", ErrProtocol, h.lanes)
	}
	return newConn(e, qc, peer, streams), nil
}

func openLane(qc *quic.Conn, h header) (*quic.Stream, error) {
	s, err := qc.OpenStream()
	if err != nil {
		return nil, err
	}
	_, err = s.Write(h.encode())
	return s, err
}

// endOf prefers the reason for which the connection has ended to an error that followed from it.
func endOf(qc *quic.Conn, err error) error {
	if qc.Context().Err() != nil {
		return cause(qc.Context())
	}
	return explain(err)
}
