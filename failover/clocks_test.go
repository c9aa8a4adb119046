package failover_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/ring"
)

func TestMostAgree(t *testing.T) {
	ms := func(all ...int) (clocks []time.Duration) {
		for _, d := range all {
			clocks = append(clocks, time.Duration(d)*time.Millisecond)
		}
		return clocks
	}
	for _, c := range []struct {
		clocks []time.Duration // one's own is zero: by how much it is ahead of each
		ahead  time.Duration
		agreed bool
	}{
		{ms(0), 0, false},
		{ms(0, 8000), 8 * time.Second, false},
		{ms(0, -8000), -8 * time.Second, false},
		{ms(0, 8000, 8100), 8 * time.Second, true},
		{ms(0, -8000, -8100), -8 * time.Second, true},
		{ms(0, 8000, 100), 100 * time.Millisecond, true}, // the other is wrong
		{ms(0, 8000, -9000), -9 * time.Second, false},    // all three differ
		{ms(0, 8000, 8000, 0), 8 * time.Second, false},   // two against two
		{ms(0, 8000, 8000, 8000, 70000), 8 * time.Second, true},
		{ms(0, 0, 8000, 8000, 70000), 70 * time.Second, false},
		{ms(0, 400, 800), 400 * time.Millisecond, true},
	} {
		ahead, agreed := failover.MostAgree(c.clocks, 500*time.Millisecond)
		if ahead != c.ahead || agreed != c.agreed {
			t.Errorf("%v: got %v, %v, want %v, %v", c.clocks, ahead, agreed, c.ahead, c.agreed)
		}
	}
}

// timed is one core, of three nodes a, b and c, whose heartbeats the test answers.
type timed struct {
	t    *testing.T
	core *failover.Core
	now  replica.Instant
	fx   replica.Effects
	wall func() // before each tick
}

func newTimed(t *testing.T) *timed {
	r := &timed{t: t, now: replica.Instant{Mono: time.Hour, Wall: 1_000_000}}
	r.core = failover.New(failover.Config{
		Self: replica.Member{Boot: 1, Name: "a", Addr: "a"}, Slots: 4, Random: rand.New(rand.NewPCG(1, 1)),
	}, r.now)
	r.core.SetMembers(r.now, []replica.Member{{Boot: 2, Name: "b", Addr: "b"}, {Boot: 3, Name: "c", Addr: "c"}})
	home, err := ring.Compute(ring.Config{Slots: 4}, []ring.Member{{Name: "a"}, {Name: "b"}, {Name: "c"}})
	if err != nil {
		t.Fatal(err)
	}
	r.core.SetHome(home)
	r.core.Belong(r.now, 7)
	return r
}

// pass lets time pass, a tick each ten milliseconds.
func (r *timed) pass(d time.Duration) {
	for end := r.now.Mono + d; r.now.Mono < end; {
		r.now.Mono += 10 * time.Millisecond
		r.now.Wall += 10
		if r.wall != nil {
			r.wall()
		}
		r.core.Tick(r.now, &r.fx)
		r.fx.Reset()
	}
}

// answer has b and c answer a heartbeat that was sent trip ago, their clocks off by so much.
func (r *timed) answer(trip time.Duration, off int64) {
	for b := replica.Boot(2); b <= 3; b++ {
		r.core.Receive(r.now, b, &replica.HeartbeatReply{Sent: r.now.Mono - trip, Wall: r.now.Wall + off}, &r.fx)
	}
	r.fx.Reset()
}

func (r *timed) wants(state failover.ClockState, ahead time.Duration) {
	r.t.Helper()
	if s, a := r.core.ClockState(); s != state || a != ahead {
		r.t.Errorf("clock is in state %d, %v ahead, want %d, %v", s, a, state, ahead)
	}
}

// TestClockReadings: half the round trip is added, the shortest of late counts, and what says too little does not.
func TestClockReadings(t *testing.T) {
	r := newTimed(t)
	r.answer(20*time.Millisecond, -10)
	r.pass(100 * time.Millisecond)
	r.wants(failover.ClockRight, 0)
	r.answer(200*time.Millisecond, 40) // the answer lay about: its trip is longer
	r.pass(100 * time.Millisecond)
	r.wants(failover.ClockRight, 0)
	r.pass(400 * time.Millisecond)
	r.answer(200*time.Millisecond, 40) // the better one is old by now
	r.pass(100 * time.Millisecond)
	r.wants(failover.ClockRight, -140*time.Millisecond)
	r.answer(0, 0)
	r.pass(100 * time.Millisecond)
	r.wants(failover.ClockRight, 0)
	r.pass(600 * time.Millisecond)
	r.answer(400*time.Millisecond, -3000) // no lease could have come of it
	r.pass(100 * time.Millisecond)
	r.wants(failover.ClockRight, 0)
	r.answer(-time.Second, -3000)
	r.pass(100 * time.Millisecond)
	r.wants(failover.ClockRight, 0)
}

