package failover_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// A claim from empty, made by a node that was alone, reaches a slot's backup first and then its primary, which claims the
// slot again: the backup holds what the primary does, but cannot follow. Seeds 424, 791 and 847 of the replay found what
// is tested here.

// misname makes the backups of an id's slot such holders.
func (w *world) misname(id string) (primary *simNode, slot uint32) {
	slot = replica.SlotOf(id, w.cfg.slots)
	claim := w.nodes["n1"].core.Claim(slot)
	empty := replica.Claim{Slot: slot, Epoch: claim.Epoch + 5, Primary: 77, Emptied: []uint64{claim.Epoch}, Seen: 1}
	for _, b := range append(slices.Clone(claim.Backups), claim.Primary) {
		n := w.boots[b]
		w.step(n, func(now replica.Instant, fx *replica.Effects) {
			n.core.Receive(now, 77, &replica.Claims{Claims: []replica.Claim{empty}}, fx)
		})
	}
	return w.boots[claim.Primary], slot
}

// TestMisnamedBackupKeepsItsCopy: the primary counts the backup among the copies that it answers with until it has evicted
// it, so the backup must not drop what it holds before.
func TestMisnamedBackupKeepsItsCopy(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 3, slots: 8, backups: 1, expect: 3})
	const id = "session-7"
	w.write(id)
	primary, slot := w.misname(id)
	for range 4000 {
		w.run(500 * time.Microsecond)
		copies := 0
		for _, name := range w.names {
			if w.nodes[name].core.Newest(slot, replica.Key{App: "a", ID: id}) != nil {
				copies++
			}
		}
		if claim := primary.core.Claim(slot); copies < 1+len(claim.Backups) {
			w.fail("%d nodes hold %s under %v\n%s", copies, id, brief(claim), w.describe(slot))
		}
	}
	w.settled(settleIn)
}

// write makes one session and waits until it is acknowledged.
func (w *world) write(id string) {
	c := &client{w: w, number: 4000}
	acked := false
	c.ask(id, &replica.Request{Commit: c.commit(id, true)}, func(replica.Result) { acked = true })
	for !acked {
		w.run(time.Millisecond)
	}
}

// TestSlotThatNobodyFollowsIsTaken: the primary dies before it has evicted the backup. The backup lives, so the slot is not
// lost by the word of the claim, but it is no backup and promotes nothing.
func TestSlotThatNobodyFollowsIsTaken(t *testing.T) {
	for _, sessions := range []int{0, 1} {
		w := formed(t, worldConfig{seed: 2, nodes: 4, slots: 8, backups: 2, expect: 4})
		const id = "session-7"
		for range sessions {
			w.write(id)
		}
		primary, slot := w.misname(id)
		w.run(2 * time.Millisecond)
		w.kill(primary.name, time.Second)
		w.run(8 * time.Second)
		if !slices.ContainsFunc(w.up(), func(name string) bool { return w.serves(w.nodes[name], slot) }) {
			t.Errorf("nobody serves slot %d:\n%s", slot, w.describe(slot))
		}
	}
}

// TestPrimaryYieldsToALineageThatLivedOn: the slot was claimed as empty on one side of a split and went on there for many
// epochs. On the other side its first lineage lived on for longer, and was then lost twice. That side's claim is above, in
// whatever epoch the primary would claim again: it must follow, and not fall below what it has claimed itself.
func TestPrimaryYieldsToALineageThatLivedOn(t *testing.T) {
	const slot = 0
	w := formed(t, worldConfig{seed: 1, nodes: 3, slots: 4, backups: 0, expect: 3})
	w.check.strict = false // the slot is lost
	w.kill(w.boots[w.nodes["n1"].core.Claim(slot).Primary].name, time.Second)
	w.run(6 * time.Second)
	was := w.nodes[w.up()[0]].core.Claim(slot)
	n, emptied := w.boots[was.Primary], was.Emptied[0]
	hear := func(epoch uint64, emptied ...uint64) {
		claim := replica.Claim{Slot: slot, Epoch: epoch, Primary: 77, Emptied: emptied, Seen: 1}
		w.step(n, func(now replica.Instant, fx *replica.Effects) {
			n.core.Receive(now, 77, &replica.Claims{Claims: []replica.Claim{claim}}, fx)
		})
	}
	hear(50, emptied, was.Epoch)
	if got := n.core.Claim(slot); got.Primary != was.Primary || got.Epoch != 51 {
		t.Errorf("%s, told that its claim was given up, goes on under %s", n.name, brief(got))
	}
	hear(emptied+3, emptied+1, emptied+2)
	if got := n.core.Claim(slot); got.Primary != 77 {
		t.Errorf("%s goes on under %s %v, below what others know", n.name, brief(got), got.Emptied)
	}
}
