package failover_test

import (
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// TestLapsedLeaseWithoutBackupsNeedsAll: the lease of a slot without backups ran out, so it may have been lost to another
// node with the promises of all members. One member, a newcomer maybe, must not be enough to give it anew.
func TestLapsedLeaseWithoutBackupsNeedsAll(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 3, slots: 8})
	w.run(time.Second)
	n := w.nodes["n1"]
	served := func() (slots int) {
		for slot := range uint32(8) {
			if w.serves(n, slot) {
				slots++
			}
		}
		return slots
	}
	all := served()
	if all == 0 {
		t.Fatal("n1 serves nothing")
	}
	deaf := true // to n2 throughout, to n3 for longer than a lease
	w.net.lose = func(from, to *simNode, m replica.Message) bool {
		_, grant := m.(*replica.HeartbeatReply)
		return to == n && grant && (deaf || from.name == "n2")
	}
	w.run(350 * time.Millisecond)
	if got := served(); got != 0 {
		t.Fatalf("%d slots are served though the lease ran out", got)
	}
	deaf = false
	w.run(100 * time.Millisecond)
	if got := served(); got != 0 {
		t.Errorf("%d slots are served again by the grant of one member of two", got)
	}
	w.net.lose = nil
	w.run(100 * time.Millisecond)
	if got := served(); got != all {
		t.Errorf("%d of %d slots are served when both members grant", got, all)
	}
}

// TestLoneNodeDoubtsItselfAfterStandingStill: what a node knew of the members before it stood still may be long past, also
// that there were none.
func TestLoneNodeDoubtsItselfAfterStandingStill(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 1, slots: 8})
	w.run(time.Second)
	n := w.nodes["n1"]
	w.pause("n1", 400*time.Millisecond, true)
	w.run(450 * time.Millisecond)
	if w.serves(n, 0) {
		t.Error("it serves at once after it stood still")
	}
	w.run(time.Second)
	if !w.serves(n, 0) {
		t.Error("it does not serve after a second of running alone")
	}
}

// TestClaimedBootGetsTimeToBeHeard: a claim names a boot of which gossip has not told yet. It is not dead for that.
func TestClaimedBootGetsTimeToBeHeard(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 3, slots: 8})
	w.run(2 * time.Second)
	n := w.nodes["n1"]
	claim := n.core.Claim(0)
	claim.Epoch, claim.Primary, claim.Backups = claim.Epoch+1, 77, nil
	w.step(n, func(now replica.Instant, fx *replica.Effects) {
		n.core.Receive(now, w.nodes["n2"].self.Boot, &replica.Claims{Claims: []replica.Claim{claim}}, fx)
		if n.core.Suspects(now, 77) {
			t.Error("a boot that a claim has just named is suspect")
		}
	})
	w.run(2 * time.Second)
	w.step(n, func(now replica.Instant, fx *replica.Effects) {
		if !n.core.Suspects(now, 77) {
			t.Error("a boot that nobody has heard of for two seconds is not suspect")
		}
	})
}
