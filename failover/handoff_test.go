package failover_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/ring"
)

// TestSlotsMoveHome lets a fourth node join and a dead one return, under load: slots come home a few at a time, no
// counter waits long for it, and nothing is lost.
func TestSlotsMoveHome(t *testing.T) {
	for seed := range runs(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, worldConfig{seed: seed, nodes: 4, slots: 64, backups: 1 + int(seed%2), expect: 3})
			w.kill("n4", time.Millisecond)
			w.settled(8 * time.Second)
			l := w.load(40, 0, 0)
			w.run(time.Second)
			w.restart("n4")
			w.home(40 * time.Second)
			for _, c := range l.counters {
				if c.slow > 60*time.Millisecond {
					t.Errorf("%s waited %v for a move", c.id, c.slow)
				}
			}
			w.kill("n2", time.Second)
			w.run(2 * time.Second)
			w.settled(5 * time.Second)
			w.restart("n2")
			w.home(60 * time.Second)
			w.finish(l)
			if w.counts[failover.EventMoved] == 0 || w.counts[failover.EventLost] > 0 {
				t.Errorf("events: %v", w.counts)
			}
		})
	}
}

// TestLocksTravelWithTheirSlots: slots move while their sessions are locked and others wait. Nobody loses a lock.
func TestLocksTravelWithTheirSlots(t *testing.T) {
	w := newWorld(t, worldConfig{seed: 1, nodes: 4, slots: 64, backups: 1, expect: 3, settle: 100 * time.Millisecond})
	w.kill("n4", time.Millisecond)
	w.settled(8 * time.Second)
	l := w.load(0, 0, 0)
	l.lockers = w.lockers(96)
	for _, k := range l.lockers {
		k.steady = true
	}
	w.run(time.Second)
	w.restart("n4")
	w.home(40 * time.Second)
	w.finish(l)
	if w.counts[failover.EventMoved] == 0 || w.counts["lock granted"] < 50 || w.counts["lock lost"] > 0 {
		t.Errorf("events: %v", w.counts)
	}
}

// TestLockOfAConnectionThatIsGone: who asked for a lock while the slot was being handed over, and has gone, does not get it
// afterwards.
func TestLockOfAConnectionThatIsGone(t *testing.T) {
	w := newWorld(t, worldConfig{seed: 1, nodes: 3, slots: 8, backups: 1, expect: 3})
	w.settled(8 * time.Second)
	answer := func(m *replica.Request) (got replica.Status) {
		got = 255
		w.request(w.primaryOf("s"), m, func(r replica.Result) { got = r.Status })
		w.run(100 * time.Millisecond)
		return got
	}
	ask := func(seq, owner uint64) *replica.Request {
		return &replica.Request{Lock: &replica.Lock{
			Key: replica.Key{App: "a", ID: "s"}, Lease: time.Minute, Owner: owner,
			Request: replica.RequestID{Client: 9, Seq: seq}, NotAfter: w.wall() + 10_000,
		}}
	}
	created := answer(&replica.Request{Commit: &replica.Commit{
		Key: replica.Key{App: "a", ID: "s"}, Create: true, NotAfter: w.wall() + 10_000,
	}})
	n, slot := w.nodes[w.primaryOf("s")], replica.SlotOf("s", 8)
	n.core.Pause(slot)
	waits := answer(ask(1, 5))
	w.step(n, func(now replica.Instant, fx *replica.Effects) { n.core.Disown(now, 5, fx) })
	n.core.Resume(slot)
	w.run(100 * time.Millisecond)
	if next := answer(ask(2, 6)); created != replica.StatusOK || waits != 255 || next != replica.StatusOK {
		t.Errorf("the next gets %v (created %v, the first was answered %v)", next, created, waits)
	}
}

// home fails the test unless within the time every slot is settled where the ring wants it.
func (w *world) home(within time.Duration) {
	w.t.Helper()
	w.settled(within)
	deadline := w.now + within
	for {
		why := w.away()
		if why == "" {
			return
		}
		if w.now > deadline {
			w.fail("not home: %s", why)
		}
		w.run(100 * time.Millisecond)
	}
}

func (w *world) away() string {
	var members []ring.Member
	for _, name := range w.up() {
		if !w.nodes[name].self.Draining {
			members = append(members, ring.Member{Name: name})
		}
	}
	table := w.homeOf(members)
	for slot := range uint32(w.cfg.slots) {
		claim := w.nodes[w.up()[0]].core.Claim(slot)
		home := table.Replicas(int(slot))
		var acting []string
		for _, b := range claim.Replicas() {
			acting = append(acting, w.nameOf(b))
		}
		if acting[0] != home[0] || !slices.Equal(slices.Sorted(slices.Values(acting)), slices.Sorted(slices.Values(home))) {
			return fmt.Sprintf("slot %d is on %v, home is %v; \n%s", slot, acting, home, w.describe(slot))
		}
	}
	return w.unsettled()
}