// TestClockOfOldVersions: who does not say what time it is has no voice.
func TestClockOfOldVersions(t *testing.T) {
	r := newTimed(t)
	r.wall = func() {
		r.core.Receive(r.now, 2, &replica.HeartbeatReply{Sent: r.now.Mono, Wall: r.now.Wall - 8000}, &r.fx)
		r.core.Receive(r.now, 3, &replica.HeartbeatReply{Sent: r.now.Mono}, &r.fx)
	}
	r.pass(2 * time.Second)
	r.wants(failover.ClockDisputed, 8*time.Second)
}

// TestClockSetMeanwhile: readings hold against the steady clock. When this node's own time of day is set, the next look
// sees it, whatever the peers last said.
func TestClockSetMeanwhile(t *testing.T) {
	r := newTimed(t)
	r.answer(0, 0)
	r.pass(100 * time.Millisecond)
	r.now.Wall += 8000
	r.pass(100 * time.Millisecond)
	r.wants(failover.ClockRight, 8*time.Second) // not for long enough yet
}

// TestClockHysteresis: a clock is off when it was so for half a second, and right again below half of what is allowed.
func TestClockHysteresis(t *testing.T) {
	r := newTimed(t)
	off := int64(0)
	r.wall = func() { r.answer(0, off) }
	for _, step := range []struct {
		off   int64
		after time.Duration
		want  failover.ClockState
	}{
		{0, time.Second, failover.ClockRight},
		{-490, 2 * time.Second, failover.ClockRight},
		{-510, 400 * time.Millisecond, failover.ClockRight},
		{0, 2 * time.Second, failover.ClockRight}, // it was so for a moment only
		{-510, 400 * time.Millisecond, failover.ClockRight},
		{-510, 300 * time.Millisecond, failover.ClockOff},
		{-300, 2 * time.Second, failover.ClockOff},
		{-240, 400 * time.Millisecond, failover.ClockOff},
		{-240, 300 * time.Millisecond, failover.ClockRight},
		{-300, 2 * time.Second, failover.ClockRight},
		{9000, time.Second, failover.ClockOff},
	} {
		off = step.off
		r.pass(step.after)
		if s, ahead := r.core.ClockState(); s != step.want {
			t.Errorf("others are %d ms ahead, after %v: state %d, want %d (%v)", step.off, step.after, s, step.want, ahead)
		}
	}
	if ready, why := r.core.Ready(r.now); ready || why != "its clock is off: check NTP" {
		t.Errorf("ready %v: %q", ready, why)
	}
}

// TestClockStaysOff: a node whose clock is off and that has one other left to compare with leads nothing still, as the other
// does not know better; alone it goes on.
func TestClockStaysOff(t *testing.T) {
	r := newTimed(t)
	r.wall = func() { r.answer(0, -8000) }
	r.pass(time.Second)
	r.core.SetMembers(r.now, []replica.Member{{Boot: 2, Name: "b", Addr: "b"}})
	r.pass(2 * time.Second)
	r.wants(failover.ClockOff, 8*time.Second)
	r.core.SetMembers(r.now, nil)
	r.pass(time.Second)
	r.wants(failover.ClockRight, 0)
}

// leads counts the slots that a node serves.
func (w *world) leads(name string) int {
	n := 0
	for slot := range uint32(w.cfg.slots) {
		if w.nodes[name].core.Role(slot) == replica.Primary {
			n++
		}
	}
	return n
}

// TestClockOff: a node whose clock is off hands its slots over at once, to backups that are there: nothing is copied, no
// slot is short of a copy meanwhile, and nobody waits long. When it is right they come back, after the time to settle.
func TestClockOff(t *testing.T) {
	for _, backups := range []int{1, 2} {
		for _, skew := range []time.Duration{900 * time.Millisecond, -900 * time.Millisecond} { // deadlines are further away
			t.Run(fmt.Sprint(backups, skew), func(t *testing.T) {
				w := formed(t, worldConfig{
					seed: 1, nodes: 3, slots: 64, backups: backups, expect: 3, settle: 3 * time.Second,
				})
				l := w.load(12, 4, 2)
				w.run(5 * time.Second)
				w.full = 1 + backups
				led, copied := w.leads("n2"), w.counts[failover.EventRestored]
				w.nodes["n2"].skew += skew
				w.run(1500 * time.Millisecond)
				if n := w.leads("n2"); n != 0 || led == 0 {
					t.Errorf("n2 leads %d slots of %d", n, led)
				}
				for _, name := range w.names {
					if state, _ := w.nodes[name].core.ClockState(); (state == failover.ClockOff) != (name == "n2") {
						t.Errorf("the clock of %s is in state %d", name, state)
					}
				}
				w.run(10 * time.Second)
				if n := w.leads("n2"); n != 0 {
					t.Errorf("n2 leads %d slots again", n)
				}
				w.nodes["n2"].skew -= skew
				w.run(2500 * time.Millisecond)
				if n := w.leads("n2"); n != 0 {
					t.Errorf("n2 leads %d slots before it is settled", n)
				}
				w.run(5 * time.Second)
				if n := w.leads("n2"); n != led {
					t.Errorf("n2 leads %d slots again, want %d", n, led)
				}
				if n := w.counts[failover.EventRestored]; n != copied {
					t.Errorf("%d copies were made", n-copied)
				}
				if n := w.counts[failover.EventClockOff]; n != 1 || w.counts[failover.EventClockRight] != 1 {
					t.Errorf("events: %v", w.counts)
				}
				w.full = 0
				w.finish(l)
				for _, c := range l.counters {
					if c.slow > 100*time.Millisecond {
						t.Errorf("%s waited %v", c.id, c.slow)
					}
				}
			})
		}
	}
}

