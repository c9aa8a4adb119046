package failover

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// cause says why a copy or a primary is to move. The lower goes first, in every queue.
type cause int

const (
	forCopy  cause = iota // a copy is missing
	forDrain              // a draining member is to be replaced, or one whose clock is off hands over
	forHome               // home is elsewhere
	causes
)

// hold is what keeps a step from being taken now.
type hold int

const (
	notHeld hold = iota
	heldByNobody
	heldByReceiver
	heldByMembership
	heldByInFlight
	heldByBudget
	heldByTakeover
	heldByCopies
	heldBySettling
	heldBySlowness
)

// room takes of the steps wanted those that the limits allow now, missing copies first, and notes what holds back the
// others. Moves home wait for everything else; what drains shares its limit with missing copies and comes after them.
func (c *Core) room(now replica.Instant, urgent int, wanted [causes][]action) []action {
	slices.SortStableFunc(wanted[forCopy], func(a, b action) int {
		return cmp.Compare(c.slots[b.slot].load, c.slots[a.slot].load)
	})
	room := c.cfg.TransfersMax - len(c.lessons) - len(c.handOffs)
	var allowed []action
	for why := range causes {
		n := room
		if why == forHome {
			n = min(room, c.cfg.MovesMax-c.underWay(forHome))
		}
		h := heldByInFlight
		if why == forHome {
			if by := c.holdsMoves(now, urgent, wanted); by != notHeld {
				n, h = 0, by
			}
		}
		steps := wanted[why]
		if h == heldByInFlight { // to end a move by one backup less takes a round, and no copy
			surplus := func(a action) bool { return a.purpose == spare }
			for _, a := range steps {
				if surplus(a) {
					allowed = append(allowed, a)
				}
			}
			steps = slices.DeleteFunc(steps, surplus)
		}
		n = min(max(n, 0), len(steps))
		if n < len(steps) {
			c.holdBack(why, h)
		}
		allowed = append(allowed, steps[:n]...)
		room -= n
	}
	return allowed
}

// holdsMoves is what keeps every slot from moving home.
func (c *Core) holdsMoves(now replica.Instant, urgent int, wanted [causes][]action) hold {
	settling, _ := c.settling.left(now, c.cfg.Settle)
	switch {
	case urgent > 0:
		return heldByTakeover
	case len(wanted[forCopy]) > 0 || c.underWay(forCopy) > 0 || c.held[forCopy] != notHeld:
		return heldByCopies
	case settling > 0:
		return heldBySettling
	case c.latency.slow(now, c.cfg.SlowFactor):
		return heldBySlowness
	}
	return notHeld
}

// underWay counts the learners that this node fills and the slots that it hands over for one cause.
func (c *Core) underWay(why cause) int {
	n := 0
	for _, l := range c.lessons {
		if l.why == why {
			n++
		}
	}
	for _, h := range c.handOffs {
		if h.why == why {
			n++
		}
	}
	return n
}

// holdBack notes what keeps a step from being taken; the first one counts.
func (c *Core) holdBack(why cause, by hold) {
	if c.held[why] == notHeld {
		c.held[why] = by
	}
}

// waiting says in words what holds the next step back; empty when nothing waits.
func (c *Core) waiting(now replica.Instant) string {
	if c.cfg.Self.Draining && !c.othersTake() {
		return c.words(now, forDrain, heldByNobody)
	}
	for why, by := range c.held {
		if by != notHeld {
			return c.words(now, cause(why), by)
		}
	}
	return ""
}

func (c *Core) words(now replica.Instant, why cause, by hold) string {
	switch by {
	case heldByNobody:
		return "nobody to take a copy"
	case heldByReceiver:
		return "the receiver is busy"
	case heldByMembership:
		return "gossip has not said who is alive"
	case heldByInFlight:
		limit := c.cfg.TransfersMax
		if why == forHome {
			limit = min(limit, c.cfg.MovesMax)
		}
		return fmt.Sprintf("%d slots in flight", limit)
	case heldByBudget:
		return "byte budget"
	case heldByTakeover:
		return "taking slots over first"
	case heldByCopies:
		return "restoring copies first"
	case heldBySettling:
		left, flapping := c.settling.left(now, c.cfg.Settle)
		text := fmt.Sprintf("settling %d s", int((left+time.Second-1)/time.Second))
		if flapping {
			text = "members come and go: " + text
		}
		return text
	case heldBySlowness:
		return "requests are slow"
	}
	return ""
}
