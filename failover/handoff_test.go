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
// afterwards; what it gave back is free.
func TestLockOfAConnectionThatIsGone(t *testing.T) {
	w := newWorld(t, worldConfig{seed: 1, nodes: 3, slots: 8, backups: 1, expect: 3})
	w.settled(8 * time.Second)
	name, slot, key := w.primaryOf("s"), replica.SlotOf("s", 8), replica.Key{App: "a", ID: "s"}
	n := w.nodes[name]
	const unanswered replica.Status = 255
	send := func(m *replica.Request) *replica.Result {
		got := &replica.Result{Status: unanswered}
		w.request(name, m, func(r replica.Result) { *got = r })
		w.run(100 * time.Millisecond)
		return got
	}
	ask := func(owner uint64) *replica.Result {
		return send(&replica.Request{Lock: &replica.Lock{
			Key: key, Lease: time.Minute, Owner: owner, Request: replica.RequestID{Client: 9, Seq: owner}, NotAfter: w.wall() + 10_000,
		}})
	}
	whilePaused := func(owner uint64, do func() *replica.Result) {
		n.core.Pause(slot)
		if got := do(); got.Status != unanswered {
			t.Errorf("%d was answered %v while the slot serves nothing", owner, got.Err())
		}
		w.step(n, func(now replica.Instant, fx *replica.Effects) { n.core.Disown(now, owner, fx) })
		n.core.Resume(slot)
		w.run(100 * time.Millisecond)
	}
	send(&replica.Request{Commit: &replica.Commit{Key: key, Create: true, NotAfter: w.wall() + 10_000}})
	whilePaused(5, func() *replica.Result { return ask(5) })
	next := ask(6)
	if next.Status != replica.StatusOK {
		t.Errorf("after one who asked and went: %v", next.Err())
	}
	whilePaused(7, func() *replica.Result {
		return send(&replica.Request{Lock: &replica.Lock{Key: key, Held: next.Stamp, Release: true, Owner: 7}})
	})
	if last := ask(8); last.Status != replica.StatusOK {
		t.Errorf("after one who released and went: %v", last.Err())
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
