package failover_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/ring"
)

// world runs several cores under a seeded scheduler: messages are delayed, dropped and reordered between lanes, nodes
// are killed, restarted, paused and cut off, gossip lags, clocks differ. The same seed gives the same run.
type world struct {
	t     testing.TB
	cfg   worldConfig
	rng   *rand.Rand
	now   time.Duration
	queue events
	steps int    // messages delivered, requests handled, faults
	sum   uint64 // over all steps; see fold
	fx    replica.Effects
	nodes map[string]*simNode
	names []string
	alive []string                  // the names that run; nil when it has to be gathered anew
	boots map[replica.Boot]*simNode // every one that ever ran
	homes map[string]*ring.Table

	quiet     time.Duration // when the faults that have begun are over
	net       network
	check     checks
	samples   int
	requests  map[replica.Token]*pending
	token     replica.Token
	counts    map[replica.EventKind]int
	trace     bool
	show      string         // SIM_SHOW
	suffered  map[string]int // faults by name
	watch     func(n *simNode, e replica.Event)
	forge     func(n *simNode, fx *replica.Effects) // breaks what a step did, for tests of the checks
	history   []string                              // the last lines of what happened, for a failure
	detailed  bool                                  // messages are kept as well
	messages  []string
	conflicts []replica.Conflict // as they were found
	referral  replica.Claim      // that came with the last answer that named another primary
	took      time.Duration      // what every request is said to have taken
	full      int                // how many copies every claim must have; zero: any number
}

type worldConfig struct {
	seed      uint64
	nodes     int
	slots     int
	backups   int
	expect    int
	transfers int           // Config.TransfersMax
	settle    time.Duration // Config.Settle
	check     time.Duration // Config.CheckEvery
	members   int           // Config.MinMembers
	budget    int           // Config.BytesPerSecond
	moves     int           // Config.MovesMax
	drop      float64       // share of messages lost
	dup       float64       // share of messages that arrive twice
	drift     float64       // clocks run up to this share fast or slow
	skew      time.Duration // clocks are up to this far off
	lag       time.Duration // gossip is up to this far behind, besides what detection takes
	jumpy     bool          // lanes stand still for moments
	busy      time.Duration // between two requests of a client; default 20 ms
	lossy     bool          // more may die at a time than there are copies to spare
	judges    bool          // finds out by itself whether there is a split; see judgeSplit
}

type simNode struct {
	name   string
	index  int // among all boots
	paths  []*path
	self   replica.Member
	core   *failover.Core
	drift  float64
	skew   time.Duration
	frozen replica.Instant // not zero: its clock stands still
	up     bool
	left   bool
	died   time.Duration
	detect time.Duration // how long after its death gossip knows

	paused      bool
	since       time.Duration
	holds       bool // the next step's effects wait until it goes on
	ticking     func()
	due         time.Duration // of the next tick
	second      time.Duration // see checkBytes
	secondBytes int
	inbox       []func() // messages that wait while it is paused
	clients     []func() // requests that do
	outbox      []func() // effects that do
	muted       bool
	heardBy     []*simNode // who hears it all the same
	unheard     []*parcel  // what it sent to the others meanwhile
}

// began is the time at which every world begins.
const began = time.Hour

// newIdleWorld is a world without nodes.
func newIdleWorld(t testing.TB, cfg worldConfig) *world {
	if cfg.busy == 0 {
		cfg.busy = 20 * time.Millisecond
	}
	w := &world{
		t: t, cfg: cfg, rng: rand.New(rand.NewPCG(cfg.seed, 1)), now: began,
		nodes: map[string]*simNode{}, boots: map[replica.Boot]*simNode{},
		homes: map[string]*ring.Table{}, counts: map[replica.EventKind]int{},
		requests: map[replica.Token]*pending{}, trace: os.Getenv("SIM_TRACE") != "", show: os.Getenv("SIM_SHOW"),
		net: newNetwork(), check: newChecks(cfg.slots), suffered: map[string]int{},
	}
	for i := range cfg.nodes {
		w.names = append(w.names, fmt.Sprintf("n%d", i+1))
	}
	return w
}

func newWorld(t testing.TB, cfg worldConfig) *world {
	w := newIdleWorld(t, cfg)
	for _, name := range w.names {
		w.start(name)
	}
	w.gossip(50 * time.Millisecond)
	w.keepWatch()
	return w
}

// formed is a world whose nodes have founded their cluster and filled every slot.
func formed(t testing.TB, cfg worldConfig) *world {
	t.Helper()
	w := newWorld(t, cfg)
	w.settled(5 * time.Second)
	return w
}

