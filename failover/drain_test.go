package failover_test

import (
	"testing"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
)

// TestDrains: nodes drain under load, one or two at a time. Every slot has all its copies under every claim, nobody waits
// long, and when the nodes are gone nothing is missing and nothing had to be promoted.
func TestDrains(t *testing.T) {
	seeds(t, 4, func(t *testing.T, seed uint64) {
		backups := 1 + int(seed%2)
		w := formed(t, worldConfig{seed: seed, nodes: 5, slots: 64, backups: backups, expect: 5, jumpy: seed%3 == 2})
		l := w.load(30, 6, 4)
		w.run(time.Second)
		w.full = 1 + backups
		leavers := []string{"n2", "n4"}[:1+seed/2%2]
		for _, name := range leavers {
			w.drain(name)
		}
		w.run(100 * time.Millisecond)
		if p := w.progress("n2"); p.Left == 0 {
			t.Errorf("nothing left to drain after 100 ms: %+v", p)
		}
		for _, name := range leavers {
			w.drained(name, 8*time.Second) // no time to settle
			if p := w.progress(name); p.Left != 0 || p.Waiting != "" {
				t.Errorf("%s is drained: %+v", name, p)
			}
		}
		w.settled(time.Second)
		for _, name := range leavers {
			w.depart(name)
		}
		w.run(2 * time.Second)
		w.settled(time.Second)
		w.full = 0
		w.finish(l)
		for _, c := range l.counters {
			if c.slow > 60*time.Millisecond && !w.cfg.jumpy {
				t.Errorf("%s waited %v", c.id, c.slow)
			}
		}
		if n := w.counts[failover.EventPromoted] + w.counts[failover.EventEvicted]; n > 0 && !w.cfg.jumpy {
			t.Errorf("%d promotions and evictions though all went in good order", n)
		}
	})
}

// TestRollingRestart drains and restarts every node in turn, each as a new boot.
func TestRollingRestart(t *testing.T) {
	seeds(t, 2, func(t *testing.T, seed uint64) {
		w := formed(t, worldConfig{seed: seed, nodes: 5, slots: 32, backups: 1 + int(seed%2), expect: 5, jumpy: seed%2 == 1})
		l := w.load(16, 6, 4)
		w.run(time.Second)
		w.full = 1 + w.cfg.backups
		for _, name := range w.names {
			w.drain(name)
			w.drained(name, 8*time.Second)
			w.depart(name)
			w.run(w.upTo(time.Second))
			w.restart(name)
			w.run(w.upTo(time.Second))
			w.settled(settleIn)
		}
		w.full = 0
		w.finish(l)
	})
}

// TestDrainingNodeDies: in the middle of it, at one moment or another.
func TestDrainingNodeDies(t *testing.T) {
	seeds(t, 4, func(t *testing.T, seed uint64) {
		w := formed(t, worldConfig{seed: seed, nodes: 4, slots: 32, backups: 1 + int(seed%2), expect: 4, jumpy: true})
		l := w.load(16, 6, 4)
		w.fill(100, 20<<10)
		w.run(2 * time.Second)
		w.drain("n2")
		n := w.nodes["n2"]
		left := func() int { return n.core.Progress(n.instant(w.now)).Left }
		for most := left()/2 + w.rng.IntN(left()/2); left() > most; {
			w.run(200 * time.Microsecond)
		}
		if n.core.Drained() {
			t.Error("drained too soon to be killed in the middle of it")
		}
		w.kill("n2", time.Second)
		w.run(2 * time.Second)
		w.settled(settleIn)
		w.finish(l)
	})
}

// TestDrainsOfTwo: the other node takes everything, alone.
func TestDrainsOfTwo(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 2, slots: 32, backups: 1, expect: 2})
	l := w.load(12, 3, 2)
	w.run(time.Second)
	w.drain("n1")
	w.run(50 * time.Millisecond)
	w.drained("n1", 5*time.Second)
	w.depart("n1")
	w.run(time.Second)
	w.settled(time.Second)
	w.finish(l)
}

// TestNobodyToTakeIt: who drains alone, or while all others do, is done at once; it still serves.
func TestNobodyToTakeIt(t *testing.T) {
	for nodes := 1; nodes <= 2; nodes++ {
		w := formed(t, worldConfig{seed: 1, nodes: nodes, slots: 8, backups: 1, expect: nodes})
		l := w.load(4, 0, 0)
		w.run(time.Second)
		for _, name := range w.names {
			w.drain(name)
		}
		w.run(100 * time.Millisecond)
		for _, name := range w.names {
			w.drained(name, 0)
			if got, want := w.progress(name).Waiting, "nobody to take a copy"; got != want {
				t.Errorf("%s of %d waits for %q, want %q", name, nodes, got, want)
			}
		}
		for _, c := range l.counters {
			before := c.acked
			if w.run(time.Second); c.acked == before {
				t.Errorf("%s stands still", c.id)
			}
		}
	}
}

// TestDrainingNodeTakesNothing: not though slots lack a copy or their primary; only when everybody else is gone.
func TestDrainingNodeTakesNothing(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 4, slots: 32, backups: 2, expect: 4})
	w.check.strict = false // slots are lost in the end
	w.drain("n3")
	w.run(50 * time.Millisecond)
	w.drained("n3", 5*time.Second)
	holds := func() int {
		n := 0
		for slot := range uint32(32) {
			if w.nodes["n3"].core.Role(slot) != replica.Absent {
				n++
			}
		}
		return n
	}
	w.kill("n2", time.Second)
	w.run(4 * time.Second)
	w.settled(time.Second) // two copies each, on the two that are left
	if n := holds(); n > 0 {
		t.Errorf("n3 drains and took %d slots", n)
	}
	w.kill("n1", time.Second)
	w.run(4 * time.Second)
	if n := holds(); n > 0 {
		t.Errorf("n3 drains and took %d slots while n4 is there", n)
	}
	w.kill("n4", time.Second)
	w.run(5 * time.Second)
	if n := holds(); n != 32 {
		t.Errorf("n3 holds %d slots though nobody else is left, want 32", n)
	}
}

