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

// world runs several cores under a seeded scheduler: messages are delayed, dropped and reordered (between lanes), nodes
// are killed, restarted, paused and cut off. The same seed gives the same run.
type world struct {
	t      testing.TB
	cfg    worldConfig
	rng    *rand.Rand
	now    time.Duration
	queue  events
	seq    int
	nodes  map[string]*simNode
	names  []string
	boots  uint64
	lanes  map[[2]replica.Boot]time.Duration // when the last message of a pair arrives: lanes keep their order
	cut    map[[2]string]bool
	homes  map[string]*ring.Table
	counts map[replica.EventKind]int
	tokens map[replica.Token]func(replica.Result)
	token  replica.Token
	trace  bool
	spy    func(from, to string, m replica.Message)
}

type worldConfig struct {
	seed    uint64
	nodes   int
	slots   int
	backups int
	expect  int
	drop    float64
}

type simNode struct {
	name   string
	self   replica.Member
	core   *failover.Core
	up     bool
	paused bool
	inbox  []func() // what waits while it is paused
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
	*q = (*q)[:len(*q)-1]
	return e
}

func newWorld(t testing.TB, cfg worldConfig) *world {
	w := &world{
		t: t, cfg: cfg, rng: rand.New(rand.NewPCG(cfg.seed, 1)), now: time.Hour,
		nodes: map[string]*simNode{}, lanes: map[[2]replica.Boot]time.Duration{}, cut: map[[2]string]bool{},
		homes: map[string]*ring.Table{}, counts: map[replica.EventKind]int{},
		tokens: map[replica.Token]func(replica.Result){},
	}
	for i := range cfg.nodes {
		w.names = append(w.names, fmt.Sprintf("n%d", i+1))
	}
	for _, name := range w.names {
		w.start(name)
	}
	w.gossip(50 * time.Millisecond)
	w.keepGossiping()
	return w
}

// keepGossiping repeats what gossip knows once a second, as push and pull do.
func (w *world) keepGossiping() {
	w.after(time.Second, func() {
		for _, name := range w.names {
			w.setMembers(w.nodes[name])
		}
		w.keepGossiping()
	})
}

func (w *world) instant() replica.Instant {
	return replica.Instant{Mono: w.now, Wall: int64(w.now/time.Millisecond) + 1_000_000_000}
}

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

