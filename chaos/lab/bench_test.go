package lab

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// ways are the ways from place to place, and loopback without any between.
func ways(b *testing.B, run func(b *testing.B, from, to net.PacketConn, addr netip.AddrPort)) {
	open := map[string]func() (*Lab, error){"switch": NewSwitched, "namespaces": NewNamespaced, "detour": NewNamespaced}
	for _, name := range []string{"switch", "namespaces", "detour"} {
		b.Run(name, func(b *testing.B) {
			l, err := open[name]()
			if err != nil {
				b.Skip(err)
			}
			defer l.Close()
			from, to, addr := pair(b, l)
			if name == "detour" {
				if _, err := l.Delay(All("from"), 1, 0); err != nil {
					b.Fatal(err)
				}
			}
			run(b, from, to, addr)
		})
	}
	b.Run("loopback", func(b *testing.B) {
		from, to := socket(b), socket(b)
		run(b, from, to, addrPort(to))
	})
}

func pair(b *testing.B, l *Lab) (from, to net.PacketConn, addr netip.AddrPort) {
	for _, name := range []string{"from", "to"} {
		p, err := l.Add(name)
		if err != nil {
			b.Fatal(err)
		}
		s, err := p.Open(p.Listen())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() })
		from, to, addr = to, s, netip.MustParseAddrPort(p.Addr())
	}
	return from, to, addr
}

func socket(b *testing.B) *net.UDPConn {
	s, err := listenLoopback(0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// BenchmarkRoundTrip is there and back, one packet of 100 bytes at a time.
func BenchmarkRoundTrip(b *testing.B) {
	ways(b, func(b *testing.B, from, to net.PacketConn, addr netip.AddrPort) {
		buf, back := make([]byte, 100), make([]byte, 100)
		there := net.UDPAddrFromAddrPort(addr)
		for b.Loop() {
			if _, err := from.WriteTo(buf, there); err != nil {
				b.Fatal(err)
			}
			_, sender, err := to.ReadFrom(back)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := to.WriteTo(back, sender); err != nil {
				b.Fatal(err)
			}
			if _, _, err := from.ReadFrom(back); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkForward is packets of 1,200 bytes one way, 256 of them on their way.
func BenchmarkForward(b *testing.B) {
	ways(b, func(b *testing.B, from, to net.PacketConn, addr netip.AddrPort) {
		room := make(chan struct{}, 256)
		go func() { // ends when its socket is closed
			buf := make([]byte, 2048)
			for {
				if _, _, err := to.ReadFrom(buf); err != nil {
					return
				}
				<-room
			}
		}()
		packet, there, began, sent := make([]byte, 1200), net.UDPAddrFromAddrPort(addr), time.Now(), 0
		for b.Loop() {
			room <- struct{}{}
			if _, err := from.WriteTo(packet, there); err != nil {
				b.Fatal(err)
			}
			sent++
		}
		b.ReportMetric(float64(sent)/time.Since(began).Seconds(), "packets/s")
	})
}
