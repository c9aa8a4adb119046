package failover_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
)

// suffers counts a fault.
func (w *world) suffers(fault string) {
	w.steps++
	w.suffered[fault]++
}

// kill ends a node at once; gossip finds out after a while.
func (w *world) kill(name string, detect time.Duration) {
	w.suffers("kill")
	n := w.nodes[name]
	w.note("%s dies", name)
	n.up, n.died, n.detect, w.alive = false, w.now, detect, nil
	w.checkLoss(n)
	w.gossip(detect + time.Millisecond)
}

// drain tells a node to hand everything over; gossip tells the others.
func (w *world) drain(name string) {
	n := w.nodes[name]
	w.note("%s drains", name)
	n.core.Drain()
	n.self.Draining = true
	w.gossip(20*time.Millisecond + w.upTo(w.cfg.lag+1))
}

// drained waits until a node has nothing left.
func (w *world) drained(name string, within time.Duration) {
	w.t.Helper()
	n := w.nodes[name]
	for deadline := w.now + within; !n.core.Drained(); w.run(10 * time.Millisecond) {
		if w.now > deadline {
			w.fail("%s is not drained: %+v", name, n.core.Progress(n.instant(w.now)))
		}
	}
}

// depart is leave, and waits until the node has gone.
func (w *world) depart(name string) {
	n := w.nodes[name]
	for w.leave(name); n.up; {
		w.run(time.Millisecond)
	}
}

// progress is what a node says of what it has to move.
func (w *world) progress(name string) failover.Progress {
	n := w.nodes[name]
	return n.core.Progress(n.instant(w.now))
}

// restart boots a node anew, with an empty memory, under another boot.
func (w *world) restart(name string) {
	w.suffers("restart")
	w.start(name)
	w.gossip(10*time.Millisecond + w.upTo(w.cfg.lag+50*time.Millisecond))
}

