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

func TestPlacesReachEachOtherAtTheirAddresses(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b", "c")
		for i, a := range h {
			for _, b := range h[i+1:] {
				wantOpen(t, a, b)
				a.send(t, b, 1)
				if _, from := b.receive(t, 1, patience); from.String() != a.Addr() {
					t.Errorf("%s is seen at %s, and advertises %s", a.Name(), from, a.Addr())
				}
			}
		}
		h[0].send(t, h[0], 1)
		if got, from := h[0].receive(t, 1, patience); len(got) != 1 || from.String() != h[0].Addr() {
			t.Errorf("a place sees itself as %v: %q", from, got)
		}
	})
}

func TestClientsReachPlacesFromTheirOwn(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		a := hosts(t, l, "a")[0]
		place, err := l.Add("clients")
		must(t, err)
		var clients []*host
		for range 2 {
			socket, err := place.Open("")
			must(t, err)
			clients = append(clients, withSocket(t, place, socket))
		}
		for _, c := range clients {
			wantOpen(t, c, a)
		}
		f, err := l.Cut([]string{"clients"}, []string{"a"}, false)
		must(t, err)
		for _, c := range clients {
			wantDropped(t, f, c, a)
		}
		if _, err := place.Open("192.0.2.1:1"); !errors.Is(err, ErrPlace) {
			t.Errorf("a socket at an address of elsewhere: %v", err)
		}
	})
}

func TestACutStopsBothWaysAndNothingElse(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b", "c")
		f, err := l.Cut([]string{"a"}, []string{"b", "c"}, false)
		must(t, err)
		for _, other := range h[1:] {
			wantDropped(t, f, h[0], other)
			wantDropped(t, f, other, h[0])
		}
		wantOpen(t, h[1], h[2])
		bites, err := f.Bites()
		must(t, err)
		want := []Link{{"a", "b"}, {"b", "a"}, {"a", "c"}, {"c", "a"}}
		if !slices.EqualFunc(bites, want, func(b Bite, l Link) bool { return b.Link == l && b.Packets == 10 }) {
			t.Errorf("bites %v, want ten on each of %v", bites, want)
		}
		must(t, f.End())
		wantOpen(t, h[0], h[1])
		wantOpen(t, h[2], h[0])
		if got := bitten(t, f); got != 40 {
			t.Errorf("a fault that has ended bit %d packets, want the 40 that it had", got)
		}
		must(t, f.End())
	})
}

func TestAOneWayCutLeavesTheWayBack(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b")
		f, err := l.Cut([]string{"a"}, []string{"b"}, true)
		must(t, err)
		wantDropped(t, f, h[0], h[1])
		h[1].send(t, h[0], 1)
		if got, _ := h[0].receive(t, 1, patience); len(got) != 1 {
			t.Error("the way back is cut as well")
		}
	})
}

func TestAPulledCordIsSilentUntilPlugged(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b", "c")
		first, err := l.Pull("a")
		must(t, err)
		wantDropped(t, first, h[0], h[1])
		wantDropped(t, first, h[1], h[0])
		wantOpen(t, h[1], h[2])
		second, err := l.Pull("a")
		must(t, err)
		must(t, first.End())
		wantDropped(t, second, h[0], h[1])
		must(t, l.Plug("a"))
		wantOpen(t, h[0], h[1])
		if got := bitten(t, first); got != 20 {
			t.Errorf("%d packets bitten, want 20", got)
		}
	})
}

func TestLossTakesItsShare(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b", "c")
		wantOpen(t, h[0], h[1])
		const count, share = 2000, 0.3
		f, err := l.Loss(append(All("a"), Link{Any, "b"}), share) // two of which cover the way from a to b: once is enough
		must(t, err)
		h[0].send(t, h[1], count)
		arrived, _ := h[1].receive(t, count, 200*time.Millisecond)
		if got := bitten(t, f); got != count-uint64(len(arrived)) {
			t.Errorf("%d of %d packets arrived, and %d were bitten", len(arrived), count, got)
		}
		if lost := count - len(arrived); lost < 500 || lost > 700 { // five standard deviations
			t.Errorf("%d of %d packets lost, want about %v", lost, count, count*share)
		}
		must(t, l.Heal())
		h[0].send(t, h[1], 100)
		if arrived, _ := h[1].receive(t, 100, patience); len(arrived) != 100 {
			t.Errorf("%d of 100 packets arrived after the heal", len(arrived))
		}
	})
}

func TestEveryPacketCanBeLost(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b")
		wantOpen(t, h[0], h[1])
		f, err := l.Loss(Both("a", "b"), 1)
		must(t, err)
		wantDropped(t, f, h[0], h[1])
		wantDropped(t, f, h[1], h[0])
	})
}

