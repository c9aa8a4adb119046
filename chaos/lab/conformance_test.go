package lab

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

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
		h[0].send(t, h[0], 1)
		if got, _ := h[0].receive(t, 1, patience); len(got) != 1 {
			t.Error("a place does not reach itself while its cord is out")
		}
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
		h[0].send(t, h[2], 1)
		if got, _ := h[2].receive(t, 2, 20*time.Millisecond); len(got) != 1 {
			t.Errorf("%d packets arrived where no fault is, want one", len(got))
		}
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

func TestWhatADelayHoldsArrivesAfterItHasEnded(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b")
		slow := begin(t, l, Damage{Kind: Delay, Links: Both("a", "b"), Delay: 30 * time.Millisecond})
		h[0].send(t, h[1], 5)
		awaitBitten(t, slow, 5)
		must(t, slow.End())
		if got, _ := h[1].receive(t, 5, patience); len(got) != 5 {
			t.Errorf("%d of 5 packets arrived", len(got))
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
		if got, _ := h[1].receive(t, 1, 60*time.Millisecond); len(got) > 0 {
			t.Errorf("%q arrived by a cord that is out", got)
		}
		wantDropped(t, pulled, h[1], h[0]) // what was held has been dropped by now
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

// As many links as twenty hosts have: more rules than a kernel answers at a time.
func TestAFaultOfManyLinksBeginsAndEndsWhole(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		var names []string
		for i := range 20 {
			names = append(names, fmt.Sprintf("h%d", i))
		}
		h := hosts(t, l, names...)
		f, err := l.Begin(Damage{Kind: Loss, Share: 1, Links: Between(names[:10], names[10:], false)})
		must(t, err)
		wantDropped(t, f, h[0], h[19])
		wantOpen(t, h[0], h[9])
		must(t, f.End())
		wantOpen(t, h[0], h[19])
	})
}
