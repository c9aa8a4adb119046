package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sessnode/sessnode/child"
)

// Strangers is the place of a switched lab in which all sockets are that nobody opened through the lab: those of processes
// in client places, and those with which nodes ask whether a port is dead. In a lab of namespaces that [Lab.Admit] has opened it is
// the machine that the lab runs on. Faults may name it.
const Strangers = "strangers"

// Limits of a switch.
const (
	payloadMax    = 1472 // of Ethernet, less the headers of IPv4 and UDP; longer datagrams are dropped
	strangersMax  = 256
	strangersIdle = 30 * time.Second // after which a stranger's port may be given up
	socketsMax    = 1024             // opened by this process
	bufferBytes   = 4 << 20          // of sockets, so that bursts are not lost that no fault took
)

// udpSwitch is a medium on loopback. A node listens on its home, a real socket that the switch does not hold, and shows
// itself at its port, a socket of the switch. A datagram that reaches a port from the home of another one is passed on from
// that other's port to the first one's home, so that everybody sees everybody at ports. A sender that is nobody's home is a
// stranger and gets a port on first sight.
//
// A port stays open while nobody listens at its home: a killed process is silent, as if its cord were pulled, and no sender is
// refused. A port that closed would refuse all senders, those that are cut off included.
//
// It owns a goroutine for each port, and that of its lines; close joins them.
type udpSwitch struct {
	lines   *lines
	readers sync.WaitGroup

	mu     sync.Mutex // guards all below; never held across I/O, but when a port is closed
	homes  map[netip.AddrPort]*port
	opened int // sockets of this process with a port of their own
	closed bool

	passed, tooLong, refused atomic.Uint64
}

// port is a socket of the switch, and whose it is.
type port struct {
	place  string
	home   netip.AddrPort
	socket *net.UDPConn
	seen   time.Time // a stranger, last; guarded by the switch's mutex
}

// NewSwitched makes a lab without privileges, on any operating system: places are ports of a UDP switch on 127.0.0.1. Every kind
// of fault is supported. There is one place from the start, [Strangers]. The caller must Close it.
func NewSwitched() (*Lab, error) {
	s := &udpSwitch{lines: newLines(0), homes: make(map[netip.AddrPort]*port)}
	return newLab(s, Strangers), nil
}

// Traffic is what a switch has done to datagrams beside faults.
type Traffic struct {
	Passed  uint64 // handed to the receiver's socket, copies included
	TooLong uint64 // dropped, because they were longer than 1,472 bytes
	Refused uint64 // dropped, because there were too many strangers, or the system took none
}

// Traffic tells what a switched lab has passed on; nothing of another one.
func (l *Lab) Traffic() Traffic {
	s, ok := l.medium.(*udpSwitch)
	if !ok {
		return Traffic{}
	}
	return Traffic{Passed: s.passed.Load(), TooLong: s.tooLong.Load(), Refused: s.refused.Load()}
}

func (s *udpSwitch) add(name string) (site, error) {
	free, err := child.FreeAddrs(1)
	if err != nil {
		return nil, err
	}
	home, err := netip.ParseAddrPort(free[0])
	if err != nil {
		return nil, err
	}
	p, err := s.plug(name, home)
	if err != nil {
		return nil, err
	}
	return &switchSite{s, p}, nil
}

// admit has nothing to do: everybody reaches loopback.
func (s *udpSwitch) admit() error { return nil }

func (s *udpSwitch) begin(d Damage) (wound, error) { return s.lines.begin(d), nil }

func (s *udpSwitch) end(wounds []wound) error {
	var ours []*lineWound
	for _, w := range wounds {
		ours = append(ours, w.(*lineWound))
	}
	s.lines.end(ours)
	return nil
}

func (s *udpSwitch) close() error {
	s.mu.Lock()
	s.closed = true
	var errs []error
	for _, p := range s.homes {
		errs = append(errs, p.socket.Close())
	}
	clear(s.homes)
	s.mu.Unlock()
	s.lines.close()
	s.readers.Wait()
	return errors.Join(errs...)
}

// plug opens a port for a home.
func (s *udpSwitch) plug(place string, home netip.AddrPort) (*port, error) {
	socket, err := listenLoopback(0)
	if err != nil {
		return nil, fmt.Errorf("open a port of the switch: %w", err)
	}
	p := &port{place: place, home: home, socket: socket, seen: time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.homes[home]
	switch {
	case s.closed:
		return nil, errors.Join(ErrClosed, socket.Close())
	case old != nil && place == Strangers: // two datagrams came at once
		return old, socket.Close()
	case old != nil && old.place == Strangers: // its number is another's now
		err = old.socket.Close()
	case old != nil:
		return nil, errors.Join(fmt.Errorf("%w: %s lives at %s", ErrPlace, old.place, home), socket.Close())
	}
	s.homes[home] = p
	s.readers.Add(1)
	go s.serve(p) // ends when the socket is closed, by unplug or close
	return p, err
}

// unplug closes a port.
func (s *udpSwitch) unplug(p *port) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.homes[p.home] != p {
		return nil // the switch is closed
	}
	delete(s.homes, p.home)
	return p.socket.Close()
}

// serve passes on what reaches a port.
func (s *udpSwitch) serve(to *port) {
	defer s.readers.Done()
	buf := make([]byte, payloadMax+1)
	for {
		n, from, err := to.socket.ReadFromUDPAddrPort(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case n > payloadMax: // on Windows with an error
			s.tooLong.Add(1)
			continue
		case err != nil:
			s.refused.Add(1)
			continue
		}
		if sender := s.sender(from); sender != nil {
			s.lines.carry(Link{sender.place, to.place}, buf[:n], func(payload []byte) { s.pass(sender, to, payload) })
		}
	}
}

// pass hands a datagram to its receiver. Where nobody listens it vanishes, as do those that a full socket has no room for.
func (s *udpSwitch) pass(sender, to *port, payload []byte) {
	if _, err := sender.socket.WriteToUDPAddrPort(payload, to.home); err != nil {
		s.refused.Add(1)
		return
	}
	s.passed.Add(1)
}

// listenLoopback opens a socket with large buffers.
func listenLoopback(number uint16) (*net.UDPConn, error) {
	socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, number)))
	if err != nil {
		return nil, err
	}
	_ = socket.SetReadBuffer(bufferBytes) // the system may give less; then bursts are lost earlier
	_ = socket.SetWriteBuffer(bufferBytes)
	return socket, nil
}