func TestADelayTakesAtLeastSoLong(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b")
		wantOpen(t, h[0], h[1])
		const delay, count = 30 * time.Millisecond, 50
		f := begin(t, l, Damage{Kind: Delay, Links: Both("a", "b"), Delay: delay, Jitter: 20 * time.Millisecond})
		before := time.Now()
		h[0].send(t, h[1], count)
		got, _ := h[1].receive(t, 1, patience)
		if took := time.Since(before); took < delay {
			t.Errorf("a packet took %v, want at least %v", took, delay)
		}
		more, _ := h[1].receive(t, count-1, patience)
		if got = append(got, more...); len(got) != count {
			t.Fatalf("%d of %d packets arrived", len(got), count)
		}
		for i, text := range got {
			if text != fmt.Sprint(i) {
				t.Fatalf("packet %s arrived as number %d: jitter must not reorder", text, i)
			}
		}
		if got := bitten(t, f); got != count {
			t.Errorf("%d packets delayed, want %d", got, count)
		}
		must(t, l.Heal())
		before = time.Now()
		wantOpen(t, h[0], h[1])
		if took := time.Since(before); took > delay {
			t.Errorf("there and back took %v after the heal", took)
		}
	})
}

func TestDuplicatesArriveTwice(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b")
		wantOpen(t, h[0], h[1])
		f := begin(t, l, Damage{Kind: Duplicate, Links: All("a"), Share: 0.5})
		h[0].send(t, h[1], 400)
		got, _ := h[1].receive(t, 801, 100*time.Millisecond)
		if more := len(got) - 400; more < 150 || more > 250 || uint64(more) != bitten(t, f) {
			t.Errorf("%d packets more arrived, and %d were bitten; want about 200", more, bitten(t, f))
		}
	})
}

func TestReorderingLetsLaterPacketsOvertake(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b")
		wantOpen(t, h[0], h[1])
		f := begin(t, l, Damage{Kind: Reorder, Links: Both("a", "b"), Share: 0.2, Delay: 20 * time.Millisecond})
		h[0].send(t, h[1], 200)
		got, _ := h[1].receive(t, 200, patience)
		inOrder := make([]string, 200)
		for i := range inOrder {
			inOrder[i] = fmt.Sprint(i)
		}
		if slices.Equal(got, inOrder) || len(got) != 200 || bitten(t, f) < 10 {
			t.Errorf("%d packets arrived, in order: %v; %d bitten, want about 40", len(got), slices.Equal(got, inOrder), bitten(t, f))
		}
	})
}

func TestALimitMakesPacketsWaitTheirTurn(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b")
		wantOpen(t, h[0], h[1])
		f := begin(t, l, Damage{Kind: Limit, Links: Both("a", "b"), BytesPerSecond: 100}) // the ten digits take 100 ms
		before := time.Now()
		h[0].send(t, h[1], 10)
		if got, _ := h[1].receive(t, 10, patience); len(got) != 10 {
			t.Fatalf("%d packets arrived", len(got))
		}
		if took := time.Since(before); took < 90*time.Millisecond {
			t.Errorf("nine bytes passed in %v, before the tenth: want 90ms at least", took)
		}
		if got := bitten(t, f); got != 9 {
			t.Errorf("%d packets waited, want all but the first", got)
		}
	})
}

func TestFaultsAddUpAndHealTogether(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b", "c")
		_, err := l.Cut([]string{"a"}, []string{"b"}, false)
		must(t, err)
		around, err := l.Begin(Damage{Kind: Cut, Links: All("a")})
		must(t, err)
		must(t, around.End())
		wantOpen(t, h[0], h[2])
		_, err = l.Pull("c")
		must(t, err)
		_, err = l.Loss(All(Any), 1)
		if !errors.Is(err, ErrDamage) {
			t.Errorf("from anywhere to itself: %v", err)
		}
		if got := len(l.Faults()); got != 2 {
			t.Errorf("%d faults hold, want 2", got)
		}
		must(t, l.Heal())
		if got := len(l.Faults()); got != 0 {
			t.Errorf("%d faults hold after the heal", got)
		}
		wantOpen(t, h[0], h[1])
		wantOpen(t, h[2], h[0])
	})
}

// What is under way when the cut begins is stopped too, and so is what comes later, until each has ended.
func TestACutStopsWhatADelayHolds(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b", "c")
		slow := begin(t, l, Damage{Kind: Delay, Links: Both("a", "b"), Delay: 30 * time.Millisecond})
		h[0].send(t, h[1], 5)
		awaitBitten(t, slow, 5)
		cut, err := l.Cut([]string{"a"}, []string{"b"}, false)
		must(t, err)
		awaitBitten(t, cut, 5)
		wantDropped(t, cut, h[1], h[0])
		if got := bitten(t, slow); got != 5 {
			t.Errorf("%d packets delayed, want the 5 that were not cut at once", got)
		}
		wantOpen(t, h[0], h[2])
		must(t, slow.End())
		wantDropped(t, cut, h[0], h[1])
		must(t, cut.End())
		wantOpen(t, h[0], h[1])
	})
}

