package simnet

import (
	"container/heap"
	"net/netip"
	"time"
)

// packet is one datagram. It is read-only once it has left: a duplicate shares its payload.
type packet struct {
	from, to netip.AddrPort
	payload  []byte
	due      time.Time
	seq      uint64 // orders packets that are due at the same instant as they left
}

func (p *packet) route() route { return route{p.from.Addr(), p.to.Addr()} }

// flight is a heap of the packets under way, the next to arrive on top.
type flight []*packet

// Len implements [heap.Interface].
func (f flight) Len() int { return len(f) }

// Less implements [heap.Interface]: earlier first, and in the order in which they left.
func (f flight) Less(i, j int) bool {
	if f[i].due.Equal(f[j].due) {
		return f[i].seq < f[j].seq
	}
	return f[i].due.Before(f[j].due)
}

// Swap implements [heap.Interface].
func (f flight) Swap(i, j int) { f[i], f[j] = f[j], f[i] }

// Push implements [heap.Interface].
func (f *flight) Push(x any) { *f = append(*f, x.(*packet)) }

// Pop implements [heap.Interface].
func (f *flight) Pop() any {
	last := len(*f) - 1
	p := (*f)[last]
	(*f)[last] = nil
	*f = (*f)[:last]
	return p
}

// deliver is the network's one goroutine: it sleeps until the next packet is due and hands it over. Close stops it.
func (n *Network) deliver() {
	defer close(n.stopped)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if wait, pending := n.land(time.Now()); pending {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		select {
		case <-timer.C:
		case <-n.wake:
		case <-n.stop:
			return
		}
	}
}

// land hands over every packet that is due, and says how long the next one still takes.
func (n *Network) land(now time.Time) (wait time.Duration, pending bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.flight) > 0 {
		if wait := n.flight[0].due.Sub(now); wait > 0 {
			return wait, true
		}
		p := heap.Pop(&n.flight).(*packet)
		l := n.link(p.route())
		l.stats.UnderWay--
		n.arrive(l, p)
	}
	return 0, false
}

// send takes one packet from a socket and lets the link's faults loose on it.
func (n *Network) send(from, to netip.AddrPort, payload []byte) {
	if n.depart(&packet{from: from, to: to, payload: payload}, time.Now()) {
		select {
		case n.wake <- struct{}{}:
		default: // a wake-up is waiting already
		}
	}
}

// depart reports whether the goroutine must be woken because the packet is the next to arrive.
func (n *Network) depart(p *packet, now time.Time) (first bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.link(p.route())
	l.stats.Sent++
	if l.quality.cut {
		l.stats.DroppedCut++
		return false
	}
	if n.roll(l.quality.loss) {
		l.stats.DroppedLoss++
		return false
	}
	first = n.launch(l, p, now)
	if n.roll(l.quality.duplicate) {
		l.stats.Duplicated++
		again := *p
		first = n.launch(l, &again, now) || first
	}
	return first
}

// launch puts a packet under way; one that takes no time and has none before it arrives at once.
// The caller holds n.mu.
func (n *Network) launch(l *link, p *packet, now time.Time) (first bool) {
	p.due = n.due(l, now)
	if l.stats.UnderWay == 0 && !p.due.After(now) {
		n.arrive(l, p)
		return false
	}
	if len(n.flight) >= n.cfg.FlightLen {
		l.stats.DroppedFull++
		return false
	}
	n.sent++
	p.seq = n.sent
	l.stats.UnderWay++
	heap.Push(&n.flight, p)
	return n.flight[0] == p
}

// arrive puts a packet into its socket's queue. It never blocks. The caller holds n.mu.
func (n *Network) arrive(l *link, p *packet) {
	if l.quality.cut {
		l.stats.DroppedCut++
		return
	}
	c := n.conns[p.to]
	if c == nil {
		l.stats.DroppedNobody++
		return
	}
	select {
	case c.queue <- p:
		l.stats.Delivered++
	default:
		l.stats.DroppedFull++
	}
}
