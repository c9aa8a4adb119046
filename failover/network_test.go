package failover_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// network carries messages between boots on lanes, each in order, as package wire does: control messages, logs of
// slots, bulk.
type network struct {
	links map[[2]int]*link // by the indexes of both ends, the lower first
	free  []*parcel        // to be used again

	cut    map[[2]string]cutMode // from the first to the second
	cutAt  map[[2]string]time.Duration
	mended time.Duration // when the last cut ended
	held   []*parcel
	lies   map[[2]string]time.Duration // until when gossip tells the first wrongly that the second is dead
	mute   map[string]bool             // gossip does not tell the node which cluster there is
	spy    func(from, to *simNode, m replica.Message)
	// lose drops a message when it returns true.
	lose func(from, to *simNode, m replica.Message) bool
}

// path is one end of a connection, as its sender sees it.
type path struct {
	link  *link
	down  bool // this end knows of no connection
	lanes [lanesMax]struct {
		last  time.Duration // when the last message arrives
		still time.Duration // until when the lane stands still
	}
}

// link is the connection of two boots.
type link struct {
	run int // rises when it breaks; what was under way is lost
}

// parcel is a message under way.
type parcel struct {
	from, to *simNode
	link     *link
	run      int           // of the link when it was sent
	sent     time.Duration // Instant.Mono of the sender
	m        replica.Message
}

type cutMode int

const (
	cutDrop cutMode = iota + 1 // messages are lost; the connection breaks
	cutHold                    // messages arrive when the cut ends, in order: the connection outlives it
)

func newNetwork() network {
	return network{
		links: map[[2]int]*link{},
		cut:   map[[2]string]cutMode{}, cutAt: map[[2]string]time.Duration{},
		lies: map[[2]string]time.Duration{}, mute: map[string]bool{},
	}
}

// pairOf is a pair of names in one order.
func pairOf(a, b string) [2]string { return [2]string{min(a, b), max(a, b)} }

func (w *world) linked(a, b string) bool {
	return len(w.net.cut) == 0 || w.net.cut[[2]string{a, b}] == 0 && w.net.cut[[2]string{b, a}] == 0
}

// path is the way from one boot to another.
func (w *world) path(from, to *simNode) *path {
	for len(from.paths) <= to.index {
		from.paths = append(from.paths, nil)
	}
	if from.paths[to.index] == nil {
		pair := [2]int{min(from.index, to.index), max(from.index, to.index)}
		if w.net.links[pair] == nil {
			w.net.links[pair] = &link{}
		}
		from.paths[to.index] = &path{link: w.net.links[pair]}
	}
	return from.paths[to.index]
}

// lanesMax is the number of lanes; the first is for control, the last for bulk.
const lanesMax = 6

// laneOf chooses a lane as the node does.
func laneOf(m replica.Message) int {
	log := func(slot uint32) int { return 1 + int(slot)%(lanesMax-2) }
	switch m := m.(type) {
	case *replica.Update:
		return log(m.Slot)
	case *replica.Ack:
		return log(m.Slot)
	case *replica.Check:
		return log(m.Slot)
	case *replica.Fetched:
		return log(m.Slot)
	case *replica.Fenced:
		return log(m.Claim.Slot)
	case *replica.Claims:
		if len(m.Claims) == 1 {
			return log(m.Claims[0].Slot)
		}
	case *replica.Snapshot, *replica.SnapshotReply, *replica.Offer, *replica.OfferReply, *replica.Tail:
		return lanesMax - 1
	}
	return 0
}

func (w *world) delay() time.Duration { return time.Duration(100+w.rng.IntN(900)) * time.Microsecond }

// arrival is when a message sent now on a lane arrives.
func (w *world) arrival(p *path, number int) time.Duration {
	l := &p.lanes[number]
	if w.cfg.jumpy && w.rng.IntN(300) == 0 {
		l.still = w.now + w.upTo(80*time.Millisecond)
	}
	l.last = max(w.now+w.delay(), l.last, l.still)
	return l.last
}

func (w *world) send(from *simNode, e replica.Envelope) {
	to := w.boots[e.To]
	if to == nil || !from.up {
		return
	}
	w.checkSent(from, e.Msg)
	p := w.path(from, to)
	if p.down || w.cfg.drop > 0 && w.rng.Float64() < w.cfg.drop || w.net.lose != nil && w.net.lose(from, to, e.Msg) {
		return
	}
	if w.show != "" {
		w.print(from, to, e.Msg)
	}
	if w.net.spy != nil {
		w.net.spy(from, to, e.Msg)
	}
	number := laneOf(e.Msg)
	w.dispatch(p, number, from, to, e.Msg)
	if w.cfg.dup > 0 && w.rng.Float64() < w.cfg.dup {
		w.dispatch(p, number, from, to, e.Msg)
	}
}

func (w *world) dispatch(p *path, number int, from, to *simNode, m replica.Message) {
	var c *parcel
	if last := len(w.net.free) - 1; last >= 0 {
		c, w.net.free = w.net.free[last], w.net.free[:last]
	} else {
		c = &parcel{}
	}
	*c = parcel{from, to, p.link, p.link.run, from.instant(w.now).Mono, m}
	w.queue.add(event{at: w.arrival(p, number), parcel: c})
}

