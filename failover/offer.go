package failover

import (
	"github.com/sessnode/sessnode/replica"
)

// offersMax bounds the slots of which a node gives what it holds at a time. That it holds something it says of all.
const offersMax = 8

// offerHeld offers what this node holds outside the highest claims, or where it differs, to the acting primaries.
func (c *Core) offerHeld(now replica.Instant, fx *replica.Effects) {
	under := 0
	for _, i := range c.near {
		s := &c.slots[i]
		if !s.data.Offers() {
			continue
		}
		if s.data.Told() && s.data.Offering(now) {
			under++
		}
		c.offerNext(now, s, under >= offersMax, fx)
	}
}

// offerNext gives the acting primary the next chunk of what this node holds; when many slots are under way already, only
// the first, which says that there is something.
func (c *Core) offerNext(now replica.Instant, s *slot, crowded bool, fx *replica.Effects) {
	to := s.claim.Primary
	if to == c.Self() || c.misnamed(s) || c.suspect(now, to) || s.data.Told() && (crowded || !c.budget.ready(now)) {
		return
	}
	c.budget.spend(now, s.data.OfferNext(now, to, c.transferID(), fx))
}

// misnamed reports whether the claim counts this node, a holder, among the copies: until its primary has evicted it, nothing
// may be dropped.
func (c *Core) misnamed(s *slot) bool {
	return s.data.Role() == replica.Holder && s.claim.Holds(c.Self())
}

// receiveOffer handles all sides of an offer, and of the comparison that may lead to one.
func (c *Core) receiveOffer(now replica.Instant, from replica.Boot, m replica.Message, fx *replica.Effects) {
	switch m := m.(type) {
	case *replica.Offer:
		if s := c.at(m.Slot); s == nil {
			return
		} else if c.serving(now, m.Slot) != replica.StatusOK {
			send(fx, from, &replica.OfferReply{Slot: m.Slot, Transfer: m.Transfer, Chunk: m.Chunk, Refused: true})
		} else {
			s.data.Offer(now, from, m, fx)
			c.stir(m.Slot)
		}
	case *replica.OfferReply:
		if s := c.at(m.Slot); s != nil && !c.misnamed(s) {
			s.data.OfferReply(from, m)
			c.stir(m.Slot)
			c.yield(s)
			if s.data.Offers() && !m.Refused && s.claim.Primary == from {
				c.offerNext(now, s, false, fx)
			}
		}
	case *replica.Fetch:
		if s := c.at(m.Slot); s != nil && s.claim.Primary == from {
			s.data.Fetch(from, m, fx)
		}
	case *replica.Fetched:
		if s := c.at(m.Slot); s != nil && c.serving(now, m.Slot) == replica.StatusOK {
			s.data.Fetched(now, from, m, fx)
			c.stir(m.Slot)
		}
	case *replica.Check:
		if s := c.at(m.Slot); s != nil && s.claim.Primary == from {
			s.data.Checked(m, fx)
		}
	}
}

// checkNext compares as many slots with their backups as are due, so that each is once in CheckEvery. As often it asks the
// nodes that offer something whether they still do.
func (c *Core) checkNext(now replica.Instant, fx *replica.Effects) {
	per := max(1, int(c.cfg.CheckEvery/scanEvery))
	for range (len(c.slots) + per - 1) / per {
		c.checked = (c.checked + 1) % len(c.slots)
		if c.serving(now, uint32(c.checked)) == replica.StatusOK {
			c.slots[c.checked].data.Check(now, fx)
			c.slots[c.checked].data.AskOffering(fx)
		}
	}
}
