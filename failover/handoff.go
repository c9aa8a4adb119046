package failover

import (
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// handOff is a slot that this node, its primary, is giving to one of its backups: it surrenders, waits until nothing is
// pending and every backup holds the whole log, and offers. The backup becomes primary by a claim of its own, and this
// node its backup, without a session being sent.
type handOff struct {
	slot    uint32
	to      replica.Boot
	why     cause
	began   time.Duration
	offered time.Duration // when it was last offered; zero: not yet
}

// offerHandOffAgain is how long an offer goes without a claim before it is sent again.
const offerHandOffAgain = 50 * time.Millisecond

// beginHandOff surrenders a slot and offers it in the same step if nothing is under way.
func (c *Core) beginHandOff(now replica.Instant, a action, fx *replica.Effects) {
	c.slots[a.slot].data.Surrender()
	c.handOffs = append(c.handOffs, handOff{slot: a.slot, to: a.peer, why: a.why, began: now.Mono})
	c.offerEven(now, a.slot, fx)
}

// offerEven offers a slot that is to be handed over as soon as its backups hold everything.
func (c *Core) offerEven(now replica.Instant, slot uint32, fx *replica.Effects) {
	if !c.slots[slot].data.Surrendered() {
		return
	}
	for i := range c.handOffs {
		if c.handOffs[i].slot == slot {
			c.offerHandOff(now, &c.handOffs[i], fx)
		}
	}
}

// endHandOff notes how long a slot was served by nobody, when somebody serves it again.
func (c *Core) endHandOff(now replica.Instant, slot uint32) {
	c.handOffs = slices.DeleteFunc(c.handOffs, func(h handOff) bool {
		if h.slot == slot {
			c.pauses.add(now.Mono - h.began)
		}
		return h.slot == slot
	})
}

// offeredTo is the backup that a slot is being handed over to, once it has been offered.
func (c *Core) offeredTo(slot uint32) replica.Boot {
	for _, h := range c.handOffs {
		if h.slot == slot && h.offered != 0 {
			return h.to
		}
	}
	return 0
}

// tickHandOffs offers again what was not taken up, and takes back what is late: before the offer simply, after it by a
// claim that asks everybody, because the other may have claimed meanwhile.
func (c *Core) tickHandOffs(now replica.Instant, fx *replica.Effects) {
	var back []action
	var kept []uint32
	for i := range c.handOffs {
		h := &c.handOffs[i]
		s := &c.slots[h.slot]
		switch late := c.suspect(now, h.to) || now.Mono-h.began > c.cfg.Lease; {
		case !late:
			c.offerHandOff(now, h, fx)
		case h.offered == 0:
			s.data.Keep()
			s.rest = now.Mono + c.restAfter(h.why)
			kept = append(kept, h.slot)
		case s.round == 0 && now.Mono >= s.retry:
			s.rest = now.Mono + c.restAfter(h.why)
			back = append(back, action{slot: h.slot, purpose: resume})
		}
	}
	for _, slot := range kept {
		c.endHandOff(now, slot)
	}
	if len(back) > 0 {
		c.ask(now, back, fx)
	}
}

// restAfter is how long a slot is left where it is after a hand-off that failed: each costs those who wait a pause.
func (c *Core) restAfter(why cause) time.Duration {
	if why == forDrain {
		return c.jitter(c.cfg.Lease)
	}
	return c.jitter(c.cfg.Settle)
}

func (c *Core) offerHandOff(now replica.Instant, h *handOff, fx *replica.Effects) {
	s := &c.slots[h.slot]
	head, even := s.data.Even()
	if !even || now.Mono-h.offered < offerHandOffAgain || s.round != 0 {
		return
	}
	h.offered = now.Mono
	s.ballot = max(s.ballot, s.claim.Epoch+1) // what the other may claim
	send(fx, h.to, &replica.HandOff{Slot: h.slot, Epoch: s.claim.Epoch, Head: head, Locks: s.data.Locks(now)})
}

// take makes this node primary of a slot that its primary hands over. The claim needs no questions: the primary serves
// no more, and takes the slot back only after asking this node.
func (c *Core) take(now replica.Instant, from replica.Boot, m *replica.HandOff, fx *replica.Effects) {
	s := c.at(m.Slot)
	if s == nil || c.leaving || c.quiet || !c.takesIn() || c.ClockOff(c.Self()) ||
		s.claim.Primary != from || s.claim.Epoch != m.Epoch || s.data.Role() != replica.Backup ||
		s.data.Position().Seq != m.Head || s.promise.holds(now) {
		return
	}
	next := s.claim
	next.Epoch++
	next.Primary, next.Seen = c.Self(), uint32(c.aliveMembers())
	next.Lineage = replica.Took(s.claim.Lineage, next.Epoch, c.Self(), s.data.Newest())
	next.Backups = slices.Clone(s.claim.Backups)
	next.Backups[slices.Index(next.Backups, c.Self())] = from
	positions := make([]uint64, len(next.Backups))
	for i := range positions {
		positions[i] = m.Head
	}
	c.proclaim(now, next, positions, fx)
	s.data.TakeLocks(now, m.Locks)
	report(fx, EventMoved, next, from, 1)
}
