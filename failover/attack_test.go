package failover_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
)

// TestLostSlotsAreClaimedForGood: all replicas of some slots die; the survivors agree on who has them now.
func TestLostSlotsAreClaimedForGood(t *testing.T) {
	for backups := range 2 {
		w := formed(t, worldConfig{seed: 1, nodes: 4, slots: 16, backups: backups, expect: 4})
		w.check.strict = false
		w.run(time.Second)
		w.kill("n2", time.Second)
		if backups == 1 {
			w.kill("n3", time.Second)
		}
		w.run(6 * time.Second)
		w.settled(10 * time.Second)
		w.run(10 * time.Second)
		w.settled(0)
		w.equal()
	}
}

// TestDeposedPrimaryReadsNothingStale: the primary is cut off, its backup takes over and changes the session, the cut
// ends: the old primary must not be given a lease by those who know better.
func TestDeposedPrimaryReadsNothingStale(t *testing.T) {
	for seed := range runs(10) {
		w := formed(t, worldConfig{seed: seed, nodes: 3, slots: 4, backups: 1, expect: 3})
		l := w.load(8, 0, 0)
		w.run(time.Second)
		w.pause("n2", 900*time.Millisecond, false)
		w.run(880 * time.Millisecond)
		// The connections are new ones: nothing that waited arrives.
		w.nodes["n2"].inbox = nil
		w.reset("n2", "n1")
		w.reset("n2", "n3")
		w.run(5 * time.Second)
		w.finish(l)
	}
}

// TestEvictsBackupThatGrantsNothing: messages to a backup are lost and those from it arrive. It grants no lease; its
// primary must get rid of it, with commits under way or not.
func TestEvictsBackupThatGrantsNothing(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 3, slots: 8, backups: 1, expect: 3})
	w.run(time.Second)
	w.cutOff("n1", "n2", cutDrop)
	w.run(3 * time.Second)
	for slot := range uint32(8) {
		primary := w.boots[w.nodes["n3"].core.Claim(slot).Primary]
		if !w.serves(primary, slot) {
			t.Errorf("slot %d is served by nobody:\n%s", slot, w.describe(slot))
		}
	}
}

// TestRestoresCopiesPastABadPath: of two members that could take a copy, the one that home prefers hears nothing from
// the primary. The other must get it.
func TestRestoresCopiesPastABadPath(t *testing.T) {
	w := formed(t, worldConfig{seed: 3, nodes: 4, slots: 8, backups: 1, expect: 4})
	w.load(20, 0, 0)
	w.run(time.Second)
	w.cutOff("n1", "n2", cutDrop)
	w.run(12 * time.Second)
	for slot := range uint32(8) {
		if claim := w.nodes["n3"].core.Claim(slot); len(claim.Backups) == 0 {
			t.Errorf("slot %d has one copy after 12 s:\n%s", slot, w.describe(slot))
		}
	}
}

// TestForgottenLearnersGiveWay: a node stops while it is filled with as many slots as it takes at a time, and the
// primaries give it up. When it goes on it takes new transfers.
func TestForgottenLearnersGiveWay(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 3, slots: 64, backups: 2, expect: 3, transfers: 8})
	l := w.load(0, 30, 0)
	w.fill(300, 64<<10)
	w.run(2 * time.Second)
	w.kill("n3", time.Second)
	w.run(5 * time.Second)
	w.restart("n3")
	for i := 0; w.nodes["n3"].core.Learning() < 8; i++ {
		if w.run(100 * time.Microsecond); i > 100_000 {
			t.Fatal("nobody fills n3")
		}
	}
	w.pause("n3", 800*time.Millisecond, false)
	w.run(10 * time.Second)
	w.settled(settleIn)
	w.finish(l)
}

// fill makes so many large sessions.
func (w *world) fill(sessions, bytes int) {
	for i := range sessions {
		w.fillOne(fmt.Sprintf("large-%d", i), bytes)
	}
}

func (w *world) fillOne(id string, bytes int) {
	c := &client{w: w, number: w.rng.Uint64()}
	m := c.commit(id, true, replica.Change{Name: "v", Value: make([]byte, bytes)})
	c.ask(id, &replica.Request{Commit: m}, func(replica.Result) {})
}

