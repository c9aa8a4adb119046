package failover

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/sessnode/sessnode/replica"
)

// Rounds counts the rounds of questions that are under way.
func (c *Core) Rounds() int { return len(c.rounds) }

// Lessons counts the learners that the node fills.
func (c *Core) Lessons() int { return len(c.lessons) }

// Learning counts the slots that the node is being filled with.
func (c *Core) Learning() int { return c.learning() }

// Serves reports whether the node would answer a read of the slot at this moment.
func (c *Core) Serves(now replica.Instant, slot uint32) bool {
	return c.serving(now, slot) == replica.StatusOK
}

// Position is how far the node's replica of a slot has got.
func (c *Core) Position(slot uint32) replica.Position { return c.slots[slot].data.Position() }

// Describe shows what the node knows of a slot, for a failing test.
func (c *Core) Describe(slot uint32) string {
	s := &c.slots[slot]
	return fmt.Sprintf("role %d claim e%d/%d %v+%v position %v round %x promise %v until %v retry %v lost %v",
		s.data.Role(), s.claim.Epoch, len(s.claim.Emptied), s.claim.Primary, s.claim.Backups, s.data.Position(), s.round,
		s.promise.to, s.promise.until, s.retry, s.lost)
}

// Versions is the newest version of every session that the node holds of a slot. It reads what package replica keeps to
// itself: nothing exported shows a backup's sessions.
func (c *Core) Versions(slot uint32) map[replica.Key]*replica.Session {
	all := map[replica.Key]*replica.Session{}
	records := reflect.ValueOf(c.slots[slot].data).Elem().FieldByName("records")
	for it := records.MapRange(); it.Next(); {
		newest := it.Value().Elem().FieldByName("newest")
		s := *(**replica.Session)(unsafe.Pointer(newest.UnsafeAddr()))
		all[s.Key] = s
	}
	return all
}
