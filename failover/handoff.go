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
	began   time.Duration
	offered time.Duration // when it was last offered; zero: not yet
}

// offerHandOffAgain is how long an offer goes without a claim before it is sent again.
const offerHandOffAgain = 50 * time.Millisecond

func (c *Core) beginHandOff(now replica.Instant, a action) {
	c.slots[a.slot].data.Surrender()
	c.handOffs = append(c.handOffs, handOff{slot: a.slot, to: a.peer, began: now.Mono})
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

// tickHandOffs offers what is ready, and takes back what is not taken up: before the offer simply, after it by a claim
// that asks everybody, because the other may have claimed meanwhile.
func (c *Core) tickHandOffs(now replica.Instant, fx *replica.Effects) {
	var back []action
	c.handOffs = slices.DeleteFunc(c.handOffs, func(h handOff) bool {
		s := &c.slots[h.slot]
		late := c.suspect(now, h.to) || now.Mono-h.began > c.cfg.Lease
		switch {
		case !s.data.Surrendered(): // somebody has claimed
			return true
		case late && h.offered == 0:
			s.data.Keep()
			s.retry = now.Mono + c.jitter(c.cfg.Settle)
			return true
		case late && s.round == 0 && now.Mono >= s.retry:
			back = append(back, action{slot: h.slot, purpose: resume})
		}
		return false
	})
	for i := range c.handOffs {
		c.offerHandOff(now, &c.handOffs[i], fx)
	}
	if len(back) > 0 {
		c.ask(now, back, fx)
	}
}

func (c *Core) offerHandOff(now replica.Instant, h *handOff, fx *replica.Effects) {
	s := &c.slots[h.slot]
	head, even := s.data.Even()
	if !even || now.Mono-h.offered < offerHandOffAgain || s.round != 0 {
		return
	}
	h.offered = now.Mono
	s.ballot = max(s.ballot, s.claim.Epoch+1) // what the other may claim
	send(fx, h.to, &replica.HandOff{Slot: h.slot, Epoch: s.claim.Epoch, Head: head})
}

// take makes this node primary of a slot that its primary hands over. The claim needs no questions: the primary serves
// no more, and takes the slot back only after asking this node.
func (c *Core) take(now replica.Instant, from replica.Boot, m *replica.HandOff, fx *replica.Effects) {
	s := c.at(m.Slot)
	if s == nil || c.leaving || c.quiet || s.claim.Primary != from || s.claim.Epoch != m.Epoch ||
		s.data.Role() != replica.Backup || s.data.Position().Seq != m.Head || s.promise.holds(now) {
		return
	}
	next := s.claim
	next.Epoch++
	next.Primary, next.Seen = c.Self(), uint32(c.aliveMembers())
	next.Lineage = s.claim.Took(next.Epoch, c.Self(), s.data.Newest())
	next.Backups = slices.Clone(s.claim.Backups)
	next.Backups[slices.Index(next.Backups, c.Self())] = from
	positions := make([]uint64, len(next.Backups))
	for i := range positions {
		positions[i] = m.Head
	}
	c.proclaim(now, next, positions, fx)
	report(fx, EventMoved, next, from, 1)
}

// spare issues a claim without a backup that home does not want. The lease holds, so no questions are needed; what the
// backup holds it drops once this node confirms that it has everything.
func (c *Core) spare(now replica.Instant, a action, fx *replica.Effects) {
	s := &c.slots[a.slot]
	if !c.leased(now, s.claim) || s.promise.holds(now) {
		return
	}
	next := s.claim
	next.Epoch++
	next.Seen = uint32(c.aliveMembers())
	next.Backups = without(s.claim.Backups, []replica.Boot{a.peer})
	c.proclaim(now, next, make([]uint64, len(next.Backups)), fx)
}
