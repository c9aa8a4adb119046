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

// Position is how far the node's replica of a slot has got.
func (c *Core) Position(slot uint32) replica.Position { return c.slots[slot].data.Position() }

// Describe shows what the node knows of a slot, for a failing test.
func (c *Core) Describe(slot uint32) string {
	s := &c.slots[slot]
	return fmt.Sprintf("role %d claim e%d/%d %v+%v position %v round %x promise %v until %v retry %v lost %v",
		s.data.Role(), s.claim.Epoch, len(s.claim.Emptied), s.claim.Primary, s.claim.Backups, s.data.Position(), s.round,
		s.promise.to, s.promise.until, s.retry, s.lost)
}

// HandOffs counts the slots that the node is handing over.
func (c *Core) HandOffs() int { return len(c.handOffs) }

// Moves counts the slots that the node is moving home, by a learner or a hand-off.
func (c *Core) Moves() int {
	n := len(c.handOffs)
	for _, l := range c.lessons {
		if l.home {
			n++
		}
	}
	return n
}

// Limits are the bounds on transfers and moves in force.
func (c *Core) Limits() (transfers, moves int) { return c.cfg.TransfersMax, c.cfg.MovesMax }

// Limit changes the bound on transfers under way, for a test of the check.
func (c *Core) Limit(transfers int) { c.cfg.TransfersMax = transfers }

// Pretend begins a hand-off that nobody knows of, for a test of the check.
func (c *Core) Pretend() {
	if len(c.handOffs) == 0 {
		c.handOffs = []handOff{{began: 1 << 60}}
	}
}

// Alone reports whether gossip tells the node of nobody else.
func (c *Core) Alone() bool { return len(c.alive) == 0 }

// Newest is the newest version of a session that the node holds, nil if it holds none. It reads what package replica
// keeps to itself: nothing exported shows a backup's sessions, and the simulator asks too often for reflection.
func (c *Core) Newest(slot uint32, key replica.Key) *replica.Session {
	if r := c.records(slot)[key]; r != nil {
		return newest(r)
	}
	return nil
}

// Versions is the newest version of every session that the node holds of a slot.
func (c *Core) Versions(slot uint32) map[replica.Key]*replica.Session {
	all := map[replica.Key]*replica.Session{}
	for key, r := range c.records(slot) {
		all[key] = newest(r)
	}
	return all
}

// records is a slot's map from keys to records. All maps from one key type to pointers are laid out alike.
func (c *Core) records(slot uint32) map[replica.Key]unsafe.Pointer {
	at := unsafe.Add(unsafe.Pointer(c.slots[slot].data), recordsField.Offset)
	return *(*map[replica.Key]unsafe.Pointer)(at)
}

func newest(record unsafe.Pointer) *replica.Session {
	return *(**replica.Session)(unsafe.Add(record, newestField.Offset))
}

var (
	recordsField, _ = reflect.TypeFor[replica.Slot]().FieldByName("records")
	newestField, _  = recordsField.Type.Elem().Elem().FieldByName("newest")
)
