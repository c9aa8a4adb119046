package simnet

import "time"

// link is one direction between two hosts: what befalls its packets, and what has.
type link struct {
	quality    quality
	generation uint64 // of the network's settings when quality was read
	// lastDue is when the last packet that keeps its order arrives; none that keeps its order arrives earlier.
	lastDue time.Time
	stats   Stats
}

// quality is what the settings say about one link.
type quality struct {
	cut                      bool
	delay                    delay
	loss, duplicate, reorder float64
}

type delay struct {
	latency, jitter time.Duration
}

// link returns the state of a route under the present settings, and makes it on first use. There are at most as many
// as pairs of hosts that ever sent and were sent to. The caller holds n.mu.
func (n *Network) link(rt route) *link {
	l := n.links[rt]
	if l == nil {
		l = &link{}
		n.links[rt] = l
	}
	if l.generation != n.generation {
		q := n.quality(rt)
		if q.delay != l.quality.delay {
			l.lastDue = time.Time{} // what was sent under an old latency does not slow down what follows
		}
		l.quality, l.generation = q, n.generation
	}
	return l
}

// quality reads the settings of a route. A host reaches itself, whatever they say.
func (n *Network) quality(rt route) quality {
	if rt.from == rt.to {
		return quality{}
	}
	return quality{
		cut:       n.cuts.get(rt),
		delay:     n.delays.get(rt),
		loss:      n.losses.get(rt),
		duplicate: n.duplicates.get(rt),
		reorder:   n.reorders.get(rt),
	}
}

// due says when a packet that leaves now arrives. The caller holds n.mu.
func (n *Network) due(l *link, now time.Time) time.Time {
	at := now.Add(l.quality.delay.latency)
	if jitter := l.quality.delay.jitter; jitter > 0 {
		at = at.Add(time.Duration(n.rand.Int64N(int64(jitter))))
	}
	if n.roll(l.quality.reorder) {
		l.stats.Reordered++
		return at.Add(n.cfg.ReorderDelay)
	}
	if at.Before(l.lastDue) {
		at = l.lastDue
	}
	l.lastDue = at
	return at
}

// roll is true with probability p. It leaves the dice alone where p is 0. The caller holds n.mu.
func (n *Network) roll(p float64) bool {
	return p > 0 && n.rand.Float64() < p
}
