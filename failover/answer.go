package failover

import "github.com/sessnode/sessnode/replica"

// answer tells an asker, slot by slot, whether it may claim. A promise makes this node obey and grant nobody else for
// the slot until the asker has claimed it or the promise has run out.
func (c *Core) answer(now replica.Instant, from replica.Boot, m *replica.Ask, fx *replica.Effects) {
	if c.cluster == 0 || c.leaving || c.peers[from] == nil {
		return
	}
	reply := &replica.Answer{Round: m.Round, Slots: make([]replica.AnsweredSlot, 0, len(m.Slots))}
	for _, asked := range m.Slots {
		s := c.at(asked.Slot)
		if s == nil {
			continue
		}
		c.adopt(now, from, asked.Known, fx)
		a := replica.AnsweredSlot{
			Slot: asked.Slot, Verdict: c.verdict(now, from, s, asked.Known),
			Holds: s.data.Holds(), Position: s.data.Position(),
		}
		switch a.Verdict {
		case replica.Outranked:
			a.Claim = s.claim
		case replica.Promised:
			s.ballot = max(s.ballot, asked.Known.Epoch+1)
			c.bind(now, s, from)
		}
		reply.Slots = append(reply.Slots, a)
	}
	send(fx, from, reply)
}

func (c *Core) verdict(now replica.Instant, from replica.Boot, s *slot, known replica.Claim) replica.Verdict {
	switch {
	case s.claim.Above(known):
		return replica.Outranked
	case s.promise.holds(now) && s.promise.to != from:
		return replica.Busy
	case from != s.claim.Primary && c.hears(now, s.claim.Primary):
		return replica.Hears
	}
	return replica.Promised
}

// bind promises a slot.
func (c *Core) bind(now replica.Instant, s *slot, to replica.Boot) {
	s.promise = promise{to: to, until: now.Mono + c.cfg.promiseFor()}
	c.bound = max(c.bound, s.promise.until)
}

// unbind ends the promises of slots that the asker does not claim, so that nobody else has to wait for them to run out.
func (c *Core) unbind(from replica.Boot, m *replica.Released) {
	for _, n := range m.Slots {
		if s := c.at(n); s != nil && s.promise.to == from {
			s.promise = promise{}
		}
	}
}

// hears reports whether a primary may still serve as far as this node knows: it is this node, or a lease granted to it
// may hold.
func (c *Core) hears(now replica.Instant, primary replica.Boot) bool {
	return primary == c.Self() || c.mayHoldLease(now, primary)
}
