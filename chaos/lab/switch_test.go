package lab

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

func switched(t *testing.T) (*Lab, *udpSwitch) {
	t.Helper()
	l, err := NewSwitched()
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	return l, l.medium.(*udpSwitch)
}

// ports counts the ports of a switch.
func (s *udpSwitch) ports() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.homes)
}

func (s *udpSwitch) portOf(home netip.AddrPort) *port {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.homes[home]
}

// stranger is a socket that the lab did not open.
func stranger(t *testing.T) *host {
	t.Helper()
	socket, err := listenLoopback(0)
	must(t, err)
	return withSocket(t, &Place{name: Strangers}, socket)
}

func TestStrangersAreAnsweredAndCanBeCut(t *testing.T) {
	l, s := switched(t)
	a := hosts(t, l, "a")[0]
	x, y := stranger(t), stranger(t)
	wantOpen(t, x, a)
	wantOpen(t, y, a)
	wantOpen(t, x, a)
	if n := s.ports(); n != 3 {
		t.Errorf("%d ports for a place and two strangers", n)
	}
	f, err := l.Cut([]string{Strangers}, []string{"a"}, false)
	must(t, err)
	wantDropped(t, f, x, a)
}

func TestStrangersAreForgottenWhenIdleAndRefusedWhenTooMany(t *testing.T) {
	l, s := switched(t)
	a := hosts(t, l, "a")[0]
	x := stranger(t)
	wantOpen(t, x, a)
	old := s.portOf(addrPort(x.socket.(*net.UDPConn)))
	s.mu.Lock()
	old.seen = old.seen.Add(-strangersIdle - time.Second)
	s.mu.Unlock()
	wantOpen(t, stranger(t), a)
	if n := s.ports(); n != 2 || s.portOf(old.home) != nil {
		t.Errorf("%d ports for a place and a stranger, after one was idle", n)
	}
	for range strangersMax - 1 {
		wantOpen(t, stranger(t), a)
	}
	stranger(t).send(t, a, 1)
	await(t, "a stranger too many is refused", func() bool { return l.Traffic().Refused == 1 })
}

func TestASocketTakesItsPortAlong(t *testing.T) {
	l, s := switched(t)
	a, err := l.Add("a")
	must(t, err)
	before := s.ports()
	for range 3 {
		socket, err := a.Open("")
		must(t, err)
		if n := s.ports() - before; n != 1 || s.opened != 1 {
			t.Errorf("%d ports and %d sockets with one open", n, s.opened)
		}
		must(t, socket.Close())
		if err := socket.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed again: %v", err)
		}
	}
	if n := s.ports() - before; n != 0 || s.opened != 0 {
		t.Errorf("%d ports and %d sockets left", n, s.opened)
	}
}

func TestANumberThatAStrangerHadIsFreeForTheNextSocket(t *testing.T) {
	l, s := switched(t)
	a := hosts(t, l, "a")[0]
	x := stranger(t)
	wantOpen(t, x, a)
	home := addrPort(x.socket.(*net.UDPConn))
	old := s.portOf(home)
	p, err := s.plug("clients", home)
	must(t, err)
	if s.portOf(home) != p || p == old {
		t.Error("the stranger keeps the number")
	}
	if _, err := s.plug("others", home); !errors.Is(err, ErrPlace) {
		t.Errorf("a number that a socket of the lab has: %v", err)
	}
}

func TestDatagramsThatNoNetworkTakesAreDropped(t *testing.T) {
	l, _ := switched(t)
	h := hosts(t, l, "a", "b")
	to, err := net.ResolveUDPAddr("udp4", h[1].Addr())
	must(t, err)
	for _, size := range []int{payloadMax, payloadMax + 1, 9000} {
		_, err := h[0].socket.WriteTo(make([]byte, size), to)
		must(t, err)
	}
	await(t, "two are too long", func() bool { return l.Traffic().TooLong == 2 })
	if got, _ := h[1].receive(t, 2, 20*time.Millisecond); len(got) != 1 || len(got[0]) != payloadMax {
		t.Errorf("%d datagrams arrived, want the one of %d bytes", len(got), payloadMax)
	}
}
