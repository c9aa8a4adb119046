package lab

import (
	"errors"
	"net/netip"
	"time"
)

// sender is the port that a datagram's source is seen at by others; nil drops the datagram.
func (s *udpSwitch) sender(home netip.AddrPort) *port {
	s.mu.Lock()
	p := s.homes[home]
	if p != nil && p.place == Strangers {
		p.seen = time.Now()
	}
	s.mu.Unlock()
	if p != nil {
		return p
	}
	p, err := s.welcome(home)
	if err != nil {
		s.refused.Add(1)
		return nil
	}
	return p
}

// welcome gives a stranger a port.
func (s *udpSwitch) welcome(home netip.AddrPort) (*port, error) {
	if err := s.forgetStrangers(); err != nil {
		return nil, err
	}
	return s.plug(Strangers, home)
}

// forgetStrangers closes the ports of strangers that have been idle long enough. ErrFull: there is no room for another.
func (s *udpSwitch) forgetStrangers() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	left := 0
	for home, p := range s.homes {
		switch {
		case p.place != Strangers:
		case time.Since(p.seen) > strangersIdle:
			delete(s.homes, home)
			errs = append(errs, p.socket.Close())
		default:
			left++
		}
	}
	if left >= strangersMax {
		errs = append(errs, ErrFull)
	}
	return errors.Join(errs...)
}
