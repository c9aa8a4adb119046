package failover

import (
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// request is a client's; one of load and commit is set.
type request struct {
	token  replica.Token
	load   *replica.Load
	commit *replica.Commit
	until  time.Duration // Instant.Mono until which it waits; zero: it does not yet
}

func (q request) key() replica.Key {
	if q.load != nil {
		return q.load.Key
	}
	return q.commit.Key
}

// waitingMax bounds the requests that wait for one slot; more are refused, for the client to try again.
const waitingMax = 1024

// wait keeps a request, which would be answered with st, back for what will be over in a moment: the slot is being handed over; or the session may be held
// by a node that was on the other side of a split, which is asked first. It waits for no longer than a lease.
func (c *Core) wait(now replica.Instant, slot uint32, st replica.Status, q request, fx *replica.Effects) bool {
	s := &c.slots[slot]
	switch {
	case q.until != 0 && now.Mono >= q.until, len(s.waiting) >= waitingMax, c.quiet, c.leaving:
		return false
	case s.data.Surrendered():
	case !s.data.Told():
	case st == replica.StatusOK && !s.data.Merged(now, q.key(), fx):
	default:
		return false
	}
	if q.until == 0 {
		q.until = now.Mono + c.cfg.Lease
	}
	s.waiting = append(s.waiting, q)
	return true
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
