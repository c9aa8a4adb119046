package failover_test

import (
	"math/rand/v2"
	"time"

	"github.com/sessnode/sessnode/failover"
)

// scenario is what a seed of the replay makes the cluster go through.
type scenario struct {
	worldConfig
	steps   int // messages, requests and faults
	ordeals ordeals
}

// ordeals are the faults that follow each other.
type ordeals int

const (
	single ordeals = iota // one fault at a time, the next when redundancy is back: nothing may be lost
	splits                // splits, with other faults beside
	storms                // faults on top of each other
)

func (o ordeals) String() string { return [...]string{"single faults", "splits", "storms"}[o] }

// draw is the scenario of a seed.
func draw(seed uint64, steps int) scenario {
	rng := rand.New(rand.NewPCG(seed, 3))
	s := scenario{steps: steps, ordeals: ordeals(seed % 3)}
	nodes, backups := 2+rng.IntN(6), rng.IntN(3)
	if s.ordeals == single {
		nodes, backups = 3+rng.IntN(5), 1+rng.IntN(2)
	}
	pick := func(of ...float64) float64 { return of[rng.IntN(len(of))] }
	milliseconds := func(of ...float64) time.Duration {
		return time.Duration(pick(of...) * float64(time.Millisecond))
	}
	s.worldConfig = worldConfig{
		seed: seed, nodes: nodes, backups: backups, slots: 8 + rng.IntN(25), expect: nodes/2 + 1 + rng.IntN(nodes-nodes/2),
		transfers: int(pick(0, 0, 8)), budget: int(pick(0, 0, 64<<10)), settle: milliseconds(100, 400, 900, 1500),
		drop: pick(0, 0, 0.01, 0.03), dup: pick(0, 0, 0.02), jumpy: rng.IntN(2) == 0,
		drift: pick(0, 0.02), skew: milliseconds(0, 100, 200), lag: milliseconds(0, 200, 500),
		busy: 60 * time.Millisecond, judges: true, lossy: s.ordeals == storms,
	}
	return s
}

// play runs a scenario to its end. It stops at the first violation.
func (w *world) play(s scenario) {
	w.settled(10 * time.Second)
	l := w.load(0, 3, 2)
	if s.ordeals == single {
		l.counters, l.lockers = w.load(3, 0, 0).counters, w.lockers(4)
	}
	for i := range 3 {
		l.sleepers = append(l.sleepers, w.sleeper(i))
		l.sleepers[i].next()
	}
	for w.steps < s.steps*6/10 {
		switch s.ordeals {
		case single:
			w.suffer(faultNames[w.rng.IntN(len(faultNames))])
			w.run(w.upTo(time.Second))
			w.settled(settleIn)
		case splits:
			w.sufferSplit()
		case storms:
			w.sufferStorm()
		}
	}
	w.calm()
	w.settled(settleIn)
	for w.steps < s.steps*9/10 {
		w.run(50 * time.Millisecond)
	}
	w.finish(l)
	w.idle(time.Minute)
	w.equal()
}

// sufferSplit splits the cluster into two sides, one of which may be a single node, once or a few times in a row.
func (w *world) sufferSplit() {
	names := append([]string{}, w.names...)
	w.rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	side := names[:1+w.rng.IntN(len(names)-1)]
	if w.rng.IntN(3) == 0 {
		side = names[:1]
	}
	for range 1 + w.rng.IntN(3)/2*3 { // once, or four times like a bad cable
		mode, d := cutDrop, w.upTo(6*time.Second)
		switch w.rng.IntN(3) {
		case 0:
			mode, d = cutHold, w.upTo(1500*time.Millisecond)
		case 1:
			d = 200*time.Millisecond + w.upTo(1200*time.Millisecond)
		}
		w.split(side, mode)
		if w.rng.IntN(4) == 0 {
			w.begin(faultNames[w.rng.IntN(len(faultNames))])
		}
		w.run(d)
		w.heal()
		w.run(w.upTo(500 * time.Millisecond))
	}
	if w.rng.IntN(2) == 0 {
		w.settledAfter(w.quiet)
	}
}

// sufferStorm makes a fault begin while others may still be going on. Gossip does not lie on top of that: who is not asked
// because gossip calls it dead may be the only one who knows better.
func (w *world) sufferStorm() {
	name := faultNames[w.rng.IntN(len(faultNames))]
	if name == "lie" {
		name = "reset"
	}
	w.begin(name)
	w.run(w.upTo(700 * time.Millisecond))
	if w.rng.IntN(8) == 0 {
		w.settledAfter(w.quiet)
	}
}

// settledAfter waits for the faults under way to be over and for everything to settle.
func (w *world) settledAfter(quiet time.Duration) {
	w.run(max(0, quiet-w.now))
	w.settled(settleIn)
}

// calm ends every fault for good.
func (w *world) calm() {
	w.run(max(0, w.quiet-w.now) + time.Millisecond)
	w.heal()
	clear(w.net.lies)
	w.cfg.drop, w.cfg.dup, w.cfg.jumpy = 0, 0, false
	w.note("the last fault is over")
}

// tally is what happened in a run, or in many.
type tally struct {
	steps   int
	virtual time.Duration
	deduped int
	events  map[string]int
	faults  map[string]int
}

func (w *world) tally() tally {
	events := map[string]int{}
	for kind, n := range w.counts {
		events[string(kind)] = n
	}
	return tally{w.steps, w.now - began, w.check.deduped, events, w.suffered}
}

func (t *tally) add(u tally) {
	t.steps += u.steps
	t.virtual += u.virtual
	t.deduped += u.deduped
	for kind, n := range u.events {
		t.events[kind] += n
	}
	for fault, n := range u.faults {
		t.faults[fault] += n
	}
}

// required are the events of which none may be missing in a run of many seeds.
var required = []string{
	string(failover.EventPromoted), string(failover.EventFenced), string(failover.EventEvicted), string(failover.EventMoved),
	"sessions merged",
}
