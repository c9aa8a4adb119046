package failover

import (
	"time"

	"github.com/sessnode/sessnode/replica"
)

// How often a core is to be called. A node that has nothing to do costs what its wakings cost.
const (
	busyEvery = 10 * time.Millisecond // while something is under way that time alone may bring on
	scanEvery = 50 * time.Millisecond // every slot is looked at
	loadDecay = 0.99654               // of a slot's load, at each look: halves what it counts for in ten seconds
	loadMin   = 0.01                  // a slot's load below it is none
)

// restEvery is the interval of ticks while nothing is under way: short against the half of a lease after which a node takes
// itself for one that stood still.
func (c *Config) restEvery() time.Duration { return c.Lease / 12 }

// Next is the Instant.Mono at which Tick is to be called next. Every other step may bring it nearer.
func (c *Core) Next() time.Duration {
	if c.busy() {
		return c.ticked + min(busyEvery, c.cfg.restEvery())
	}
	return min(c.scanned+scanEvery, c.ticked+c.cfg.restEvery())
}

// busy reports whether something is under way that may go on at any moment: founding, questions, transfers, a hand-off, or a
// claim that the caller is to take and tell others of.
func (c *Core) busy() bool {
	return c.cluster == 0 || c.leaving ||
		len(c.rounds)+len(c.lessons)+len(c.handOffs)+len(c.stirred)+len(c.changed) > 0
}

// scan looks at every slot and does what is due.
func (c *Core) scan(now replica.Instant, fx *replica.Effects) {
	c.latency.look(now)
	gone := c.gone(now)
	c.near = c.near[:0]
	rest := 0
	for i := range c.slots {
		s := &c.slots[i]
		if c.elsewhere(s, gone) {
			continue
		}
		c.near = append(c.near, uint32(i))
		s.data.Tick(now, fx)
		_, more := s.data.Memory()
		rest += more
		if s.load *= loadDecay; s.load < loadMin {
			s.load = 0
		}
		c.watchLost(now, s)
		c.watchShort(now, s)
		c.watchLearner(now, s)
		c.watchMisnamed(now, s, fx)
		s.data.Part(gone)
		c.stir(uint32(i))
	}
	c.memory.Count(rest)
	c.shareQuotas()
	c.checkNext(now, fx)
	c.act(now, c.plan(now), fx)
	c.offerHeld(now, fx)
}

// elsewhere reports whether a slot needs no look: its primary lives, this node has no part in it, and nothing is noted that a
// look would change. The more members there are, the more of the slots are such.
func (c *Core) elsewhere(s *slot, gone func(replica.Boot) bool) bool {
	return s.data.Role() == replica.Absent && !s.claim.IsZero() && !s.claim.Holds(c.Self()) && s.lost == 0 && s.short == 0 &&
		s.load == 0 && len(s.waiting) == 0 && !gone(s.claim.Primary)
}