// TestDrainingNodeDeclines: it takes no copies from members to which gossip has not come yet.
func TestDrainingNodeDeclines(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 4, slots: 32, backups: 1, expect: 4})
	n3, asked := w.nodes["n3"], false
	n3.core.Drain()
	w.net.spy = func(_, to *simNode, m replica.Message) {
		s, ok := m.(*replica.Snapshot)
		asked = asked || ok && to == n3 && s.Chunk == 0
	}
	w.watch = func(_ *simNode, e replica.Event) {
		if e.Kind == failover.EventRestored && e.Peer == n3.self.Boot {
			w.fail("n3 drains and takes slot %d", e.Slot)
		}
	}
	w.kill("n2", time.Second)
	w.run(5 * time.Second)
	if !asked {
		t.Error("n3 was sent nothing")
	}
}

// TestDrainingNodeTakesNoHandOff: it begins to drain when slots are about to be handed over to it.
func TestDrainingNodeTakesNoHandOff(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 4, slots: 32, backups: 1, expect: 4, settle: 200 * time.Millisecond})
	w.kill("n3", time.Second)
	w.run(3 * time.Second)
	w.settled(settleIn)
	w.restart("n3")
	n3, asked := w.nodes["n3"], false
	w.net.spy = func(_, to *simNode, m replica.Message) {
		if _, ok := m.(*replica.HandOff); ok && to == n3 && !asked {
			asked = true
			n3.core.Drain()
		}
	}
	w.watch = func(n *simNode, e replica.Event) {
		if e.Kind == failover.EventMoved && n == n3 {
			w.fail("n3 drains and takes slot %d over", e.Slot)
		}
	}
	w.run(3 * time.Second)
	if !asked {
		t.Error("n3 was offered nothing")
	}
}

// TestHolderIsNotDrained: what a node wrote alone, while it was split off, is nowhere else before the winner has merged it.
func TestHolderIsNotDrained(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 3, slots: 4, backups: 2, expect: 3})
	const id = "session-1"
	w.write(id)
	w.split([]string{"n3"}, cutDrop)
	w.run(3 * time.Second)
	w.side(9000, "n3").set(id, "a", "new")
	w.net.lose = func(_, _ *simNode, m replica.Message) bool {
		o, ok := m.(*replica.Offer)
		return ok && o.Chunk > 0
	}
	w.heal()
	w.run(time.Second)
	w.drain("n3")
	w.run(3 * time.Second)
	n3, slot := w.nodes["n3"], replica.SlotOf(id, 4)
	if n3.core.Role(slot) != replica.Holder || n3.core.Drained() {
		t.Errorf("n3 plays role %d, drained %v", n3.core.Role(slot), n3.core.Drained())
	}
	w.net.lose = nil
	w.drained("n3", 8*time.Second)
	for _, name := range []string{"n1", "n2"} {
		if got, _ := w.nodes[name].core.Newest(slot, replica.Key{App: "a", ID: id}).Get("a"); string(got) != "new" {
			t.Errorf("%s holds %q when n3 is drained", name, got)
		}
	}
}

// TestLearnerIsSilentForAMoment: a learner that was suspected while it was filled is filled anew as soon as it is heard, not
// seconds later: a draining node would have nobody to go to meanwhile.
func TestLearnerIsSilentForAMoment(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 3, slots: 32, backups: 1, expect: 3, budget: 2 << 20})
	w.fill(100, 20<<10)
	w.run(time.Second)
	w.drain("n3")
	w.run(150 * time.Millisecond)
	if w.nodes["n1"].core.Lessons() == 0 {
		t.Error("n1 fills nobody when n2 falls silent")
	}
	w.split([]string{"n2"}, cutHold)
	w.run(600 * time.Millisecond)
	w.heal()
	w.drained("n3", 3*time.Second)
}

// TestSparedBackupTakesOver: a primary falls silent when the backup that drains has got a successor, and so before anybody hears
// that it is spared. The draining one takes over with the promise of the successor, which then hears the primary again: had that
// claimed the slot without the draining backup, and without asking, the successor would follow it while both served.
func TestSparedBackupTakesOver(t *testing.T) {
	r := newTrial(t, worldConfig{seed: 1, nodes: 4, slots: 4, backups: 1})
	draining := r.backups[0]
	r.drain(draining.name)
	var next *simNode
	r.until("there is another backup, and everybody knows", 2*time.Second, func() bool {
		for _, n := range r.others {
			claim := n.core.Claim(r.slot)
			if n.core.Role(r.slot) == replica.Backup && claim.Holds(draining.self.Boot) {
				next = n
				return draining.core.Claim(r.slot).Epoch == claim.Epoch
			}
		}
		return false
	})
	again := false
	r.fate = func(from, to *simNode, _ replica.Message) fate {
		switch {
		case from != r.primary || again && to == next:
			return pass
		case to == next:
			return keep
		}
		return drop
	}
	r.until("the draining backup serves", 2*time.Second, func() bool { return r.serves(draining, r.slot) })
	again = true
	r.release()
	for range 200 {
		r.run(500 * time.Microsecond)
		if r.serves(r.primary, r.slot) && r.serves(draining, r.slot) {
			t.Fatalf("both serve\n%s", r.describe(r.slot))
		}
	}
}