func (n *simNode) instant(now time.Duration) replica.Instant {
	if n.frozen.Mono != 0 {
		return n.frozen
	}
	return replica.Instant{
		Mono: now + time.Duration(n.drift*float64(now-began)),
		Wall: int64((now+n.skew)/time.Millisecond) + 1_000_000_000,
	}
}

// wall is the time of day without any skew, as a client sees it.
func (w *world) wall() int64 { return int64(w.now/time.Millisecond) + 1_000_000_000 }

func (w *world) after(d time.Duration, run func()) {
	w.queue.add(event{at: w.now + d, run: run})
}

func (w *world) run(d time.Duration) {
	end := w.now + d
	for {
		e, ok := w.queue.next(end)
		if !ok {
			break
		}
		if w.now = e.at; e.parcel != nil {
			w.deliver(e.parcel)
		} else {
			e.run()
		}
	}
	w.now = end
}

// fold takes a number into the sum over all that happened: equal sums mean equal runs.
func (w *world) fold(v uint64) {
	w.sum = (w.sum ^ v) * 0x9e3779b97f4a7c15
	w.sum ^= w.sum >> 29
}

// note keeps a line of what happened.
func (w *world) note(format string, args ...any) {
	line := fmt.Sprintf("%9.4fs ", (w.now-began).Seconds()) + fmt.Sprintf(format, args...)
	if w.trace {
		fmt.Println(line)
	}
	if w.history = append(w.history, line); len(w.history) > 80 {
		w.history = w.history[40:]
	}
}

// fail ends the test with the seed and the last of what happened.
func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("seed %d: %9.4fs %s\n%s", w.cfg.seed, (w.now - began).Seconds(), fmt.Sprintf(format, args...),
		strings.Join(w.history[max(0, len(w.history)-40):], "\n"))
}

// spread is a random duration up to d, either way.
func (w *world) spread(d time.Duration) time.Duration {
	return time.Duration((w.rng.Float64()*2 - 1) * float64(d))
}

// upTo is a random duration below d.
func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d))) }

// start boots a node; nobody knows it before the next gossip.
func (w *world) start(name string) *simNode {
	n := &simNode{
		name: name, up: true, index: len(w.boots), drift: (w.rng.Float64()*2 - 1) * w.cfg.drift, skew: w.spread(w.cfg.skew),
		self: replica.Member{Boot: replica.Boot(w.rng.Uint64()&^0xff | uint64(len(w.boots)+1)), Name: name, Addr: name},
	}
	cfg := failover.Config{
		Self: n.self, Slots: w.cfg.slots, Backups: w.cfg.backups, Expect: w.cfg.expect, TransfersMax: w.cfg.transfers,
		Settle: w.cfg.settle, CheckEvery: w.cfg.check, MinMembers: w.cfg.members, BytesPerSecond: w.cfg.budget, MovesMax: w.cfg.moves,
		Random: rand.New(rand.NewPCG(w.rng.Uint64(), 2)),
	}
	if err := cfg.Validate(); err != nil {
		w.t.Fatal(err)
	}
	n.core = failover.New(cfg, n.instant(w.now))
	w.note("%s starts as %v", name, n.self.Boot)
	w.nodes[name], w.boots[n.self.Boot], w.alive = n, n, nil
	n.ticking = func() { w.tick(n) }
	w.setMembers(n)
	w.tick(n)
	return n
}

func (w *world) tick(n *simNode) {
	if !n.up || n.due > w.now {
		return // or a step had it come earlier
	}
	n.due = w.now + time.Hour
	if n.paused {
		w.tickAt(n, w.now+10*time.Millisecond)
		return
	}
	w.step(n, func(now replica.Instant, fx *replica.Effects) { n.core.Tick(now, fx) })
}

// tickAt has a node's next tick come then, unless it comes before.
func (w *world) tickAt(n *simNode, at time.Duration) {
	if at < n.due {
		n.due = at
		w.after(at-w.now, n.ticking)
	}
}

// step runs one step of a core and carries its effects out.
func (w *world) step(n *simNode, f func(replica.Instant, *replica.Effects)) {
	fx := &w.fx
	fx.Reset()
	now := n.instant(w.now)
	f(now, fx)
	n.core.FlushAcks(fx)
	w.tickAt(n, w.now+max(n.core.Next()-now.Mono, time.Millisecond))
	if w.forge != nil {
		w.forge(n, fx)
	}
	w.fold(uint64(w.now))
	w.fold(uint64(n.index)<<32 | uint64(len(fx.Send))<<16 | uint64(len(fx.Done)))
	for _, e := range fx.Events {
		w.event(n, e)
	}
	w.conflicts = append(w.conflicts, fx.Conflicts...)
	w.checkClaims(n)
	w.checkDone(n, fx.Done)
	for _, d := range fx.Done {
		if p := w.requests[d.Token]; p != nil && d.Result.Status == replica.StatusNotPrimary {
			w.referral = n.core.Claim(p.slot)
		}
	}
	if n.holds {
		n.holds, n.paused, n.since = false, true, w.now
		w.note("%s stops between a step and its effects (%d messages, %d answers)", n.name, len(fx.Send), len(fx.Done))
	}
	if n.paused {
		kept := replica.Effects{Send: slices.Clone(fx.Send), Done: slices.Clone(fx.Done)}
		n.outbox = append(n.outbox, func() { w.carryOut(n, &kept) })
		return
	}
	w.carryOut(n, fx)
}

