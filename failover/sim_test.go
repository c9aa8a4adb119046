package failover_test

import (
	"container/heap"
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
	seq   int
	nodes map[string]*simNode
	names []string
	boots map[replica.Boot]*simNode // every one that ever ran
	homes map[string]*ring.Table

	net       network
	check     checks
	requests  map[replica.Token]*pending
	token     replica.Token
	counts    map[replica.EventKind]int
	conflicts []replica.Conflict // as they were found
	referral  replica.Claim      // that came with the last answer that named another primary
	trace     bool
	watch     func(n *simNode, e replica.Event)
	took      time.Duration // what every request is said to have taken
	full      int           // how many copies every claim must have; zero: any number
	history   []string      // the last lines of what happened, for a failure
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
}

type simNode struct {
	name   string
	self   replica.Member
	core   *failover.Core
	drift  float64
	skew   time.Duration
	up     bool
	left   bool
	died   time.Duration
	detect time.Duration // how long after its death gossip knows

	paused  bool
	since   time.Duration
	holds   bool     // the next step's effects wait until it goes on
	inbox   []func() // messages that wait while it is paused
	clients []func() // requests that do
	outbox  []func() // effects that do
}

type event struct {
	at  time.Duration
	seq int
	run func()
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	e := (*q)[len(*q)-1]
	(*q)[len(*q)-1] = event{}
	*q = (*q)[:len(*q)-1]
	return e
}

// began is the time at which every world begins.
const began = time.Hour

// newIdleWorld is a world without nodes.
func newIdleWorld(t testing.TB, cfg worldConfig) *world {
	w := &world{
		t: t, cfg: cfg, rng: rand.New(rand.NewPCG(cfg.seed, 1)), now: began,
		nodes: map[string]*simNode{}, boots: map[replica.Boot]*simNode{},
		homes: map[string]*ring.Table{}, counts: map[replica.EventKind]int{},
		requests: map[replica.Token]*pending{}, trace: os.Getenv("SIM_TRACE") != "",
		net: newNetwork(), check: newChecks(cfg.slots),
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
	return replica.Instant{
		Mono: now + time.Duration(n.drift*float64(now-began)),
		Wall: int64((now+n.skew)/time.Millisecond) + 1_000_000_000,
	}
}

// wall is the time of day without any skew, as a client sees it.
func (w *world) wall() int64 { return int64(w.now/time.Millisecond) + 1_000_000_000 }

func (w *world) after(d time.Duration, run func()) {
	w.seq++
	heap.Push(&w.queue, event{w.now + d, w.seq, run})
}

func (w *world) run(d time.Duration) {
	end := w.now + d
	for len(w.queue) > 0 && w.queue[0].at <= end {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		e.run()
	}
	w.now = end
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
		name: name, up: true, drift: (w.rng.Float64()*2 - 1) * w.cfg.drift, skew: w.spread(w.cfg.skew),
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
	w.nodes[name], w.boots[n.self.Boot] = n, n
	w.setMembers(n)
	w.tick(n)
	return n
}

func (w *world) tick(n *simNode) {
	if !n.up {
		return
	}
	if !n.paused {
		w.step(n, func(now replica.Instant, fx *replica.Effects) { n.core.Tick(now, fx) })
	}
	w.after(10*time.Millisecond, func() { w.tick(n) })
}

// step runs one step of a core and carries its effects out.
func (w *world) step(n *simNode, f func(replica.Instant, *replica.Effects)) {
	var fx replica.Effects
	f(n.instant(w.now), &fx)
	n.core.FlushAcks(&fx)
	for _, e := range fx.Events {
		w.counts[e.Kind]++
		w.note("%s: %s, slot %d epoch %d peer %s count %d", n.name, e.Kind, e.Slot, e.Epoch, w.nameOf(e.Peer), e.Count)
		if w.watch != nil {
			w.watch(n, e)
		}
	}
	w.conflicts = append(w.conflicts, fx.Conflicts...)
	w.checkFull(n)
	w.checkClaims(n)
	w.checkDone(n, fx.Done)
	for _, d := range fx.Done {
		if p := w.requests[d.Token]; p != nil && d.Result.Status == replica.StatusNotPrimary {
			w.referral = n.core.Claim(p.slot)
		}
	}
	effects := func() {
		for _, e := range fx.Send {
			w.send(n, e)
		}
		for _, d := range fx.Done {
			w.reply(d)
		}
	}
	if n.holds {
		n.holds, n.paused, n.since = false, true, w.now
		w.note("%s stops between a step and its effects (%d messages, %d answers)", n.name, len(fx.Send), len(fx.Done))
	}
	if n.paused {
		n.outbox = append(n.outbox, effects)
		return
	}
	effects()
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

// up lists the nodes that run.
func (w *world) up() []string {
	return slices.DeleteFunc(slices.Clone(w.names), func(n string) bool { return w.nodes[n] == nil || !w.nodes[n].up })
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
