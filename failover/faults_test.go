package failover_test

import (
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
)

// kill ends a node at once; gossip finds out after a while.
func (w *world) kill(name string, detect time.Duration) {
	n := w.nodes[name]
	w.note("%s dies", name)
	n.up, n.died, n.detect = false, w.now, detect
	w.gossip(detect + time.Millisecond)
}

// drain tells a node to hand everything over; gossip tells the others.
func (w *world) drain(name string) {
	n := w.nodes[name]
	w.note("%s drains", name)
	n.core.Drain(n.instant(w.now))
	n.self.Draining = true
	w.gossip(20*time.Millisecond + w.upTo(w.cfg.lag+1))
}

// drained waits until a node has nothing left.
func (w *world) drained(name string, within time.Duration) {
	w.t.Helper()
	n := w.nodes[name]
	for deadline := w.now + within; !n.core.Drained(n.instant(w.now)); w.run(10 * time.Millisecond) {
		if w.now > deadline {
			w.fail("%s is not drained: %+v", name, n.core.Progress(n.instant(w.now)))
		}
	}
}

// leave ends a node in good order.
func (w *world) leave(name string) {
	n := w.nodes[name]
	n.core.Quiesce()
	n.left = true
	for i := 0; n.core.Open() > 0 && i < 1000; i++ {
		w.run(time.Millisecond)
	}
	w.step(n, func(_ replica.Instant, fx *replica.Effects) { n.core.Leave(fx) })
	w.run(w.upTo(20 * time.Millisecond))
	w.kill(name, w.upTo(100*time.Millisecond)+1)
}

// progress is what a node says of what it has to move.
func (w *world) progress(name string) failover.Progress {
	n := w.nodes[name]
	return n.core.Progress(n.instant(w.now))
}

// restart boots a node anew, with an empty memory, under another boot.
func (w *world) restart(name string) {
	w.start(name)
	w.gossip(10*time.Millisecond + w.upTo(w.cfg.lag+50*time.Millisecond))
}

// pause stops a node; what arrives waits. With mid set it stops in the middle of its next step: what that step does
// happens only when it goes on.
func (w *world) pause(name string, d time.Duration, mid bool) {
	n := w.nodes[name]
	w.note("%s stops for %v", name, d)
	if mid {
		n.holds = true
	} else {
		n.paused, n.since = true, w.now
	}
	w.after(d, func() { w.resume(n) })
	w.gossip(time.Second)
}

// resume lets a node go on: what waited is handled in one order or another.
func (w *world) resume(n *simNode) {
	n.holds = false
	if !n.paused || !n.up {
		return
	}
	n.paused = false
	w.note("%s goes on after %v", n.name, w.now-n.since)
	inbox, clients, outbox := n.inbox, n.clients, n.outbox
	n.inbox, n.clients, n.outbox = nil, nil, nil
	runAll := func(fs []func()) {
		for _, f := range fs {
			f()
		}
	}
	order := [][]func(){outbox, inbox, clients, {func() {
		w.step(n, func(now replica.Instant, fx *replica.Effects) { n.core.Tick(now, fx) })
	}}}
	w.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for _, fs := range order {
		runAll(fs)
	}
	w.gossip(50 * time.Millisecond)
}

// split cuts every pair of nodes on different sides.
func (w *world) split(side []string, mode cutMode) {
	w.check.strict = false
	w.note("split: %v from the others", side)
	in := map[string]bool{}
	for _, name := range side {
		in[name] = true
	}
	for _, a := range w.names {
		for _, b := range w.names {
			if in[a] && !in[b] {
				w.cutOff(a, b, mode)
				w.cutOff(b, a, mode)
			}
		}
	}
	w.gossip(time.Second)
}

// heal ends every cut.
func (w *world) heal() {
	w.note("heal")
	for i, a := range w.names {
		for _, b := range w.names[i+1:] {
			if !w.linked(a, b) {
				w.mend(a, b)
			}
		}
	}
	w.gossip(50 * time.Millisecond)
}

// any is a random name.
func (w *world) any() string { return w.names[w.rng.IntN(len(w.names))] }

// pair is two random names.
func (w *world) pair() (a, b string) {
	i := w.rng.IntN(len(w.names))
	j := (i + 1 + w.rng.IntN(len(w.names)-1)) % len(w.names)
	return w.names[i], w.names[j]
}

// settleIn bounds how long copies take to be restored after one fault.
const settleIn = 20 * time.Second

// faults are what one node or one connection may suffer without the cluster being split. Each returns when it is over.
var faults = map[string]func(w *world){
	"quick restart": func(w *world) {
		name := w.any()
		w.kill(name, time.Second)
		w.run(w.upTo(100 * time.Millisecond))
		w.restart(name)
	},
	"late restart": func(w *world) {
		name := w.any()
		w.kill(name, 700*time.Millisecond+w.upTo(700*time.Millisecond))
		w.run(w.upTo(4 * time.Second))
		if w.rng.IntN(2) == 0 {
			w.settled(settleIn)
		}
		w.restart(name)
	},
	"pause": func(w *world) {
		d := w.upTo(4 * time.Second)
		if w.rng.IntN(2) == 0 {
			d = w.upTo(800 * time.Millisecond)
		}
		w.pause(w.any(), d, w.rng.IntN(2) == 0)
		w.run(d + time.Millisecond)
	},
	"reset": func(w *world) {
		w.reset(w.pair())
		w.note("a connection is reset")
		w.run(w.upTo(100 * time.Millisecond))
	},
	"cut": func(w *world) { // of one pair, in one direction or both, while all others reach each other
		a, b := w.pair()
		mode := cutDrop
		d := w.upTo(4 * time.Second)
		if w.rng.IntN(2) == 0 {
			mode, d = cutHold, w.upTo(1500*time.Millisecond)
		}
		both := w.rng.IntN(2) == 0
		w.note("cut from %s to %s, mode %d, both %v, for %v", a, b, mode, both, d)
		w.cutOff(a, b, mode)
		if both {
			w.cutOff(b, a, mode)
		}
		w.run(d)
		w.mend(a, b)
		w.note("mended")
	},
	"lie": func(w *world) {
		a, b := w.pair()
		d := w.upTo(2 * time.Second)
		w.note("gossip tells %s for %v that %s is dead", a, d, b)
		w.net.lies[[2]string{a, b}] = w.now + d
		w.setMembers(w.nodes[a])
		w.run(d)
	},
}

// faultNames lists the faults in order, so that a seed means one run.
var faultNames = []string{"quick restart", "late restart", "pause", "reset", "cut", "lie"}
