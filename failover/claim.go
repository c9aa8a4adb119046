package failover

import (
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// claimFor issues the claim that a question was asked for, unless what was learned forbids it.
func (c *Core) claimFor(now replica.Instant, r *round, q *question, fx *replica.Effects) (replica.Claim, bool) {
	s := &c.slots[q.slot]
	next := replica.Claim{
		Slot: q.slot, Epoch: max(q.known.Epoch, s.ballot) + 1, Primary: c.Self(), Emptied: q.known.Emptied,
		Seen: uint32(r.answers + 1),
	}
	next.Lineage = replica.Took(q.known.Lineage, next.Epoch, c.Self(), s.data.Newest())
	var positions []uint64
	switch q.purpose {
	case evict, spare, resume:
		next.Backups = c.promisers(q)
		positions = make([]uint64, len(next.Backups))
		if !c.leased(now, next) || q.purpose == spare && len(next.Backups) < len(q.known.Backups)-len(q.out) {
			c.giveUp(now, q, c.cfg.heartbeatEvery())
			return next, false
		}
	case promote:
		next.Backups, positions = c.survivors(now, q)
	case revive:
		if c.betterHolder(s, q) {
			c.giveUp(now, q, 3*c.cfg.Lease)
			return next, false
		}
		// What it holds may be of another side than the claim that was lost.
		next.Lineage = replica.Took(s.data.Lineage(), next.Epoch, c.Self(), s.data.Newest())
	default:
		if s.data.Role() == replica.Learner {
			s.data.Drop() // who taught it is gone, and nobody knows how much is missing
		}
		if s.data.Role() != replica.Absent || len(q.held) > 0 && q.purpose == fillIn {
			c.giveUp(now, q, 3*c.cfg.Lease)
			return next, false
		}
		next.Backups = c.emptyBackups(q)
		positions = make([]uint64, len(next.Backups))
		if q.purpose == fillIn {
			next.Emptied = emptied(q.known)
		}
	}
	c.reportClaim(now, q, next, fx)
	q.over = true
	s.round, s.retry = 0, 0
	c.issue(now, next, positions, fx)
	return next, true
}

// reportClaim tells what a claim means.
func (c *Core) reportClaim(now replica.Instant, q *question, next replica.Claim, fx *replica.Effects) {
	switch q.purpose {
	case evict:
		for _, b := range q.out {
			report(fx, EventEvicted, next, b, milliseconds(c.peerSilence(now, b)))
		}
	case promote:
		report(fx, EventPromoted, next, q.known.Primary, milliseconds(c.peerSilence(now, q.known.Primary)))
	case revive:
		report(fx, EventRevived, next, q.known.Primary, 1)
	case fillIn:
		report(fx, EventLost, next, q.known.Primary, 1)
	case populate:
		report(fx, EventClaimed, next, 0, 1)
	}
}

func milliseconds(d time.Duration) uint64 { return uint64(max(d, 0) / time.Millisecond) }

// emptied is the Emptied of a claim from empty above known.
func emptied(known replica.Claim) []uint64 {
	kept := known.Emptied[:min(len(known.Emptied), replica.EmptiedMax-1)]
	return append(slices.Clone(kept), known.Epoch)
}

// promisers are the backups of a claim that are to stay and answered: one that did not may follow somebody else by now.
func (c *Core) promisers(q *question) []replica.Boot {
	return slices.DeleteFunc(without(q.known.Backups, q.out), func(b replica.Boot) bool {
		return !slices.ContainsFunc(q.held, func(h holding) bool { return h.boot == b })
	})
}

func without(all, out []replica.Boot) []replica.Boot {
	return slices.DeleteFunc(slices.Clone(all), func(b replica.Boot) bool { return slices.Contains(out, b) })
}

// survivors are the other backups of a claim that promised, live and can be brought up to date from what this node
// keeps, with how far each is.
func (c *Core) survivors(now replica.Instant, q *question) (boots []replica.Boot, positions []uint64) {
	data := c.slots[q.slot].data
	for _, b := range q.known.Backups {
		for _, h := range q.held {
			if h.boot == b && !c.suspect(now, b) && data.Joins(h.position.Seq) {
				boots = append(boots, b)
				positions = append(positions, h.position.Seq)
			}
		}
	}
	return boots, positions
}

// betterHolder reports whether another member holds more of a lost slot than this one.
func (c *Core) betterHolder(s *slot, q *question) bool {
	mine := s.data.Position()
	for _, h := range q.held {
		p := h.position
		if p.Epoch != mine.Epoch {
			if p.Epoch > mine.Epoch {
				return true
			}
			continue
		}
		if p.Seq > mine.Seq || p.Seq == mine.Seq && h.boot > c.Self() {
			return true
		}
	}
	return false
}

// emptyBackups are the slot's living home backups that hold nothing of it; like the new primary they start from zero.
func (c *Core) emptyBackups(q *question) []replica.Boot {
	home, _ := c.homeOf(q.slot)
	var boots []replica.Boot
	for _, b := range home {
		holds := slices.ContainsFunc(q.held, func(h holding) bool { return h.boot == b })
		if b != c.Self() && !holds && len(boots) < c.cfg.Backups {
			boots = append(boots, b)
		}
	}
	return boots
}