// TestLateClaimLosesToItsSuccessor: a backup stops between the decision to take over and the news of it. Another takes
// over meanwhile. When the first goes on, its claim must not beat the one under which the slot was served.
func TestLateClaimLosesToItsSuccessor(t *testing.T) {
	for seed := range runs(15) {
		w := formed(t, worldConfig{seed: seed, nodes: 4, slots: 4, backups: 2, expect: 4})
		l := w.load(12, 0, 0)
		w.run(time.Second)
		var late *simNode
		slot := uint32(0)
		w.watch = func(n *simNode, e replica.Event) {
			switch {
			case e.Kind != failover.EventPromoted:
			case late == nil:
				late, slot, n.holds = n, e.Slot, true
				w.after(5*time.Second, func() { w.resume(n) })
			case n != late && e.Slot == slot:
				w.after(w.upTo(60*time.Millisecond), func() { w.resume(late) })
			}
		}
		w.kill(w.any(), time.Second)
		w.run(10 * time.Second)
		w.settled(settleIn)
		w.finish(l)
	}
}

// TestFreshNodeServesNothingItNeverHeld: a node joins and nobody hears of it for a while, so that nobody answers it. It
// must not claim, and serve, slots that others hold.
func TestFreshNodeServesNothingItNeverHeld(t *testing.T) {
	w := formed(t, worldConfig{seed: 2, nodes: 3, slots: 8, backups: 1, expect: 3})
	l := w.load(8, 0, 0)
	w.run(time.Second)
	w.kill("n2", 700*time.Millisecond)
	w.run(5 * time.Second)
	for _, name := range []string{"n1", "n3"} {
		w.net.lies[[2]string{name, "n2"}] = w.now + time.Second
	}
	w.start("n2")
	w.run(5 * time.Second)
	w.settled(settleIn)
	w.finish(l)
}

// TestPausedPrimaryEvictsNobody: a primary stops with a commit under way, for less than its backup takes to replace it.
// The silence was its own: it must not evict the backup for it.
func TestPausedPrimaryEvictsNobody(t *testing.T) {
	for seed := range runs(42) {
		w := formed(t, worldConfig{seed: seed, nodes: 3, slots: 4, backups: 1 + int(seed%2), expect: 3})
		w.load(20, 0, 0)
		w.run(time.Second)
		w.pause(w.any(), 340*time.Millisecond+time.Duration(seed%20)*10*time.Millisecond, true)
		w.watch = func(n *simNode, e replica.Event) {
			if e.Kind == failover.EventEvicted && e.Peer != 0 && w.now-w.boots[e.Peer].since > time.Second {
				w.fail("%s evicts %s, which never stopped", n.name, w.nameOf(e.Peer))
			}
		}
		w.run(3 * time.Second)
	}
}

// TestCutOffPrimaryAcknowledgesNothing: a primary is cut off from everybody for a second, while gossip still calls all
// alive: it is no side of its own, so it must not acknowledge by evicting its backups.
func TestCutOffPrimaryAcknowledgesNothing(t *testing.T) {
	for seed := range runs(20) {
		w := formed(t, worldConfig{seed: seed, nodes: 3, slots: 4, backups: 1, expect: 3})
		l := w.load(20, 0, 0)
		w.run(time.Second)
		w.split([]string{"n1"}, cutDrop)
		w.check.strict = true
		w.run(650 * time.Millisecond)
		w.heal()
		w.run(5 * time.Second)
		w.finish(l)
	}
}

// TestFoundsOneClusterHoweverFewAreExpected: fewer members are enough to found than there are.
func TestFoundsOneClusterHoweverFewAreExpected(t *testing.T) {
	seeds(t, 30, func(t *testing.T, seed uint64) {
		w := newIdleWorld(t, worldConfig{seed: seed, nodes: 5, slots: 8, backups: 1, expect: 2, lag: 500 * time.Millisecond})
		w.check.strict = false
		for _, name := range w.names {
			w.net.mute[name] = true
			w.after(w.upTo(time.Second), func() { w.start(name) })
			w.after(1500*time.Millisecond+w.upTo(2*time.Second), func() { w.net.mute[name] = false })
		}
		w.run(time.Second)
		w.gossip(50 * time.Millisecond)
		w.keepWatch()
		w.run(20 * time.Second)
		clusters := map[uint64]bool{}
		for _, name := range w.names {
			clusters[w.nodes[name].core.Cluster()] = true
		}
		if len(clusters) != 1 || clusters[0] {
			w.fail("clusters %v, want one", clusters)
		}
	})
}

