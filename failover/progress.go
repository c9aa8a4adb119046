package failover

import (
	"time"

	"github.com/sessnode/sessnode/replica"
)

// Progress is what changes of membership still ask of a node, and what holds the next step back.
type Progress struct {
	Restoring int // learners that this node fills because a copy is missing
	Moving    int // slots that this node moves home or off a draining member: learners and hand-offs
	// Left counts the slots of this node that are short of a copy or not at home, those under way included; of a
	// draining node, those whose claim still names it or of which it has something to offer.
	Left      int
	LeftBytes int // of the sessions that are still to be sent for the learners under way; an estimate

	// Least is how long that takes at least, at the byte budget.
	Least time.Duration

	// Waiting is why the next step is not taken now, as an operator reads it, such as "settling 6 s" or "byte budget";
	// empty when nothing waits.
	Waiting string

	SentBytes uint64 // of sessions to learners and acting primaries, since the start
	// Pauses are those of the last hand-offs that this node gave, oldest first, 1,024 at most: from surrender to the
	// next claim that it knows of, its own if the offer was not taken up.
	Pauses []time.Duration
}

// Progress is how far the node is with what it has to move. It looks at every slot.
func (c *Core) Progress(now replica.Instant) Progress {
	p := Progress{
		Restoring: c.underWay(forCopy), Moving: c.underWay(forDrain) + c.underWay(forHome),
		Waiting: c.waiting(now), SentBytes: c.budget.sent, Pauses: c.pauses.list(),
	}
	for _, l := range c.lessons {
		p.LeftBytes += c.slots[l.slot].data.RemainingBytes(l.learner)
	}
	p.Least = time.Duration(float64(p.LeftBytes) / float64(c.cfg.BytesPerSecond) * float64(time.Second))
	gone := c.gone(now)
	for i := range c.slots {
		s := &c.slots[i]
		if s.data.Role() != replica.Primary {
			if c.cfg.Self.Draining && s.occupied(c.Self()) {
				p.Left++
			}
			continue
		}
		v := c.view(now, s, uint32(i))
		a, _ := c.nextMove(now, v, gone)
		if a.purpose != 0 || len(v.learners) > 0 || s.data.Surrendered() || c.cfg.Self.Draining {
			p.Left++
		}
	}
	return p
}

// pauses keeps the last ones.
type pauses struct {
	kept []time.Duration
	next int // to be overwritten once there are pausesMax
}

const pausesMax = 1024

func (p *pauses) add(d time.Duration) {
	if len(p.kept) < pausesMax {
		p.kept = append(p.kept, d)
		return
	}
	p.kept[p.next] = d
	p.next = (p.next + 1) % pausesMax
}

// list is every pause kept, oldest first.
func (p *pauses) list() []time.Duration {
	return append(append([]time.Duration(nil), p.kept[p.next:]...), p.kept[:p.next]...)
}
