package failover

import (
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// round is one batch of questions to every member believed alive.
type round struct {
	id        uint64
	sent      time.Duration
	again     time.Duration // when those missing were last asked
	message   *replica.Ask
	missing   []replica.Boot // asked, not answered yet
	answers   int
	questions []*question
}

// question is one slot of a round.
type question struct {
	action
	known replica.Claim // what the claim is to be above
	held  []holding     // members that hold something of the slot
	pull  replica.Boot  // whose entries are awaited; zero: nobody's
	over  bool
}

// holding is a member that promised and holds something of the slot.
type holding struct {
	boot     replica.Boot
	position replica.Position
}

// ask starts a round. The node binds itself first, as it asks the others to.
func (c *Core) ask(now replica.Instant, actions []action, fx *replica.Effects) {
	r := &round{id: c.cfg.Random.Uint64() | 1, sent: now.Mono, again: now.Mono, missing: slices.Clone(c.alive)}
	m := &replica.Ask{Round: r.id}
	r.message = m
	for _, a := range actions {
		s := &c.slots[a.slot]
		s.round = r.id
		c.bind(now, s, c.Self())
		r.questions = append(r.questions, &question{action: a, known: s.claim})
		m.Slots = append(m.Slots, replica.AskedSlot{Slot: a.slot, Known: s.claim})
	}
	c.rounds[r.id] = r
	c.sendAll(fx, m)
	c.conclude(now, r, fx)
}

// answered takes a member's verdicts.
func (c *Core) answered(now replica.Instant, from replica.Boot, m *replica.Answer, fx *replica.Effects) {
	r := c.rounds[m.Round]
	if r == nil || !slices.Contains(r.missing, from) {
		return
	}
	r.missing = slices.DeleteFunc(r.missing, func(b replica.Boot) bool { return b == from })
	r.answers++
	bySlot := make(map[uint32]*question, len(r.questions))
	for _, q := range r.questions {
		bySlot[q.slot] = q
	}
	for _, a := range m.Slots {
		if q := bySlot[a.Slot]; q != nil && !q.over {
			c.heed(now, from, q, a, fx)
		}
	}
	c.conclude(now, r, fx)
}

// heed takes one verdict.
func (c *Core) heed(now replica.Instant, from replica.Boot, q *question, a replica.AnsweredSlot, fx *replica.Effects) {
	switch a.Verdict {
	case replica.Promised:
		if a.Holds {
			q.held = append(q.held, holding{from, a.Position})
		}
	case replica.Outranked:
		c.giveUp(now, q, 0)
		c.adopt(now, from, a.Claim, fx)
	default:
		c.giveUp(now, q, c.jitter(c.cfg.Lease))
	}
}

// jitter is between half of d and one and a half.
func (c *Core) jitter(d time.Duration) time.Duration {
	return d/2 + time.Duration(c.cfg.Random.Int64N(int64(d)))
}

// giveUp ends a question without a claim; the planner may come back to the slot after a while.
func (c *Core) giveUp(now replica.Instant, q *question, after time.Duration) {
	s := &c.slots[q.slot]
	q.over = true
	s.round, s.retry = 0, now.Mono+after
	c.released = append(c.released, q.slot)
	if s.promise.to == c.Self() {
		s.promise = promise{}
	}
}

// tickRounds asks again who has not answered, and concludes what only time was missing for.
func (c *Core) tickRounds(now replica.Instant, fx *replica.Effects) {
	for _, id := range c.roundIDs() {
		r := c.rounds[id]
		if now.Mono-r.again > c.cfg.Lease/2 {
			r.again = now.Mono
			for _, b := range r.missing {
				send(fx, b, r.message)
			}
		}
		c.conclude(now, r, fx)
	}
}

func (c *Core) roundIDs() []uint64 {
	ids := make([]uint64, 0, len(c.rounds))
	for id := range c.rounds {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// conclude claims every slot of the round for which nothing is missing any more.
func (c *Core) conclude(now replica.Instant, r *round, fx *replica.Effects) {
	var issued []replica.Claim
	open := 0
	for _, q := range r.questions {
		switch {
		case q.over:
			continue
		case c.slots[q.slot].claim.Above(q.known):
			c.giveUp(now, q, 0)
		case now.Mono-r.sent > c.cfg.promiseFor()-c.cfg.Lease:
			c.giveUp(now, q, c.jitter(c.cfg.Lease)) // promises run out
		case q.pull != 0 || c.awaited(now, r, q):
			open++
		case c.behind(now, r, q, fx):
			open++
		default:
			if claim, ok := c.claimFor(now, r, q, fx); ok {
				issued = append(issued, claim)
			}
		}
	}
	if len(c.released) > 0 {
		c.sendAll(fx, &replica.Released{Slots: c.released})
		c.released = nil
	}
	if len(issued) > 0 {
		c.sendAll(fx, &replica.Claims{Claims: issued})
	}
	if open == 0 {
		delete(c.rounds, r.id)
	}
}

// awaited reports whether some member's answer must be waited for: a living replica's always, any other's for the time
// of a lease. Who would claim a slot as empty or left behind must hear everybody whom gossip calls a member, however
// silent: any of them may be a replica by a claim that the asker never heard of, and on a machine with too much to do
// silence means little.
func (c *Core) awaited(now replica.Instant, r *round, q *question) bool {
	everybody := q.purpose == populate || q.purpose == revive || q.purpose == fillIn
	for _, b := range r.missing {
		if p := c.peers[b]; everybody && p != nil && p.alive {
			return true
		}
		replicates := q.purpose == resume || slices.Contains(q.known.Backups, b) && !slices.Contains(q.out, b)
		if !c.suspect(now, b) && (replicates || now.Mono-r.sent < c.cfg.Lease) {
			return true
		}
	}
	return false
}

// behind fetches what the replica that is furthest holds and this node lacks, and reports whether the question is still
// open.
func (c *Core) behind(now replica.Instant, r *round, q *question, fx *replica.Effects) bool {
	if q.purpose != promote {
		return false
	}
	s := &c.slots[q.slot]
	mine, far := s.data.Position(), holding{position: s.data.Position()}
	for _, h := range q.held {
		if slices.Contains(q.known.Backups, h.boot) && h.position.Seq > far.position.Seq {
			far = h
		}
	}
	if far.boot == 0 {
		return false
	}
	q.pull = far.boot
	send(fx, far.boot, &replica.Pull{Round: r.id, Slot: q.slot, After: mine})
	return true
}

// pulled takes the entries that were fetched. If they do not join on, the other replica is the better primary and gets
// the time to become it.
func (c *Core) pulled(now replica.Instant, from replica.Boot, m *replica.Tail, fx *replica.Effects) {
	r := c.rounds[m.Round]
	if r == nil {
		return
	}
	for _, q := range r.questions {
		if q.slot != m.Slot || q.over || q.pull != from {
			continue
		}
		q.pull = 0
		if !m.Complete {
			c.giveUp(now, q, 3*c.cfg.Lease)
			continue
		}
		c.slots[q.slot].data.Absorb(now, m.Entries)
	}
	c.conclude(now, r, fx)
}
