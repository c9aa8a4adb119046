package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"

	"github.com/quic-go/quic-go"

	"github.com/sessnode/sessnode/udp"
)

// Endpoint is one process's socket, over which it dials, accepts and gossips. All methods may be called from any
// goroutine, except that only one may read gossip.
type Endpoint struct {
	conf      EndpointConfig // with defaults filled in
	simulated bool           // the network: a development key may go anywhere
	transport *quic.Transport
	flood     *flood
	listener  *quic.Listener // nil unless the role is node
	creds     *credentials
	dialTLS   *tls.Config
	accepted  chan *Conn // admitted, waiting for Accept

	ctx   context.Context // done when Close begins; it ends this endpoint's own goroutines
	stop  context.CancelFunc
	tasks sync.WaitGroup // accept loop, admissions, supervisors of connections, watchers of live

	mu       sync.Mutex // guards the fields below
	live     map[*quic.Conn]struct{}
	incoming int // accepted ones in live; Invariant: incoming <= conf.ConnsMax
	closed   bool
}

// Listen opens the socket and, on a node, begins to admit connections for Accept. The caller must Close the endpoint; if
// Listen fails it closes the PacketConn. Errors: those of Validate, ErrAddressTaken, ErrDevelopmentKey, ErrClientKey.
func Listen(config EndpointConfig) (*Endpoint, error) {
	if err := config.Validate(); err != nil {
		return nil, errors.Join(err, closeSocket(config.PacketConn))
	}
	conf := config.withDefaults()
	if conf.PacketConn == nil {
		socket, err := openSocket(&conf)
		if err != nil {
			return nil, err
		}
		conf.PacketConn = socket
	}
	socket, ok := conf.PacketConn.(*net.UDPConn)
	if ok {
		conf.PacketConn = udp.Adopt(socket)
	}
	e, err := newEndpoint(conf, !ok)
	if err != nil {
		return nil, errors.Join(err, closeSocket(conf.PacketConn))
	}
	return e, nil
}

func closeSocket(socket net.PacketConn) error {
	if socket == nil {
		return nil
	}
	return socket.Close()
}

// newEndpoint works on conf.PacketConn, which may be a place in a simulated network.
func newEndpoint(conf EndpointConfig, simulated bool) (*Endpoint, error) {
	address := conf.PacketConn.LocalAddr()
	if !simulated && conf.Role == RoleNode {
		if err := checkLoopback(conf.Key, address); err != nil {
			return nil, err
		}
	}
	if conf.Name == "" {
		conf.Name = address.String()
	}
	if conf.Resolve == nil {
		conf.Resolve = resolver(address)
	}
	creds, err := newCredentials(&conf)
	if err != nil {
		return nil, err
	}
	guard := &flood{perSecond: conf.HandshakesMax}
	e := &Endpoint{
		conf:      conf,
		simulated: simulated,
		transport: newTransport(&conf, guard),
		flood:     guard,
		creds:     creds,
		dialTLS:   creds.client(),
		accepted:  make(chan *Conn),
		live:      make(map[*quic.Conn]struct{}),
	}
	e.ctx, e.stop = context.WithCancel(context.Background())
	if conf.Role == RoleNode {
		err = e.listen()
	}
	return e, err
}

// newTransport gives the socket to quic-go. A node's keys are the same after a restart: a peer of the run before sends a
// packet, gets a stateless reset that it believes, and knows.
func newTransport(conf *EndpointConfig, guard *flood) *quic.Transport {
	t := &quic.Transport{Conn: conf.PacketConn, ConnectionIDLength: 8, VerifySourceAddress: guard.verifySource}
	if conf.Role == RoleNode {
		reset := quic.StatelessResetKey(conf.Key.derive("stateless reset " + conf.Name))
		token := quic.TokenGeneratorKey(conf.Key.derive("address token " + conf.Name))
		t.StatelessResetKey, t.TokenGeneratorKey = &reset, &token
	}
	return t
}

// checkLoopback keeps the development key on loopback.
func checkLoopback(key Key, address net.Addr) error {
	to, ok := address.(*net.UDPAddr)
	if !ok || !key.IsDevelopment() || to.IP.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%w: address %v", ErrDevelopmentKey, address)
}

func openSocket(conf *EndpointConfig) (*net.UDPConn, error) {
	address := conf.Address
	switch {
	case address == "" && conf.Key.IsDevelopment() && conf.Role == RoleNode:
		address = "127.0.0.1:0" // others accept nothing, and Dial keeps them on loopback, of either family
	case address == "":
		address = ":0"
	}
	resolved, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	socket, err := net.ListenUDP("udp", resolved)
	if isAddressTaken(err) {
		return nil, fmt.Errorf("listen on %s: %w", address, ErrAddressTaken)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return socket, nil
}

func isAddressTaken(err error) bool {
	const windowsAddressInUse = syscall.Errno(10048)
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && (errno == syscall.EADDRINUSE || errno == windowsAddressInUse)
}

// Addr returns the socket's address.
func (e *Endpoint) Addr() net.Addr { return e.conf.PacketConn.LocalAddr() }

// Accept returns the next connection that a peer has made; its caller must Start or Close it. Errors: ErrClosed, ctx's,
// and ErrRole on an endpoint that is no node.
func (e *Endpoint) Accept(ctx context.Context) (*Conn, error) {
	if e.listener == nil {
		return nil, fmt.Errorf("%w: only nodes accept connections", ErrRole)
	}
	select {
	case c := <-e.accepted:
		return c, nil
	case <-e.ctx.Done():
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Close ends every connection, so that peers know at once, and the socket. It returns when all goroutines of the
// endpoint and of its connections have, Handler.Closed included; so it must not be called from a Handler. Calls after
// the first wait too and return nil.
func (e *Endpoint) Close() error {
	conns, first := e.beginClose()
	e.stop()
	for _, qc := range conns {
		_ = qc.CloseWithError(codeStopping, "the process stops") // always nil
	}
	var err error
	if first {
		if e.listener != nil {
			_ = e.listener.Close() // always nil
		}
		// The socket goes first, as that ends quic-go's reader on every kind of socket.
		err = e.conf.PacketConn.Close()
		_ = e.transport.Close() // complains about the closed socket
	}
	e.tasks.Wait()
	return err
}

// beginClose stops new connections from being registered and returns those that there are.
func (e *Endpoint) beginClose() (conns []*quic.Conn, first bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	first, e.closed = !e.closed, true
	for qc := range e.live {
		conns = append(conns, qc)
	}
	return conns, first
}

// register makes Close end qc, and counts it if it is incoming. Errors: ErrClosed, ErrBusy.
func (e *Endpoint) register(qc *quic.Conn, incoming bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return ErrClosed
	case incoming && e.incoming >= e.conf.ConnsMax:
		return ErrBusy
	case incoming:
		e.incoming++
	}
	e.live[qc] = struct{}{}
	e.tasks.Add(1)
	// The watcher runs when qc has ended, and Close joins it.
	context.AfterFunc(qc.Context(), func() {
		defer e.tasks.Done()
		e.forget(qc, incoming)
	})
	return nil
}

func (e *Endpoint) forget(qc *quic.Conn, incoming bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.live, qc)
	if incoming {
		e.incoming--
	}
}

// full reports whether another incoming connection would be refused.
func (e *Endpoint) full() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.incoming >= e.conf.ConnsMax
}
