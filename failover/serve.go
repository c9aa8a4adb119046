package failover

import (
	"fmt"
	"slices"

	"github.com/sessnode/sessnode/replica"
)

// Request answers a client's request if this node is the slot's serving primary under a lease; otherwise the status says
// who to ask, or to try again. The slot is that of the request and must be in range; t stands for it in the effects.
func (c *Core) Request(now replica.Instant, slot uint32, t replica.Token, m *replica.Request, fx *replica.Effects) {
	c.request(now, slot, request{Request: m, token: t}, fx)
}

// request serves a client's request, refuses it, or lets it wait.
func (c *Core) request(now replica.Instant, slot uint32, q request, fx *replica.Effects) {
	st, why := c.serving(now, slot), ""
	if c.wait(now, slot, st, q, fx) {
		return
	}
	if st == replica.StatusOK && (c.guarded(q, &why) || q.List != nil && c.slots[slot].data.Reuniting()) {
		st = replica.StatusUnavailable
	}
	if st != replica.StatusOK {
		fx.Done = append(fx.Done, replica.Done{Token: q.token, Result: replica.Result{Status: st, Detail: why}})
		return
	}
	c.slots[slot].load++
	c.slots[slot].data.Request(now, q.token, q.Request, fx)
}

// guarded reports whether the policy forbids a commit or a lock because this node sees too few members. A logout is never
// refused.
func (c *Core) guarded(q request, why *string) bool {
	changes := q.Commit != nil && !q.Commit.Destroy || q.Lock != nil
	if !changes || c.aliveMembers() >= c.cfg.MinMembers {
		return false
	}
	*why = fmt.Sprintf("guard: %d members are alive, %d are needed", c.aliveMembers(), c.cfg.MinMembers)
	return true
}

// Disown ends the locks that were asked for or renewed last over a connection that is gone, see [replica.Lock]. What it
// asked for and waits is refused; what it gave back is given back.
func (c *Core) Disown(now replica.Instant, owner uint64, fx *replica.Effects) {
	for i := range c.slots {
		s := &c.slots[i]
		s.data.Disown(now, owner, fx)
		s.waiting = slices.DeleteFunc(s.waiting, func(q request) bool {
			gone := q.Lock != nil && q.Lock.Owner == owner && !q.Lock.Release
			if gone {
				fx.Done = append(fx.Done, replica.Done{Token: q.token, Result: replica.Result{Status: replica.StatusUnavailable}})
			}
			return gone
		})
	}
}

func (c *Core) serving(now replica.Instant, slot uint32) replica.Status {
	s := &c.slots[slot]
	switch {
	case s.claim.IsZero():
		return replica.StatusUnavailable
	case !s.data.Told():
		return replica.StatusUnavailable // the primary does not know yet what this node holds
	case s.claim.Primary != c.Self():
		return replica.StatusNotPrimary
	case c.quiet || c.leaving || !s.data.Serving() || !c.leased(now, s.claim):
		return replica.StatusUnavailable
	}
	return replica.StatusOK
}

// update takes an entry as a backup or learner, if it came from the primary of the highest claim and nobody else was
// promised the slot.
func (c *Core) update(now replica.Instant, from replica.Boot, m *replica.Update, fx *replica.Effects) {
	s := c.at(m.Slot)
	if s == nil || s.promise.holds(now) && s.promise.to != from {
		return
	}
	role := s.data.Role()
	if s.claim.Primary == from && m.Epoch < s.claim.Epoch && (role == replica.Backup || role == replica.Learner) {
		return // overtaken by the claim: it comes again under that one, and no refusal may look like one of that
	}
	if s.claim.Epoch != m.Epoch || s.claim.Primary != from || role != replica.Backup && role != replica.Learner {
		send(fx, from, &replica.Fenced{Claim: s.claim})
		return
	}
	s.taught = now.Mono
	s.load++ // so that a backup that takes over knows which slots are busy
	s.data.Update(now, m)
	if n := len(c.acks); n == 0 || c.acks[n-1] != m.Slot {
		c.acks = append(c.acks, m.Slot)
	}
}

// refused handles a replica's refusal: it knows a higher claim, or has not heard of ours yet, or knows ours and cannot
// follow it, for which it is evicted.
func (c *Core) refused(now replica.Instant, from replica.Boot, m *replica.Fenced, fx *replica.Effects) {
	s := c.at(m.Claim.Slot)
	if s == nil {
		return
	}
	if c.adopt(now, from, m.Claim, fx) {
		report(fx, EventFenced, m.Claim, from, 1)
		return
	}
	if s.claim.Primary != c.Self() {
		return
	}
	if m.Claim.Same(s.claim) && slices.Contains(s.claim.Backups, from) && !slices.Contains(s.unfit, from) {
		s.unfit = append(s.unfit, from)
	}
	if now.Mono-s.fenced < scanEvery {
		return
	}
	s.fenced = now.Mono
	send(fx, from, &replica.Claims{Claims: []replica.Claim{s.claim}})
	s.data.Resend(now, from, fx)
}