// TestTwoClocksOff: two of five. Also the slots whose home is on these two alone get another primary, with a copy first.
func TestTwoClocksOff(t *testing.T) {
	for backups := range 3 {
		w := formed(t, worldConfig{seed: 1, nodes: 5, slots: 64, backups: backups, expect: 5, settle: 3 * time.Second})
		l := w.load(12, 4, 2)
		w.run(5 * time.Second)
		w.full = 1 + backups
		led := w.leads("n2")
		w.nodes["n2"].skew, w.nodes["n4"].skew = 900*time.Millisecond, 900*time.Millisecond
		w.run(4 * time.Second)
		for _, name := range []string{"n2", "n4"} {
			if n := w.leads(name); n != 0 {
				t.Errorf("%d backups: %s leads %d slots", backups, name, n)
			}
		}
		w.nodes["n2"].skew, w.nodes["n4"].skew = 0, 0
		w.run(2 * time.Second)
		w.idle(20 * time.Second)
		if n := w.leads("n2"); n != led {
			t.Errorf("%d backups: n2 leads %d slots again, want %d", backups, n, led)
		}
		w.full = 0
		w.finish(l)
	}
}

// TestClockOffAmongOldVersions: the others do not understand that the clock of n2 is off, and offer slots that they take to
// be at home there. It takes none.
func TestClockOffAmongOldVersions(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 3, slots: 32, backups: 1, expect: 3, settle: 300 * time.Millisecond})
	offers := 0
	w.net.spy = func(_, to *simNode, m replica.Message) {
		switch m := m.(type) {
		case *replica.Heartbeat:
			m.ClockOff = false
		case *replica.HandOff:
			if to.name == "n2" {
				offers++
			}
		}
	}
	w.watch = func(n *simNode, e replica.Event) {
		if e.Kind == failover.EventMoved && n.name == "n2" {
			w.fail("n2 takes slot %d", e.Slot)
		}
	}
	w.nodes["n2"].skew = 900 * time.Millisecond
	w.run(3 * time.Second)
	if n := w.leads("n2"); offers == 0 || n > 0 {
		t.Errorf("n2 leads %d slots and was offered %d", n, offers)
	}
}

// TestClocksOfTwo: neither can know who is wrong. Both say so, and both go on.
func TestClocksOfTwo(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 2, slots: 32, backups: 1, expect: 2})
	before := w.leads("n1")
	w.nodes["n2"].skew = 8 * time.Second
	w.run(3 * time.Second)
	for _, name := range w.names {
		if state, ahead := w.nodes[name].core.ClockState(); state != failover.ClockDisputed || ahead.Abs() < 7*time.Second {
			t.Errorf("the clock of %s is in state %d, %v ahead", name, state, ahead)
		}
		if ready, why := w.nodes[name].core.Ready(w.nodes[name].instant(w.now)); !ready {
			t.Errorf("%s is not ready: %s", name, why)
		}
	}
	if n := w.leads("n1"); n != before || n == 0 {
		t.Errorf("n1 leads %d slots, %d before", n, before)
	}
}

// TestPromotedWithClockOff: a primary dies whose only backup has a wrong clock. It takes over, and then hands over.
func TestPromotedWithClockOff(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 4, slots: 32, backups: 1, expect: 4})
	w.nodes["n2"].skew = 8 * time.Second
	w.run(2 * time.Second)
	w.kill("n1", time.Second)
	w.run(6 * time.Second)
	w.settled(time.Second)
	if n := w.leads("n2"); n != 0 {
		t.Errorf("n2 leads %d slots", n)
	}
}

// TestClockOffHandsOverFirst: slots whose copies are not at home yet, and take long to get there, are handed over all the same.
func TestClockOffHandsOverFirst(t *testing.T) {
	w := formed(t, worldConfig{
		seed: 1, nodes: 4, slots: 32, backups: 2, expect: 4, settle: 20 * time.Second, budget: 32 << 10,
	})
	w.fill(60, 4<<10)
	w.run(time.Second)
	w.kill("n3", time.Second)
	w.run(20 * time.Second)
	w.restart("n3")
	w.run(2 * time.Second)
	w.settled(time.Second)
	w.full = 3
	w.nodes["n2"].skew = 900 * time.Millisecond
	w.run(1500 * time.Millisecond)
	if n := w.leads("n2"); n != 0 {
		t.Errorf("n2 leads %d slots", n)
	}
}