func (w *world) event(n *simNode, e replica.Event) {
	w.counts[e.Kind]++
	w.note("%s: %s, slot %d epoch %d peer %s count %d", n.name, e.Kind, e.Slot, e.Epoch, w.nameOf(e.Peer), e.Count)
	w.checkEvent(n, e)
	if w.watch != nil {
		w.watch(n, e)
	}
}

// carryOut sends what a step says is to be sent, and answers.
func (w *world) carryOut(n *simNode, fx *replica.Effects) {
	for _, e := range fx.Send {
		w.send(n, e)
	}
	for _, d := range fx.Done {
		w.reply(d)
	}
}

func (w *world) nameOf(b replica.Boot) string {
	n := w.boots[b]
	switch {
	case n == nil:
		return b.String()
	case w.nodes[n.name] != n:
		return n.name + "'"
	}
	return n.name
}

// up lists the nodes that run. The slice is valid until one starts or dies, and not to be modified.
func (w *world) up() []string {
	if w.alive == nil {
		w.alive = slices.DeleteFunc(slices.Clone(w.names), func(n string) bool { return w.nodes[n] == nil || !w.nodes[n].up })
	}
	return w.alive
}

// gossip tells every node, after a while, who is up and can be reached.
func (w *world) gossip(delay time.Duration) {
	for _, name := range w.names {
		w.after(delay+w.upTo(delay/2+1), func() { w.setMembers(w.nodes[name]) })
	}
}

// keepWatch repeats what gossip knows about once a second, each node at its own time, and samples the invariants.
func (w *world) keepWatch() {
	for _, name := range w.names {
		var again func()
		again = func() {
			w.setMembers(w.nodes[name])
			w.after(200*time.Millisecond+w.upTo(800*time.Millisecond+w.cfg.lag), again)
		}
		w.after(w.upTo(time.Second), again)
	}
	var sample func()
	sample = func() {
		w.sample()
		w.after(7*time.Millisecond, sample)
	}
	sample()
}

// setMembers gives a node gossip's view.
func (w *world) setMembers(n *simNode) {
	if n == nil || !n.up {
		return
	}
	if n.paused {
		n.inbox = append(n.inbox, func() { w.setMembers(n) })
		return
	}
	var members []replica.Member
	var ringMembers, everybody []ring.Member
	for _, name := range w.names {
		if m := w.nodes[name]; m != nil && (m == n || w.believedAlive(n, m)) {
			members = append(members, m.self)
			everybody = append(everybody, ring.Member{Name: name})
			if !m.self.Draining {
				ringMembers = append(ringMembers, ring.Member{Name: name})
			}
			if n.core.Cluster() == 0 && m.core.Cluster() != 0 && !w.net.mute[n.name] {
				n.core.Belong(n.instant(w.now), m.core.Cluster())
			}
		}
	}
	if len(ringMembers) == 0 {
		ringMembers = everybody
	}
	n.core.SetMembers(n.instant(w.now), members)
	n.core.SetHome(w.homeOf(ringMembers))
}

// believedAlive reports whether gossip tells n that m is alive: the two reach each other, themselves or through a third.
func (w *world) believedAlive(n, m *simNode) bool {
	switch {
	case w.net.lies[[2]string{n.name, m.name}] > w.now:
		return false
	case !m.up:
		return w.now < m.died+m.detect
	case m.paused && w.now-m.since > 900*time.Millisecond:
		return false
	case w.linked(n.name, m.name):
		return true
	}
	for _, third := range w.up() {
		if third != n.name && third != m.name && !w.nodes[third].paused && w.linked(n.name, third) && w.linked(third, m.name) {
			return true
		}
	}
	return w.now-w.net.cutAt[pairOf(n.name, m.name)] < 700*time.Millisecond // not found out yet
}

func (w *world) homeOf(members []ring.Member) *ring.Table {
	key := fmt.Sprint(members)
	if w.homes[key] == nil {
		home, err := ring.Compute(ring.Config{Slots: w.cfg.slots, Backups: w.cfg.backups}, members)
		if err != nil {
			w.t.Fatal(err)
		}
		w.homes[key] = home
	}
	return w.homes[key]
}
