package failover_test

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// network carries messages between boots on lanes, each in order, as package wire does: control messages, logs of
// slots, bulk.
type network struct {
	lanes map[lane]time.Duration // when the last message of a lane arrives
	still map[lane]time.Duration // until when a lane stands still
	links map[[2]replica.Boot]*link

	cut   map[[2]string]cutMode // from the first to the second
	cutAt map[[2]string]time.Duration
	held  []heldMessage
	lies  map[[2]string]time.Duration // until when gossip tells the first wrongly that the second is dead
	mute  map[string]bool             // gossip does not tell the node which cluster there is
	spy   func(from, to *simNode, m replica.Message)
	// lose drops a message when it returns true.
	lose func(from, to *simNode, m replica.Message) bool
}

type lane struct {
	from, to replica.Boot
	number   int
}

// link is the connection of two boots.
type link struct {
	run  int                   // rises when it breaks; what was under way is lost
	down map[replica.Boot]bool // this end knows of no connection
}

type cutMode int

const (
	cutDrop cutMode = iota + 1 // messages are lost; the connection breaks
	cutHold                    // messages arrive when the cut ends, in order: the connection outlives it
)

type heldMessage struct {
	pair [2]string
	run  func()
}

func newNetwork() network {
	return network{
		lanes: map[lane]time.Duration{}, still: map[lane]time.Duration{}, links: map[[2]replica.Boot]*link{},
		cut: map[[2]string]cutMode{}, cutAt: map[[2]string]time.Duration{},
		lies: map[[2]string]time.Duration{}, mute: map[string]bool{},
	}
}

// pairOf is a pair of names in one order.
func pairOf(a, b string) [2]string { return [2]string{min(a, b), max(a, b)} }

func (w *world) linked(a, b string) bool {
	return w.net.cut[[2]string{a, b}] == 0 && w.net.cut[[2]string{b, a}] == 0
}

func (w *world) link(a, b replica.Boot) *link {
	pair := [2]replica.Boot{min(a, b), max(a, b)}
	if w.net.links[pair] == nil {
		w.net.links[pair] = &link{down: map[replica.Boot]bool{}}
	}
	return w.net.links[pair]
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
func (w *world) arrival(l lane) time.Duration {
	if w.cfg.jumpy && w.rng.IntN(300) == 0 {
		w.net.still[l] = w.now + w.upTo(80*time.Millisecond)
	}
	at := max(w.now+w.delay(), w.net.lanes[l], w.net.still[l])
	w.net.lanes[l] = at
	return at
}

func (w *world) send(from *simNode, e replica.Envelope) {
	to := w.boots[e.To]
	if to == nil || !from.up {
		return
	}
	l := w.link(from.self.Boot, e.To)
	if l.down[from.self.Boot] || w.rng.Float64() < w.cfg.drop || w.net.lose != nil && w.net.lose(from, to, e.Msg) {
		return
	}
	w.show(from, to, e.Msg)
	if w.net.spy != nil {
		w.net.spy(from, to, e.Msg)
	}
	times := 1
	if w.rng.Float64() < w.cfg.dup {
		times = 2
	}
	for range times {
		at, run := w.arrival(lane{from.self.Boot, e.To, laneOf(e.Msg)}), l.run
		w.after(at-w.now, func() { w.deliver(from, to, l, run, e.Msg) })
	}
}

// show prints a message if SIM_SHOW is part of its line.
func (w *world) show(from, to *simNode, m replica.Message) {
	want := os.Getenv("SIM_SHOW")
	if want == "" {
		return
	}
	line := fmt.Sprintf("%9.4fs %s > %s %T %+v", (w.now - began).Seconds(), from.name, to.name, m, m)
	if strings.Contains(line, want) {
		fmt.Println(line)
	}
}

func (w *world) deliver(from, to *simNode, l *link, run int, m replica.Message) {
	pair := [2]string{from.name, to.name}
	switch {
	case !to.up || l.run != run || w.net.cut[pair] == cutDrop:
	case w.net.cut[pair] == cutHold:
		w.net.held = append(w.net.held, heldMessage{pair, func() { w.deliver(from, to, l, run, m) }})
	case to.paused:
		to.inbox = append(to.inbox, func() { w.deliver(from, to, l, run, m) })
	default:
		w.step(to, func(now replica.Instant, fx *replica.Effects) { to.core.Receive(now, from.self.Boot, m, fx) })
	}
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
	delete(w.net.cut, ab)
	delete(w.net.cut, ba)
	if broken {
		w.reset(a, b)
	}
	var rest []heldMessage
	for _, h := range w.net.held {
		if h.pair == ab || h.pair == ba {
			w.after(0, h.run)
		} else {
			rest = append(rest, h)
		}
	}
	w.net.held = rest
}

// reset breaks the connection of two nodes: what is under way is lost, and after a moment there is a new one, which each
// end gets to know by itself.
func (w *world) reset(a, b string) {
	na, nb := w.nodes[a], w.nodes[b]
	l := w.link(na.self.Boot, nb.self.Boot)
	l.run++
	run := l.run
	back := w.upTo(30 * time.Millisecond)
	for _, end := range [][2]*simNode{{na, nb}, {nb, na}} {
		l.down[end[0].self.Boot] = true
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
	delete(l.down, n.self.Boot)
	w.step(n, func(now replica.Instant, fx *replica.Effects) { n.core.LinkUp(now, peer.self.Boot, fx) })
}
