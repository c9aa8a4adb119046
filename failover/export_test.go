package failover

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// Rounds counts the rounds of questions that are under way.
func (c *Core) Rounds() int { return len(c.rounds) }

// Lessons counts the learners that the node fills.
func (c *Core) Lessons() int { return len(c.lessons) }

// Moving counts the slots that the node moves home.
func (c *Core) Moving() int { return c.underWay(forHome) }

// LearningMoves counts the slots that the node is being filled with though they are not short of a copy.
func (c *Core) LearningMoves() int { return c.learning(true) }

// Settling is how long slots have to wait still before they move home.
func (c *Core) Settling(now replica.Instant) time.Duration {
	left, _ := c.settling.left(now, c.cfg.Settle)
	return left
}

// Slow reports whether requests are slow; Look is what comes before.
func (c *Core) Slow(now replica.Instant) bool { return c.latency.slow(now, c.cfg.SlowFactor) }

// Look takes in the requests observed since the last look.
func (c *Core) Look(now replica.Instant) { c.latency.look(now) }

// Copies reports whether the node holds a whole copy of the slot.
func (c *Core) Copies(slot uint32) bool {
	d := c.slots[slot].data
	return d.Role() == replica.Primary || d.Role() == replica.Backup || d.Learnt()
}

// Learning counts the slots that the node is being filled with.
func (c *Core) Learning() int { return c.learning(false) }

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

// HandOffs counts the slots that the node is handing over.
func (c *Core) HandOffs() int { return len(c.handOffs) }

// BytesPerSecond is the byte budget in force.
func (c *Core) BytesPerSecond() int { return c.cfg.BytesPerSecond }

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

// Pause has a slot's requests wait, as while it is handed over, until Resume.
func (c *Core) Pause(slot uint32) { c.slots[slot].data.Surrender() }

// Resume ends a Pause.
func (c *Core) Resume(slot uint32) { c.slots[slot].data.Keep() }

// Alone reports whether gossip tells the node of nobody else.
func (c *Core) Alone() bool { return len(c.alive) == 0 }

// Newest is the newest version of a session that the node holds, nil if it holds none.
func (c *Core) Newest(slot uint32, key replica.Key) *replica.Session {
	return c.slots[slot].data.Version(key)
}

// Versions is the newest version of every session that the node holds of a slot.
func (c *Core) Versions(slot uint32) map[replica.Key]*replica.Session {
	return maps.Collect(c.slots[slot].data.Versions())
}

// TakeAllChanged is TakeChanged without keeping anything back.
func (c *Core) TakeAllChanged() []replica.Claim {
	var claims []replica.Claim
	for _, n := range slices.Sorted(maps.Keys(c.changed)) {
		claims = append(claims, c.slots[n].claim)
	}
	clear(c.changed)
	return claims
}

// Suspects reports whether the node takes a boot for dead.
func (c *Core) Suspects(now replica.Instant, b replica.Boot) bool { return c.suspect(now, b) }

// MostAgree is what decides whose clock is wrong.
func MostAgree(clocks []time.Duration, within time.Duration) (time.Duration, bool) {
	return mostAgree(clocks, within)
}