// pause stops a node; what arrives waits. With mid set it stops in the middle of its next step: what that step does
// happens only when it goes on.
func (w *world) pause(name string, d time.Duration, mid bool) {
	w.suffers("pause")
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

// leave makes a node surrender its slots in order and end.
func (w *world) leave(name string) {
	w.suffers("leave")
	w.note("%s leaves", name)
	n := w.nodes[name]
	n.core.Quiesce()
	n.left = true
	patience := 1000
	var wait func()
	wait = func() {
		if patience--; n.up && (n.paused || n.core.Open() > 0 && patience > 0) {
			w.after(time.Millisecond, wait)
			return
		}
		if !n.up {
			return
		}
		w.step(n, func(_ replica.Instant, fx *replica.Effects) { n.core.Leave(fx) })
		w.after(w.upTo(50*time.Millisecond), func() {
			if n.up {
				w.kill(name, w.upTo(100*time.Millisecond)+1)
			}
		})
	}
	wait()
}

// split cuts every pair of nodes on different sides.
func (w *world) split(side []string, mode cutMode) {
	w.check.strict = false
	w.suffers("split")
	w.note("split: %v from the others, mode %d", side, mode)
	for _, a := range w.names {
		for _, b := range w.names {
			if slices.Contains(side, a) && !slices.Contains(side, b) {
				w.cutOff(a, b, mode)
				w.cutOff(b, a, mode)
			}
		}
	}
	w.gossip(time.Second)
}

// heal ends every cut.
func (w *world) heal() {
	w.steps++
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

// running is a random node that runs and is not stopped; there may be none.
func (w *world) running() (string, bool) {
	var names []string
	for _, name := range w.up() {
		if n := w.nodes[name]; !n.paused && !n.holds && !n.left {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "", false
	}
	return names[w.rng.IntN(len(names))], true
}

// pair is two random names.
func (w *world) pair() (a, b string) {
	i := w.rng.IntN(len(w.names))
	j := (i + 1 + w.rng.IntN(len(w.names)-1)) % len(w.names)
	return w.names[i], w.names[j]
}

// settleIn bounds how long copies take to be restored after one fault.
const settleIn = 20 * time.Second

// faults are what one node or one connection may suffer without the cluster being split. Each begins, sees to its own end
// and says when that will be.
var faults = map[string]func(w *world) time.Duration{
	"quick restart": func(w *world) time.Duration { return w.killFor(time.Second, w.upTo(100*time.Millisecond)) },
	"late restart": func(w *world) time.Duration {
		d := w.upTo(4 * time.Second)
		if w.rng.IntN(2) == 0 {
			d = w.upTo(9 * time.Second)
		}
		return w.killFor(700*time.Millisecond+w.upTo(700*time.Millisecond), d)
	},
	"pause": func(w *world) time.Duration {
		d := w.upTo(4 * time.Second)
		if w.rng.IntN(2) == 0 {
			d = w.upTo(800 * time.Millisecond)
		}
		if name, ok := w.running(); ok {
			w.pause(name, d, w.rng.IntN(2) == 0)
		}
		return d + time.Millisecond
	},
	"reset": func(w *world) time.Duration {
		w.suffers("reset")
		w.reset(w.pair())
		w.note("a connection is reset")
		return w.upTo(100 * time.Millisecond)
	},
	"cut": func(w *world) time.Duration { // of one pair, in one direction or both, while all others reach each other
		w.suffers("cut")
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
		w.after(d, func() {
			w.mend(a, b)
			w.note("mended")
		})
		return d + 1
	},
	"lie": func(w *world) time.Duration {
		w.suffers("lie")
		a, b := w.pair()
		d := w.upTo(2 * time.Second)
		w.note("gossip tells %s for %v that %s is dead", a, d, b)
		w.net.lies[[2]string{a, b}] = w.now + d
		w.setMembers(w.nodes[a])
		return d
	},
	"leave": func(w *world) time.Duration {
		name, ok := w.running()
		if !ok || len(w.up()) < 2 {
			return 1
		}
		w.leave(name)
		d := 1200*time.Millisecond + w.upTo(2*time.Second)
		w.comeBack(name, d)
		return d + 1
	},
	"mute": func(w *world) time.Duration {
		d := 550*time.Millisecond + w.upTo(350*time.Millisecond) // longer than it takes to be deposed
		if w.rng.IntN(4) == 0 {
			d = w.upTo(550 * time.Millisecond)
		}
		busy := w.nodes[w.primaryOf(fmt.Sprintf("session-%d", w.rng.IntN(3)))]
		if busy.up && !busy.paused && !busy.holds && !busy.left {
			w.mute(busy, d)
		}
		return d + 1
	},
	"drain": func(w *world) time.Duration { // as a rolling restart does: it leaves when it is drained, or its deadline is over
		name, ok := w.running()
		if !ok || len(w.up()) < 2 {
			return 1
		}
		w.suffers("drain")
		w.drain(name)
		deadline, away := w.upTo(5*time.Second), 1200*time.Millisecond+w.upTo(time.Second)
		w.departAt(w.nodes[name], w.now+deadline, away)
		return deadline + away + 21*time.Millisecond
	},
}

// departAt makes a draining node leave when it has nothing left, or at the latest at some time, and come back after a while.
func (w *world) departAt(n *simNode, deadline, away time.Duration) {
	switch {
	case !n.up || n.left || w.nodes[n.name] != n: // another fault was faster
	case w.now >= deadline || !n.paused && n.core.Drained():
		w.leave(n.name)
		w.comeBack(n.name, away)
	default:
		w.after(20*time.Millisecond, func() { w.departAt(n, deadline, away) })
	}
}

// killFor ends a node, unless it is the last, and starts it again.
func (w *world) killFor(detect, d time.Duration) time.Duration {
	name, ok := w.running()
	if !ok || len(w.up()) < 2 {
		return 1
	}
	w.kill(name, detect)
	w.comeBack(name, d)
	return d + 1
}

// comeBack starts a node again after a while if it is dead by then; one that stands still while it leaves dies later.
func (w *world) comeBack(name string, d time.Duration) {
	w.after(d, func() {
		switch n := w.nodes[name]; {
		case !n.up:
			w.restart(name)
		case n.left:
			w.comeBack(name, 50*time.Millisecond)
		}
	})
}

// begin makes a fault begin.
func (w *world) begin(name string) time.Duration {
	w.note("fault: %s", name)
	d := faults[name](w)
	w.quiet = max(w.quiet, w.now+d)
	return d
}

// suffer makes a fault and waits until it is over.
func (w *world) suffer(name string) { w.run(w.begin(name)) }

// faultNames lists the faults in order, so that a seed means one run.
var faultNames = []string{"quick restart", "late restart", "pause", "reset", "cut", "lie", "leave", "drain", "mute"}