// start boots a node; nobody knows it before the next gossip.
func (w *world) start(name string) {
	w.boots++
	n := &simNode{name: name, up: true, self: replica.Member{
		Boot: replica.Boot(w.rng.Uint64()&^0xff | w.boots), Name: name, Addr: name,
	}}
	cfg := failover.Config{
		Self: n.self, Slots: w.cfg.slots, Backups: w.cfg.backups, Expect: w.cfg.expect,
		Random: rand.New(rand.NewPCG(w.rng.Uint64(), 2)),
	}
	if err := cfg.Validate(); err != nil {
		w.t.Fatal(err)
	}
	n.core = failover.New(cfg, w.instant())
	w.nodes[name] = n
	w.setMembers(n)
	w.tick(n)
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

func (w *world) kill(name string, detect time.Duration) {
	w.nodes[name].up = false
	w.gossip(detect)
}

func (w *world) restart(name string) {
	w.start(name)
	w.gossip(50 * time.Millisecond)
}

func (w *world) pause(name string, d time.Duration) {
	n := w.nodes[name]
	n.paused = true
	w.after(d, func() {
		n.paused = false
		for _, f := range n.inbox {
			f()
		}
		n.inbox = nil
	})
}

// gossip tells every node, after a while, who is up and not cut off from it.
func (w *world) gossip(delay time.Duration) {
	for _, name := range w.names {
		jitter := time.Duration(w.rng.Int64N(int64(delay)/2 + 1))
		w.after(delay+jitter, func() { w.setMembers(w.nodes[name]) })
	}
}

func (w *world) setMembers(n *simNode) {
	if !n.up {
		return
	}
	var members []replica.Member
	var ringMembers []ring.Member
	key := ""
	for _, name := range w.names {
		m := w.nodes[name]
		if m == nil || !m.up || w.cut[[2]string{n.name, name}] || w.cut[[2]string{name, n.name}] {
			continue
		}
		members = append(members, m.self)
		ringMembers = append(ringMembers, ring.Member{Name: name})
		key += name + " "
		if m != n && n.core.Cluster() == 0 && m.core.Cluster() != 0 {
			n.core.Belong(w.instant(), m.core.Cluster())
		}
	}
	if w.homes[key] == nil {
		home, err := ring.Compute(ring.Config{Slots: w.cfg.slots, Backups: w.cfg.backups}, ringMembers)
		if err != nil {
			w.t.Fatal(err)
		}
		w.homes[key] = home
	}
	n.core.SetMembers(w.instant(), members)
	n.core.SetHome(w.homes[key])
}

// step runs one step of a core and carries its effects out.
func (w *world) step(n *simNode, f func(replica.Instant, *replica.Effects)) {
	var fx replica.Effects
	f(w.instant(), &fx)
	n.core.FlushAcks(&fx)
	for _, e := range fx.Events {
		w.counts[e.Kind]++
		if w.trace {
			fmt.Printf("%8v %s %s slot %d epoch %d peer %s count %d\n", w.now-time.Hour, n.name, e.Kind, e.Slot, e.Epoch, w.nameOf(e.Peer), e.Count)
		}
	}
	for _, e := range fx.Send {
		w.send(n, e)
	}
	for _, d := range fx.Done {
		if done := w.tokens[d.Token]; done != nil {
			delete(w.tokens, d.Token)
			w.after(w.delay(), func() { done(d.Result) })
		}
	}
}

func (w *world) nameOf(b replica.Boot) string {
	for _, name := range w.names {
		if w.nodes[name].self.Boot == b {
			return name
		}
	}
	return b.String()
}

func (w *world) delay() time.Duration { return time.Duration(100+w.rng.IntN(900)) * time.Microsecond }

func (w *world) send(from *simNode, e replica.Envelope) {
	var to *simNode
	for _, name := range w.names {
		if w.nodes[name] != nil && w.nodes[name].self.Boot == e.To {
			to = w.nodes[name]
		}
	}
	if to == nil || !to.up || w.cut[[2]string{from.name, to.name}] || w.rng.Float64() < w.cfg.drop {
		return
	}
	if w.spy != nil {
		w.spy(from.name, to.name, e.Msg)
	}
	pair := [2]replica.Boot{from.self.Boot, to.self.Boot}
	at := max(w.now+w.delay(), w.lanes[pair])
	w.lanes[pair] = at
	w.after(at-w.now, func() { w.deliver(from, to, e.Msg) })
}

func (w *world) deliver(from, to *simNode, m replica.Message) {
	if !to.up || w.cut[[2]string{from.name, to.name}] {
		return
	}
	if to.paused {
		to.inbox = append(to.inbox, func() { w.deliver(from, to, m) })
		return
	}
	w.step(to, func(now replica.Instant, fx *replica.Effects) { to.core.Receive(now, from.self.Boot, m, fx) })
}

// request sends a client's request to a node; done may never be called.
func (w *world) request(name string, m replica.Message, id string, done func(replica.Result)) {
	n := w.nodes[name]
	slot := replica.SlotOf(id, w.cfg.slots)
	w.token++
	t := w.token
	w.tokens[t] = done
	deliver := func() {
		if !n.up {
			return
		}
		w.step(n, func(now replica.Instant, fx *replica.Effects) {
			switch m := m.(type) {
			case *replica.Request:
				if m.Load != nil {
					n.core.Load(now, slot, t, m.Load, fx)
				} else {
					n.core.Commit(now, slot, t, m.Commit, fx)
				}
			}
		})
	}
	w.after(w.delay(), func() {
		if n.paused {
			n.inbox = append(n.inbox, deliver)
			return
		}
		deliver()
	})
}

// primaryOf asks a random live node who it believes primary of an id's slot.
func (w *world) primaryOf(id string) string {
	slot := replica.SlotOf(id, w.cfg.slots)
	up := w.up()
	name := up[w.rng.IntN(len(up))]
	if primary := w.nameOf(w.nodes[name].core.Claim(slot).Primary); w.nodes[primary] != nil {
		return primary
	}
	return name
}

// up lists the nodes that run.
func (w *world) up() []string {
	return slices.DeleteFunc(slices.Clone(w.names), func(n string) bool { return !w.nodes[n].up })
}

// counter is a client that increments one session's counter, one request after the other, each repeated under its id
// until it is answered for good, and checks every read.
type counter struct {
	w       *world
	id      string
	client  uint64
	seq     uint64
	acked   int // increments acknowledged
	stamp   replica.Stamp
	created bool
	busy    int // generation of the request under way
	stopped bool
	slow    time.Duration // longest wait for an acknowledgement
	since   time.Duration
}

func (w *world) counter(i int) *counter {
	return &counter{w: w, id: fmt.Sprintf("session-%d", i), client: uint64(i + 1)}
}

// next starts the next increment.
func (c *counter) next() {
	if c.stopped {
		return
	}
	c.seq++
	c.since = c.w.now
	c.try(c.w.now)
}

func (c *counter) commit() *replica.Commit {
	return &replica.Commit{
		Key: replica.Key{App: "a", ID: c.id}, Create: !c.created,
		Changes:  []replica.Change{{Name: "n", Value: []byte(fmt.Sprint(c.acked + 1))}},
		Request:  replica.RequestID{Client: c.client, Seq: c.seq},
		NotAfter: c.w.instant().Wall + 30_000,
	}
}

func (c *counter) try(started time.Duration) {
	c.busy++
	gen := c.busy
	name := c.w.primaryOf(c.id)
	c.w.request(name, &replica.Request{Commit: c.commit()}, c.id, func(r replica.Result) {
		if gen != c.busy {
			return
		}
		c.busy++
		switch {
		case r.Status == replica.StatusOK:
			c.acked++
			c.created = true
			c.slow = max(c.slow, c.w.now-c.since)
			c.check()
		case r.Status.Retryable():
			c.w.after(5*time.Millisecond, func() { c.try(started) })
		default:
			c.w.t.Fatalf("%v: %s increment %d: %v", c.w.now-time.Hour, c.id, c.acked+1, r.Err())
		}
	})
	c.w.after(50*time.Millisecond, func() {
		if gen == c.busy {
			c.try(started)
		}
	})
}

// check reads the counter back.
func (c *counter) check() {
	c.busy++
	gen := c.busy
	load := &replica.Request{Load: &replica.Load{Key: replica.Key{App: "a", ID: c.id}}}
	c.w.request(c.w.primaryOf(c.id), load, c.id, func(r replica.Result) {
		if gen != c.busy {
			return
		}
		c.busy++
		switch {
		case r.Status == replica.StatusOK:
			if got, _ := r.Session.Get("n"); string(got) != fmt.Sprint(c.acked) {
				c.w.t.Fatalf("%v: %s reads %s after %d were acknowledged", c.w.now-time.Hour, c.id, got, c.acked)
			}
			c.w.after(time.Duration(c.w.rng.IntN(20))*time.Millisecond, c.next)
		case r.Status.Retryable():
			c.w.after(5*time.Millisecond, c.check)
		default:
			c.w.t.Fatalf("%v: read of %s after %d increments: %v", c.w.now-time.Hour, c.id, c.acked, r.Err())
		}
	})
	c.w.after(50*time.Millisecond, func() {
		if gen == c.busy {
			c.check()
		}
	})
}

// settled fails the test unless every slot has a serving primary and all its copies, all nodes agree, and the replicas
// of each slot are equal in length of log.
func (w *world) settled(within time.Duration) {
	w.t.Helper()
	deadline := w.now + within
	for {
		why := w.unsettled()
		if why == "" {
			return
		}
		if w.now > deadline {
			if os.Getenv("SIM_TRACE") != "" {
				w.spy = func(a, b string, m replica.Message) {
					switch m.(type) {
					case *replica.Heartbeat, *replica.HeartbeatReply:
					default:
						if s := fmt.Sprintf("%8v %s>%s %T %+v", w.now-time.Hour, a, b, m, m); strings.Contains(s, os.Getenv("SIM_TRACE")) {
							fmt.Println(s)
						}
					}
				}
				w.run(3500 * time.Millisecond)
			}
			w.t.Fatalf("%v: %s", w.now-time.Hour, why)
		}
		w.run(20 * time.Millisecond)
	}
}

// roles says what every node does for a slot.
func (w *world) roles(slot uint32) string {
	s := ""
	for _, name := range w.up() {
		s += fmt.Sprintf(" %s#%s:%d", name, w.nodes[name].self.Boot, w.nodes[name].core.Role(slot))
	}
	return s
}

func (w *world) unsettled() string {
	up := w.up()
	want := 1 + min(w.cfg.backups, len(up)-1)
	first := w.nodes[up[0]].core
	for slot := range uint32(w.cfg.slots) {
		claim := first.Claim(slot)
		if got := len(claim.Backups) + 1; claim.IsZero() || got < want {
			return fmt.Sprintf("slot %d has %d copies, want %d: %+v; roles %s", slot, got, want, claim, w.roles(slot))
		}
		for _, b := range claim.Replicas() {
			if n := w.nodes[w.nameOf(b)]; n == nil || !n.up {
				return fmt.Sprintf("slot %d has the dead replica %v", slot, b)
			}
		}
		for _, name := range up {
			if got := w.nodes[name].core.Claim(slot); !got.Same(claim) {
				return fmt.Sprintf("slot %d: %s knows %+v, %s knows %+v", slot, up[0], claim, name, got)
			}
		}
	}
	return ""
}
