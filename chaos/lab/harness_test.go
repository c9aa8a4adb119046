package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// onEach runs a test on every network that this machine has: all must pass the same.
func onEach(t *testing.T, test func(t *testing.T, l *Lab)) {
	for _, network := range []struct {
		name string
		open func() (*Lab, error)
	}{{"namespaces", NewNamespaced}, {"switch", NewSwitched}} {
		t.Run(network.name, func(t *testing.T) {
			l, err := network.open()
			if errors.Is(err, ErrUnsupported) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { must(t, l.Close()) })
			test(t, l)
		})
	}
}

// host is a place with a socket where a node would listen.
type host struct {
	*Place
	socket net.PacketConn
}

func hosts(t *testing.T, l *Lab, names ...string) []*host {
	t.Helper()
	var all []*host
	for _, name := range names {
		p, err := l.Add(name)
		must(t, err)
		socket, err := p.Open(p.Listen())
		must(t, err)
		all = append(all, withSocket(t, p, socket))
	}
	return all
}

func withSocket(t *testing.T, p *Place, socket net.PacketConn) *host {
	t.Helper()
	t.Cleanup(func() { socket.Close() })
	must(t, socket.(interface{ SetReadBuffer(int) error }).SetReadBuffer(4<<20))
	return &host{p, socket}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// send sends numbered datagrams to where others see a place.
func (h *host) send(t *testing.T, to *host, count int) {
	t.Helper()
	addr := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(to.Addr()))
	for i := range count {
		if _, err := h.socket.WriteTo(fmt.Append(nil, i), addr); err != nil {
			t.Fatalf("%s sends to %s: %v, want that no sender ever sees a fault", h.Name(), to.Name(), err)
		}
	}
}

// patience is how long a test waits for what should come.
const patience = 5 * time.Second

// receive reads until that many datagrams have come or none comes for a while.
func (h *host) receive(t *testing.T, atMost int, wait time.Duration) (texts []string, from net.Addr) {
	t.Helper()
	b := make([]byte, 2048)
	for len(texts) < atMost {
		must(t, h.socket.SetReadDeadline(time.Now().Add(wait)))
		n, sender, err := h.socket.ReadFrom(b)
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			break
		}
		must(t, err)
		texts, from = append(texts, string(b[:n])), sender
	}
	return texts, from
}

// wantOpen requires that a datagram goes from one place to another and, to where it seemed to come from, back.
func wantOpen(t *testing.T, a, b *host) {
	t.Helper()
	a.send(t, b, 1)
	got, from := b.receive(t, 1, patience)
	if len(got) != 1 {
		t.Fatalf("nothing gets from %s to %s", a.Name(), b.Name())
	}
	_, err := b.socket.WriteTo([]byte("back"), from)
	must(t, err)
	if got, _ := a.receive(t, 1, patience); !slices.Equal(got, []string{"back"}) {
		t.Fatalf("what gets from %s to %s is answered with %q", a.Name(), b.Name(), got)
	}
}

// wantDropped requires that a fault drops all that one place sends to another, and counts it.
func wantDropped(t *testing.T, f *Fault, a, b *host) {
	t.Helper()
	const count = 10
	before := bitten(t, f)
	a.send(t, b, count)
	awaitBitten(t, f, before+count)
	if got, _ := b.receive(t, 1, 20*time.Millisecond); len(got) > 0 {
		t.Errorf("%q got from %s to %s", got, a.Name(), b.Name())
	}
	if got := bitten(t, f) - before; got != count {
		t.Errorf("%d packets bitten from %s to %s, want %d", got, a.Name(), b.Name(), count)
	}
}

func bitten(t *testing.T, f *Fault) uint64 {
	t.Helper()
	n, err := f.Bitten()
	must(t, err)
	return n
}

func awaitBitten(t *testing.T, f *Fault, want uint64) {
	t.Helper()
	await(t, fmt.Sprintf("%d packets bitten by %s", want, f.Damage().Kind), func() bool { return bitten(t, f) >= want })
}

// await looks again and again until it is so.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for until := time.Now().Add(patience); !done(); <-tick.C {
		if time.Now().After(until) {
			t.Fatalf("waited %v for this: %s", patience, what)
		}
	}
}

func begin(t *testing.T, l *Lab, d Damage) *Fault {
	t.Helper()
	f, err := l.Begin(d)
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	must(t, err)
	return f
}