func TestLossAndDelayOfOneLinkBothBite(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b")
		const count = 400
		lossy, err := l.Loss(Both("a", "b"), 0.5)
		must(t, err)
		slow := begin(t, l, Damage{Kind: Delay, Links: []Link{{Any, "b"}}, Delay: 10 * time.Millisecond})
		h[0].send(t, h[1], count)
		arrived, _ := h[1].receive(t, count, 200*time.Millisecond)
		lost, late := bitten(t, lossy), bitten(t, slow)
		if lost+late != count || late != uint64(len(arrived)) || lost < 150 || lost > 250 {
			t.Errorf("%d packets lost and %d delayed of %d, %d arrived; want each to be one or the other", lost, late, count, len(arrived))
		}
	})
}

func TestAPulledCordStopsWhatADelayHolds(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b")
		slow := begin(t, l, Damage{Kind: Delay, Links: Both("a", "b"), Delay: 30 * time.Millisecond})
		h[0].send(t, h[1], 5)
		awaitBitten(t, slow, 5)
		pulled, err := l.Pull("b")
		must(t, err)
		wantDropped(t, pulled, h[1], h[0])
		if got, _ := h[1].receive(t, 1, 60*time.Millisecond); len(got) > 0 {
			t.Errorf("%q arrived by a cord that is out", got)
		}
		must(t, l.Heal())
		wantOpen(t, h[0], h[1])
	})
}

func TestALaterPlaceIsCoveredByAny(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		a := hosts(t, l, "a")[0]
		f, err := l.Begin(Damage{Kind: Cut, Links: All("a")})
		must(t, err)
		late := hosts(t, l, "late")[0]
		wantDropped(t, f, late, a)
		wantDropped(t, f, a, late)
		must(t, f.End())
		slow := begin(t, l, Damage{Kind: Delay, Links: All("a"), Delay: time.Millisecond})
		wantOpen(t, hosts(t, l, "later")[0], a)
		if got := bitten(t, slow); got != 2 {
			t.Errorf("%d packets delayed there and back, want 2", got)
		}
	})
}

func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		hosts(t, l, "a", "b")
		ab := Both("a", "b")
		for _, tt := range []struct {
			damage Damage
			want   error
		}{
			{Damage{Kind: Cut}, ErrDamage},
			{Damage{Kind: Cut, Links: []Link{{"a", "a"}}}, ErrDamage},
			{Damage{Kind: Cut, Links: append(ab, ab...)}, ErrDamage},
			{Damage{Kind: Cut, Links: Both("a", "x")}, ErrPlace},
			{Damage{Kind: Pull, Links: ab}, ErrDamage},
			{Damage{Kind: Pull, Links: All("x")}, ErrPlace},
			{Damage{Kind: Loss, Links: ab}, ErrDamage},
			{Damage{Kind: Loss, Links: ab, Share: 1.01}, ErrDamage},
			{Damage{Kind: Delay, Links: ab}, ErrDamage},
			{Damage{Kind: Delay, Links: ab, Delay: time.Hour}, ErrDamage},
			{Damage{Kind: Delay, Links: ab, Delay: time.Second, Jitter: -time.Second / 2}, ErrDamage},
			{Damage{Kind: Limit, Links: ab}, ErrDamage},
			{Damage{Kind: "melt", Links: ab}, ErrDamage},
		} {
			if _, err := l.Begin(tt.damage); !errors.Is(err, tt.want) {
				t.Errorf("%+v: %v, want %v", tt.damage, err, tt.want)
			}
		}
		for _, name := range []string{"", "a", "*", "x/y", "../x", "a-name-that-is-longer-than-24"} {
			if _, err := l.Add(name); !errors.Is(err, ErrPlace) {
				t.Errorf("place %q: %v, want ErrPlace", name, err)
			}
		}
	})
}

func TestALabThatIsClosedDoesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b")
		f, err := l.Pull("a")
		must(t, err)
		wantDropped(t, f, h[0], h[1])
		must(t, l.Close())
		if got := bitten(t, f); got != 10 {
			t.Errorf("%d packets bitten, want the 10 from before", got)
		}
		must(t, f.End())
		must(t, l.Close())
		_, added := l.Add("c")
		_, begun := l.Pull("a")
		_, opened := h[0].Open("")
		if !errors.Is(added, ErrClosed) || !errors.Is(begun, ErrClosed) || !errors.Is(opened, ErrClosed) {
			t.Errorf("after Close: %v; %v; %v; want ErrClosed", added, begun, opened)
		}
	})
}
