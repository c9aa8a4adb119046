package failover

import (
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// request is a client's.
type request struct {
	*replica.Request
	token replica.Token // this node's
	until time.Duration // Instant.Mono until which it waits; zero: it does not yet
}

// waitingMax bounds the requests that wait for one slot; more are refused, for the client to try again.
const waitingMax = 1024

// wait keeps a request, which would be answered with st, back for what will be over in a moment: the slot is being handed
// over; or what it asks for may be held by a node that was on the other side of a split, which is asked first. It waits
// for no longer than a lease.
func (c *Core) wait(now replica.Instant, slot uint32, st replica.Status, q request, fx *replica.Effects) bool {
	s := &c.slots[slot]
	switch {
	case q.until != 0 && now.Mono >= q.until, len(s.waiting) >= waitingMax, c.quiet, c.leaving:
		return false
	case s.data.Surrendered():
	case !s.data.Told():
	case st == replica.StatusOK && !c.merged(now, s, q, fx):
	default:
		return false
	}
	if q.until == 0 {
		q.until = now.Mono + c.cfg.Lease
	}
	s.waiting = append(s.waiting, q)
	return true
}

// merged reports whether what a request asks for is merged with what nodes outside the claim are known to hold.
func (c *Core) merged(now replica.Instant, s *slot, q request, fx *replica.Effects) bool {
	if q.List != nil {
		return !s.data.Reuniting()
	}
	return s.data.Merged(now, q.Key(), fx)
}

// stir marks a slot whose waiting requests may go on.
func (c *Core) stir(slot uint32) {
	if len(c.slots[slot].waiting) > 0 && !slices.Contains(c.stirred, slot) {
		c.stirred = append(c.stirred, slot)
	}
}

// goOn tries the waiting requests of the slots that were stirred again, at the end of a step.
func (c *Core) goOn(now replica.Instant, fx *replica.Effects) {
	for _, n := range c.stirred {
		s := &c.slots[n]
		waiting := s.waiting
		s.waiting = nil
		for _, q := range waiting {
			c.request(now, n, q, fx)
		}
	}
	c.stirred = c.stirred[:0]
}
