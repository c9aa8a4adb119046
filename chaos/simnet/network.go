package simnet

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
)

// Ports that Listen picks from when it is asked for port 0.
const (
	ephemeralFirst = 49152
	ephemeralCount = 65536 - ephemeralFirst
)

// Network connects the sockets opened on it. Its methods may be called at any time and from any goroutine.
type Network struct {
	cfg     Config
	wake    chan struct{} // holds one: the packet next to arrive has changed
	stop    chan struct{} // closed by Close
	stopped chan struct{} // closed by the goroutine that delivers

	mu     sync.Mutex // guards all below; never held while anything blocks
	closed bool
	conns  map[netip.AddrPort]*conn
	links  map[route]*link
	flight flight
	sent   uint64
	ports  int // ephemeral ports tried so far
	rand   *rand.Rand

	generation uint64 // Invariant: rises with every change of the settings below.
	cuts       *rules[bool]
	delays     *rules[delay]
	losses     *rules[float64]
	duplicates *rules[float64]
	reorders   *rules[float64]
}

// New returns a network on which nobody listens yet and starts its goroutine; the caller must Close it.
// It panics if cfg does not validate, for then the test is wrong.
func New(cfg Config) *Network {
	if err := cfg.Validate(); err != nil {
		panic(err)
	}
	n := &Network{
		cfg:        cfg.withDefaults(),
		wake:       make(chan struct{}, 1),
		stop:       make(chan struct{}),
		stopped:    make(chan struct{}),
		conns:      make(map[netip.AddrPort]*conn),
		links:      make(map[route]*link),
		rand:       rand.New(rand.NewPCG(cfg.Seed, cfg.Seed)),
		generation: 1,
		cuts:       newRules(false),
		delays:     newRules(delay{cfg.Latency, cfg.Jitter}),
		losses:     newRules(cfg.Loss),
		duplicates: newRules(cfg.Duplicate),
		reorders:   newRules(cfg.Reorder),
	}
	go n.deliver()
	return n
}

// Listen opens a socket on addr, an IP address with a port such as "10.0.0.1:7946". Port 0 picks a free one. An
// address in use is refused with EADDRINUSE. The caller closes the connection; so does Close of the network.
func (n *Network) Listen(addr string) (net.PacketConn, error) {
	local, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Err: err}
	}
	local = unmap(local)
	c, err := n.open(local)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: net.UDPAddrFromAddrPort(local), Err: err}
	}
	return c, nil
}

// Close closes every socket, drops the packets under way and waits until the network's goroutine has gone.
// The counters stay readable. Closing twice is allowed.
func (n *Network) Close() error {
	for _, c := range n.shut() {
		c.Close() // an error says that its owner was faster
	}
	<-n.stopped
	return nil
}

func (n *Network) open(local netip.AddrPort) (*conn, error) {
	if local.Addr().IsUnspecified() {
		return nil, errors.New("a host needs an address of its own")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, net.ErrClosed
	}
	if local.Port() == 0 {
		local = n.freePort(local.Addr())
	}
	if n.conns[local] != nil || local.Port() == 0 {
		return nil, os.NewSyscallError("bind", syscall.EADDRINUSE)
	}
	c := newConn(n, local)
	n.conns[local] = c
	return c, nil
}

// freePort returns a port of the host that nobody listens on and that was not given out lately, or 0.
// The caller holds n.mu.
func (n *Network) freePort(host netip.Addr) netip.AddrPort {
	for range ephemeralCount {
		addr := netip.AddrPortFrom(host, uint16(ephemeralFirst+n.ports%ephemeralCount))
		n.ports++
		if n.conns[addr] == nil {
			return addr
		}
	}
	return netip.AddrPortFrom(host, 0)
}

// remove takes a socket off the network; nothing is delivered to it afterwards. It is false for one that was closed.
func (n *Network) remove(c *conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conns[c.local] != c {
		return false
	}
	delete(n.conns, c.local)
	close(c.closed)
	return true
}

// shut lets nobody listen any more, stops deliveries and returns the sockets that are open.
func (n *Network) shut() []*conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.closed = true
		close(n.stop)
	}
	var open []*conn
	for _, c := range n.conns {
		open = append(open, c)
	}
	return open
}

// unmap writes an IPv4 address one way, whether it came as 4 or as 16 bytes.
func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
