package simnet

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// conn is one socket. Its errors are those of a [net.UDPConn].
type conn struct {
	network *Network
	local   netip.AddrPort
	queue   chan *packet  // filled by the network while it listens; Config.QueueLen long
	closed  chan struct{} // closed by Network.remove
	read    *deadline
	write   *deadline
}

var _ net.PacketConn = (*conn)(nil)

func newConn(n *Network, local netip.AddrPort) *conn {
	return &conn{
		network: n,
		local:   local,
		queue:   make(chan *packet, n.cfg.QueueLen),
		closed:  make(chan struct{}),
		read:    newDeadline(),
		write:   newDeadline(),
	}
}

// ReadFrom waits for a packet. What does not fit into p is lost. The address is a *net.UDPAddr that the caller owns.
func (c *conn) ReadFrom(p []byte) (int, net.Addr, error) {
	packet, err := c.next()
	if err != nil {
		return 0, nil, c.fail("read", nil, err)
	}
	return copy(p, packet.payload), net.UDPAddrFromAddrPort(packet.from), nil
}

// WriteTo sends a packet to a *net.UDPAddr. It never blocks, and nil says nothing about whether the packet arrives.
func (c *conn) WriteTo(p []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.UDPAddr)
	if !ok || to == nil {
		return 0, c.fail("write", addr, syscall.EINVAL)
	}
	if isClosed(c.closed) {
		return 0, c.fail("write", addr, net.ErrClosed)
	}
	if isClosed(c.write.wait()) {
		return 0, c.fail("write", addr, os.ErrDeadlineExceeded)
	}
	if len(p) > c.network.cfg.PayloadMax {
		return 0, c.fail("write", addr, os.NewSyscallError("sendto", syscall.EMSGSIZE))
	}
	c.network.send(c.local, unmap(to.AddrPort()), bytes.Clone(p))
	return len(p), nil
}

// Close takes the socket off the network and ends every read. Packets that wait in its queue are lost.
func (c *conn) Close() error {
	if !c.network.remove(c) {
		return c.fail("close", nil, net.ErrClosed)
	}
	c.read.set(time.Time{})
	c.write.set(time.Time{})
	return nil
}

// LocalAddr returns a *net.UDPAddr that the caller owns.
func (c *conn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.local) }

// SetDeadline sets the deadlines of reads and writes.
func (c *conn) SetDeadline(t time.Time) error { return c.setDeadlines(t, c.read, c.write) }

// SetReadDeadline ends reads at t, those that wait already included. A zero t means never.
func (c *conn) SetReadDeadline(t time.Time) error { return c.setDeadlines(t, c.read) }

// SetWriteDeadline makes writes fail from t on. A zero t means never.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(t, c.write) }

// SetReadBuffer does nothing: Config.QueueLen limits the queue. Without it quic-go logs a warning.
func (c *conn) SetReadBuffer(int) error { return nil }

// SetWriteBuffer does nothing: writes never wait. Without it quic-go logs a warning.
func (c *conn) SetWriteBuffer(int) error { return nil }

// next waits for a packet. A closed socket and a passed deadline win over packets that wait.
func (c *conn) next() (*packet, error) {
	passed := c.read.wait()
	if isClosed(c.closed) {
		return nil, net.ErrClosed
	}
	if isClosed(passed) {
		return nil, os.ErrDeadlineExceeded
	}
	select {
	case p := <-c.queue:
		return p, nil
	case <-c.closed:
		return nil, net.ErrClosed
	case <-passed:
		return nil, os.ErrDeadlineExceeded
	}
}

func (c *conn) setDeadlines(t time.Time, deadlines ...*deadline) error {
	if isClosed(c.closed) {
		return c.fail("set", nil, net.ErrClosed)
	}
	for _, d := range deadlines {
		d.set(t)
	}
	return nil
}

// fail wraps an error as package net does.
func (c *conn) fail(op string, remote net.Addr, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: c.LocalAddr(), Addr: remote, Err: err}
}
