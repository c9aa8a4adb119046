package failover

import (
	"math/rand/v2"
	"testing"

	"github.com/sessnode/sessnode/replica"
)

// A node that is short of memory takes no slot in, as long as others can, and drops what it was being taught; it goes on to
// claim slots that nobody holds.
func TestShortOfMemoryTakesNothingIn(t *testing.T) {
	self := replica.Member{Boot: 1, Name: "a"}
	c := New(Config{Self: self, Slots: 4, Backups: 1, MemoryBytes: 1000, Random: rand.New(rand.NewPCG(1, 1))}, replica.Instant{})
	c.SetMembers(replica.Instant{}, []replica.Member{self, {Boot: 2, Name: "b"}})
	snapshot := &replica.Snapshot{Slot: 0, Transfer: 1}
	for _, tt := range []struct {
		taken    int
		declines bool
	}{{899, false}, {900, true}, {5000, true}, {0, false}} {
		c.memory.Count(tt.taken)
		if got := c.declines(&c.slots[0], snapshot); got != tt.declines {
			t.Errorf("%d of 1000 bytes taken: declines %v, want %v", tt.taken, got, tt.declines)
		}
		if !c.takesSlots() {
			t.Errorf("%d of 1000 bytes taken: claims no slots", tt.taken)
		}
	}
	c.memory.Count(5000)
	fx := &replica.Effects{}
	c.slots[0].claim = replica.Claim{Epoch: 1, Primary: 2}
	c.Receive(replica.Instant{}, 2, snapshot, fx)
	if len(fx.Send) != 1 || !fx.Send[0].Msg.(*replica.SnapshotReply).Refused {
		t.Errorf("answered %+v, want a refusal", fx.Send)
	}
	c.slots[1].data.Follow(replica.Claim{Slot: 1, Epoch: 1, Primary: 2, Backups: []replica.Boot{1}}, fx)
	c.slots[1].claim = replica.Claim{Slot: 1, Epoch: 1, Primary: 2, Backups: []replica.Boot{1}}
	fx.Reset()
	c.Receive(replica.Instant{}, 2, &replica.HandOff{Slot: 1, Epoch: 1}, fx)
	if c.slots[1].claim.Primary != 2 {
		t.Error("took a slot that was handed over")
	}
	c.memory.Count(0)
	c.Receive(replica.Instant{}, 2, &replica.HandOff{Slot: 1, Epoch: 1}, fx)
	if c.slots[1].claim.Primary != 1 {
		t.Error("with room again it does not take a slot that is handed over")
	}
}