// print shows a message if SIM_SHOW is part of its line.
func (w *world) print(from, to *simNode, m replica.Message) {
	line := fmt.Sprintf("%9.4fs %s > %s %T %+v", (w.now - began).Seconds(), from.name, to.name, m, m)
	if strings.Contains(line, w.show) {
		fmt.Println(line)
	}
}

// recall keeps the last messages delivered, for a failure.
func (w *world) recall(c *parcel) {
	switch c.m.(type) {
	case *replica.Heartbeat, *replica.HeartbeatReply:
		return
	}
	line := fmt.Sprintf("%9.4fs %s > %s %T %+v", (w.now - began).Seconds(), c.from.name, c.to.name, c.m, c.m)
	if w.messages = append(w.messages, line); len(w.messages) > 80 {
		w.messages = w.messages[40:]
	}
}

func (w *world) deliver(c *parcel) {
	mode := cutMode(0)
	if len(w.net.cut) > 0 {
		mode = w.net.cut[[2]string{c.from.name, c.to.name}]
	}
	switch {
	case !c.to.up || c.link.run != c.run || mode == cutDrop:
	case mode == cutHold:
		w.net.held = append(w.net.held, c)
		return
	case c.to.paused:
		c.to.inbox = append(c.to.inbox, func() { w.deliver(c) })
		return
	case c.from.muted && !slices.Contains(c.from.heardBy, c.to):
		c.from.unheard = append(c.from.unheard, c)
		return
	default:
		w.receive(c)
	}
	*c = parcel{}
	w.net.free = append(w.net.free, c)
}

func (w *world) receive(c *parcel) {
	w.steps++
	if w.detailed {
		w.recall(c)
	}
	m := c.m
	if shift := c.to.instant(w.now).Mono - c.sent; w.cfg.drift > 0 {
		m = aged(m, shift)
	}
	w.step(c.to, func(now replica.Instant, fx *replica.Effects) { c.to.core.Receive(now, c.from.self.Boot, m, fx) })
	w.checkReceived(c.to, m)
}

// aged is a message as its receiver decodes it: the last access of a session travels as an age.
func aged(m replica.Message, shift time.Duration) replica.Message {
	older := func(parts []replica.Part) []replica.Part {
		parts = slices.Clone(parts)
		for i := range parts {
			s := *parts[i].Session
			s.Accessed += shift
			parts[i].Session = &s
		}
		return parts
	}
	switch m := m.(type) {
	case *replica.Update:
		u := *m
		u.Entry.Parts = older(m.Entry.Parts)
		return &u
	case *replica.Snapshot:
		s := *m
		s.Parts = older(m.Parts)
		return &s
	case *replica.Offer:
		o := *m
		o.Parts = older(m.Parts)
		return &o
	case *replica.Tail:
		t := *m
		t.Entries = slices.Clone(m.Entries)
		for i := range t.Entries {
			t.Entries[i].Parts = older(t.Entries[i].Parts)
		}
		return &t
	}
	return m
}

// cutOff cuts one direction.
func (w *world) cutOff(from, to string, mode cutMode) {
	w.net.cut[[2]string{from, to}] = mode
	w.net.cutAt[pairOf(from, to)] = w.now
}

// mend ends the cuts between two nodes, in both directions. After a dropping one the connection is a new one.
func (w *world) mend(a, b string) {
	ab, ba := [2]string{a, b}, [2]string{b, a}
	broken := w.net.cut[ab] == cutDrop || w.net.cut[ba] == cutDrop
	w.net.mended = w.now
	delete(w.net.cut, ab)
	delete(w.net.cut, ba)
	if broken {
		w.reset(a, b)
	}
	var rest []*parcel
	for _, c := range w.net.held {
		if pairOf(c.from.name, c.to.name) == pairOf(a, b) {
			w.queue.add(event{at: w.now, parcel: c})
		} else {
			rest = append(rest, c)
		}
	}
	w.net.held = rest
}

// reset breaks the connection of two nodes: what is under way is lost, and after a moment there is a new one, which each
// end gets to know by itself.
func (w *world) reset(a, b string) {
	na, nb := w.nodes[a], w.nodes[b]
	l := w.path(na, nb).link
	l.run++
	run := l.run
	back := w.upTo(30 * time.Millisecond)
	for _, end := range [][2]*simNode{{na, nb}, {nb, na}} {
		w.path(end[0], end[1]).down = true
		w.after(back+w.delay(), func() { w.linkUp(end[0], end[1], l, run) })
	}
}

func (w *world) linkUp(n, peer *simNode, l *link, run int) {
	if l.run != run || !n.up {
		return
	}
	if n.paused {
		n.inbox = append(n.inbox, func() { w.linkUp(n, peer, l, run) })
		return
	}
	w.path(n, peer).down = false
	w.step(n, func(now replica.Instant, fx *replica.Effects) { n.core.LinkUp(now, peer.self.Boot, fx) })
}
