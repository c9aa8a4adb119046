package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// switchSite is a place of a switch.
type switchSite struct {
	network *udpSwitch
	port    *port // of the node
}

func (p *switchSite) listen() string    { return p.port.home.String() }
func (p *switchSite) advertise() string { return p.port.socket.LocalAddr().String() }

// within starts a process: nothing but its addresses make it live here.
func (p *switchSite) within(start func() (int, error)) error {
	_, err := start()
	return err
}

func (p *switchSite) open(addr string) (net.PacketConn, error) {
	switch addr {
	case p.listen():
		return listenLoopback(p.port.home.Port()) // has its port already
	case "":
		return p.network.open(p.port.place)
	}
	return nil, fmt.Errorf("%w: open %s: choose %s, or nothing for any port", ErrPlace, addr, p.listen())
}

// guest is a socket of this process with a port of its own, which is closed with it. It is a *net.UDPConn in all else.
type guest struct {
	*net.UDPConn
	network *udpSwitch
	port    *port
}

// Close closes the socket and its port.
func (g *guest) Close() error {
	err := g.UDPConn.Close()
	if err == nil {
		g.network.left()
	}
	return errors.Join(err, g.network.unplug(g.port))
}

// open opens a socket with a port.
func (s *udpSwitch) open(place string) (net.PacketConn, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	socket, err := listenLoopback(0)
	if err != nil {
		s.left()
		return nil, err
	}
	p, err := s.plug(place, addrPort(socket))
	if err != nil {
		s.left()
		return nil, errors.Join(err, socket.Close())
	}
	return &guest{socket, s, p}, nil
}

// enter counts a socket, left discounts it.
func (s *udpSwitch) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.opened >= socketsMax:
		return fmt.Errorf("%w: it has %d sockets: close some", ErrFull, s.opened)
	}
	s.opened++
	return nil
}

func (s *udpSwitch) left() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened--
}

// loopback is where everything listens: macOS has no other address there.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

func addrPort(socket *net.UDPConn) netip.AddrPort {
	return socket.LocalAddr().(*net.UDPAddr).AddrPort()
}