// TestLeavesInOrder: node after node quiesces, leaves, and comes back; nothing is lost and everything settles.
func TestLeavesInOrder(t *testing.T) {
	seeds(t, 4, func(t *testing.T, seed uint64) {
		w := formed(t, worldConfig{seed: seed, nodes: 3 + int(seed%3), slots: 16, backups: 1 + int(seed%2), expect: 3, jumpy: true})
		l := w.load(12, 6, 6)
		for _, name := range w.names {
			w.run(w.upTo(time.Second))
			w.leave(name)
			for w.nodes[name].up {
				w.run(time.Millisecond)
			}
			w.run(w.upTo(time.Second))
			w.restart(name)
			w.run(w.upTo(time.Second))
			w.settled(settleIn)
		}
		w.finish(l)
	})
}

// TestManySlots fills a newcomer with a thousand slots, a few at a time.
func TestManySlots(t *testing.T) {
	for _, n := range []int{2, 3} {
		w := formed(t, worldConfig{seed: uint64(n), nodes: n, slots: 1024, backups: 1, expect: n})
		w.check.strict = false // sampling every slot takes too long
		w.kill("n2", time.Second)
		w.run(3 * time.Second)
		w.settled(settleIn)
		w.restart("n2")
		w.run(time.Second)
		w.settled(settleIn)
		w.equal()
	}
}

// TestShortSplits splits off two of five nodes for about as long as it takes to suspect them: claims of both sides meet
// at the heal while they are young.
func TestShortSplits(t *testing.T) {
	seeds(t, 4, func(t *testing.T, seed uint64) {
		w := formed(t, worldConfig{seed: seed, nodes: 5, slots: 16, backups: 2, expect: 3, jumpy: seed%2 == 0, drop: 0.01, settle: time.Duration(seed%5) * 300 * time.Millisecond})
		l := w.load(0, 24, 6)
		for range 8 {
			a, b := w.pair()
			mode := cutDrop
			if w.rng.IntN(2) == 0 {
				mode = cutHold
			}
			w.split([]string{a, b}, mode)
			w.run(450*time.Millisecond + w.upTo(500*time.Millisecond))
			w.heal()
			w.run(w.upTo(1500 * time.Millisecond))
		}
		w.settled(settleIn)
		w.finish(l)
	})
}

// TestHandOffsUnderFaults moves slots home while single faults happen.
func TestHandOffsUnderFaults(t *testing.T) {
	seeds(t, 4, func(t *testing.T, seed uint64) {
		w := formed(t, worldConfig{
			seed: seed, nodes: 4, slots: 32, backups: 1 + int(seed%2), expect: 3, jumpy: true, settle: 100 * time.Millisecond,
		})
		l := w.load(16, 9, 4)
		moving := func(n *simNode, e replica.Event) {}
		w.watch = func(n *simNode, e replica.Event) { moving(n, e) }
		for range 6 {
			w.kill("n4", time.Second)
			w.run(2 * time.Second)
			w.settled(settleIn)
			w.restart("n4")
			name := faultNames[2+w.rng.IntN(len(faultNames)-2)] // none that restarts at once
			moves := 1 + w.rng.IntN(8)
			moving = func(n *simNode, e replica.Event) {
				if e.Kind == failover.EventMoved {
					moves--
				}
			}
			for i := 0; i < 3000 && moves > 0; i++ {
				w.run(time.Millisecond)
			}
			w.run(w.upTo(20 * time.Millisecond))
			w.suffer(name)
			w.run(w.upTo(time.Second))
			w.settled(settleIn)
		}
		w.finish(l)
	})
}

// TestPausedPrimaryWithoutBackupsServesNothing: without backups a primary that stood still for long was replaced. When
// it goes on, a request may come before its first tick: its own silence does not make it a side of its own.
func TestPausedPrimaryWithoutBackupsServesNothing(t *testing.T) {
	for seed := range runs(10) {
		w := formed(t, worldConfig{seed: seed, nodes: 3, slots: 4, backups: 0, expect: 3})
		w.check.strict = false // what n1 holds is lost
		w.run(time.Second)
		w.pause("n1", 6*time.Second, false)
		w.run(5900 * time.Millisecond)
		n := w.nodes["n1"]
		for slot := range uint32(4) {
			if w.serves(n, slot) {
				t.Errorf("seed %d: n1 serves slot %d under %v when it goes on", seed, slot, brief(n.core.Claim(slot)))
			}
		}
	}
}
