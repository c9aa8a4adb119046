package failover_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
)

// TestPromiseFencesUpdates: a primary falls silent with an update on its way. A backup tells the next primary how far it
// is, and promises; then the update arrives. Were it acknowledged, the commit would have two copies by its answer, and the
// next primary, which counts on that position, would know of none.
func TestPromiseFencesUpdates(t *testing.T) {
	r := newTrial(t, worldConfig{seed: 1, nodes: 4, slots: 4, backups: 2})
	first, second := r.backups[0], r.backups[1]
	silent := r.mute(r.primary)
	r.fate = func(from, to *simNode, m replica.Message) fate {
		switch {
		case from == second && to == first && r.promises(m):
			r.release()
		case from == second && to == r.primary && isAck(m):
			return pass
		case from == r.primary && to == second && r.updates(m) && len(r.kept) == 0:
			return keep
		}
		return silent(from, to, m)
	}
	set := r.set(r.primary, "new", replica.DurableOne)
	r.until("the first backup serves", 2*time.Second, func() bool { return r.serves(first, r.slot) })
	if len(r.kept) > 0 {
		t.Fatal("the update did not arrive between the promise and the claim")
	}
	if got := r.value(first); set.given && set.Status == replica.StatusOK && got != "new" {
		t.Errorf("%d copies were acknowledged, and the next primary reads %q", set.Copies, got)
	}
}

func isAck(m replica.Message) bool {
	_, ok := m.(*replica.Ack)
	return ok
}

// TestClaimFencesUpdates: the update of a deposed primary arrives when the backup follows the next one. Were it taken, it
// would stand for the next primary's entry of the same number, and be acknowledged as that.
func TestClaimFencesUpdates(t *testing.T) {
	r := newTrial(t, worldConfig{seed: 1, nodes: 4, slots: 4, backups: 2})
	r.supersede(r.backups[0], r.backups[1])
}

// TestUpdateOfAnotherPrimaryIsRefused is the same with two claims of one epoch: the old primary has made a learner a copy,
// for which it asks nobody, and nobody has heard of that claim.
func TestUpdateOfAnotherPrimaryIsRefused(t *testing.T) {
	r := newMove(t, false)
	was := r.primary.core.Claim(r.slot).Epoch
	r.supersede(r.backups[0], r.backups[1])
	if is := r.backups[0].core.Claim(r.slot).Epoch; was != is {
		t.Errorf("the claims have epochs %d and %d: the test shows nothing", was, is)
	}
}

// supersede lets the primary fall silent with an update on its way, which arrives when the first backup has taken over
// and the second follows it. Then the first takes a commit: checkCopies holds its answer against who has it.
func (r *trial) supersede(first, second *simNode) {
	silent := r.mute(r.primary)
	r.fate = func(from, to *simNode, m replica.Message) fate {
		if from == r.primary && to == second && r.updates(m) && r.serves(r.primary, r.slot) {
			return keep
		}
		return silent(from, to, m)
	}
	r.set(r.primary, "new", replica.DurableAll)
	r.until("the first backup serves", 2*time.Second, func() bool { return r.serves(first, r.slot) })
	r.until("the second follows it", time.Second, func() bool {
		return second.core.Claim(r.slot).Primary == first.self.Boot && second.core.Role(r.slot) == replica.Backup
	})
	if len(r.kept) == 0 {
		r.fail("no update was on its way")
	}
	r.kept = r.kept[:1]
	r.release()
	r.run(5 * time.Millisecond)
	set := r.set(first, "newer", replica.DurableAll)
	r.run(20 * time.Millisecond)
	if !set.given || set.Status != replica.StatusOK || set.Copies != 2 {
		r.fail("the next primary answers %+v\n%s", set, r.describe(r.slot))
	}
}

// TestBackupThatMissedAClaimIsTold: the claim by which a dead backup is evicted does not reach the other one; an update
// under it does. It is refused with the claim that the backup knows, so that the commit need not wait for claims to be
// compared.
func TestBackupThatMissedAClaimIsTold(t *testing.T) {
	r := newTrial(t, worldConfig{seed: 1, nodes: 4, slots: 4, backups: 2})
	r.kill(r.backups[1].name, time.Second)
	refused := false
	r.fate = func(from, to *simNode, m replica.Message) fate {
		f, fenced := m.(*replica.Fenced)
		if fenced && from == r.backups[0] && f.Claim.Slot == r.slot {
			refused = true
		}
		if _, ok := m.(*replica.Claims); ok && from == r.primary && !refused {
			return drop
		}
		return pass
	}
	r.until("the dead backup is evicted", 3*time.Second, func() bool { return len(r.primary.core.Claim(r.slot).Backups) == 1 })
	set := r.set(r.primary, "new", replica.DurableAll)
	r.until("the commit is acknowledged", 20*time.Millisecond, func() bool { return set.given })
	if set.Copies != 2 {
		t.Errorf("got %+v, want 2 copies", set)
	}
}

// newMove is a trial that begins when a node that home wants a copy on has just become the third backup of the slot. Unless
// that is to be heard, the claims that tell of it are lost.
func newMove(t *testing.T, heard bool) *trial {
	t.Helper()
	r := &trial{world: formed(t, worldConfig{seed: 1, nodes: 4, slots: 16, backups: 2, expect: 4, settle: 200 * time.Millisecond})}
	r.client = &client{w: r.world, number: 5000}
	ids := map[uint32]string{}
	for i := 0; len(ids) < r.cfg.slots; i++ {
		id := fmt.Sprintf("session-%d", i)
		if slot := replica.SlotOf(id, r.cfg.slots); ids[slot] == "" {
			r.create(id)
			ids[slot] = id
		}
	}
	r.kill("n4", time.Second)
	r.run(3 * time.Second)
	r.settled(settleIn)
	home := r.table(4)
	r.watch = func(n *simNode, e replica.Event) {
		three := e.Kind == failover.EventRestored && len(n.core.Claim(e.Slot).Backups) == 3
		if three && r.primary == nil && home.Replicas(int(e.Slot))[0] == n.name {
			r.id, r.slot, r.primary = ids[e.Slot], e.Slot, n
			if r.begin(); !heard {
				r.fate = r.unheard
			}
		}
	}
	r.restart("n4")
	r.until("a slot has three backups", 20*time.Second, func() bool { return r.primary != nil })
	return r
}

// unheard is a fate that loses the primary's claims.
func (r *trial) unheard(from, _ *simNode, m replica.Message) fate {
	if _, ok := m.(*replica.Claims); ok && from == r.primary {
		return drop
	}
	return pass
}
