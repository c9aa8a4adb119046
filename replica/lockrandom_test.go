package replica

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// lockers drives a slot at random, with an eye on its locks.
type lockers struct {
	*rig
	rng     *rand.Rand
	seq     uint64
	ids     []string
	open    map[Token]*Request // not answered yet
	asks    []*Lock            // to be tried again
	held    []grant
	newest  map[string]Stamp // of the tokens granted, by id
	counted map[string]int
}

// grant is a lock that somebody was given.
type grant struct {
	id    string
	token Stamp
}

// TestEveryRequestIsAnsweredOnce: whatever becomes of the slot. Tokens rise, who commits under one has the newest, queues
// are bounded, and no lock is that of a session which is over.
func TestEveryRequestIsAnsweredOnce(t *testing.T) {
	counted := map[string]int{}
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { newLockers(t, seed, counted).drive(600) })
	}
	for _, what := range []string{"granted", "kept", "committed under a lock", "moved", "taken over", "handed over"} {
		if counted[what] < 20 {
			t.Errorf("only %d times: %s", counted[what], what)
		}
	}
}

func newLockers(t *testing.T, seed uint64, counted map[string]int) *lockers {
	w := &lockers{
		rng: rand.New(rand.NewPCG(seed, 7)), ids: []string{"s0", "s1", "s2"},
		open: map[Token]*Request{}, newest: map[string]Stamp{}, counted: counted,
	}
	w.rig = newRig(t, 1+int(seed%3), func(c *Config) {
		c.Limits.LockWaitersMax = 4
		c.Limits.RequestsMax = []int{100_000, 20}[seed%2]
		c.Limits.TailMax = []int{4096, 12}[seed/2%2]
	})
	w.watch = w.answered
	return w
}

func (w *lockers) drive(steps int) {
	for range steps {
		w.stepOnce()
		w.checkLocks()
		if w.t.Failed() {
			return
		}
	}
	for b := range w.nodes {
		w.step(b, func(s *Slot, fx *Effects) { s.Retire(w.claim, fx) })
	}
	if len(w.open) > 0 {
		w.t.Errorf("%d requests were never answered", len(w.open))
	}
}

// answered looks at an answer; the rig fails at a second one.
func (w *lockers) answered(t Token, res Result) {
	m := w.open[t]
	delete(w.open, t)
	switch {
	case res.Status != StatusOK:
	case m.Lock != nil && !m.Lock.Held.IsZero():
		w.counted["kept"]++
	case m.Lock != nil && !m.Lock.Release:
		w.granted(m.Lock.Key.ID, res)
	case m.Commit != nil && !m.Commit.Lock.IsZero():
		w.counted["committed under a lock"]++
		if newest := w.newest[m.Commit.Key.ID]; newest != m.Commit.Lock && !newest.IsZero() {
			w.t.Errorf("a commit under %v took effect after %v was granted", m.Commit.Lock, newest)
		}
		if m.Commit.Renew != "" {
			w.counted["moved"]++
			w.held = append(w.held, grant{m.Commit.Renew, m.Commit.Lock})
		}
	}
}

func (w *lockers) granted(id string, res Result) {
	w.counted["granted"]++
	if res.Session == nil || res.Session.ended() || res.Session.Settings.Deadline == 0 {
		w.t.Errorf("lock of %s granted with %+v", id, res.Session)
	}
	if g := (grant{id, res.Stamp}); !slices.Contains(w.held, g) {
		w.held = append(w.held, g)
		if !w.newest[id].Less(g.token) {
			w.t.Errorf("token %v of %s after %v", g.token, id, w.newest[id])
		}
		w.newest[id] = g.token
	}
}

func (w *lockers) stepOnce() {
	switch n := w.rng.IntN(100); {
	case n < 48:
		w.ask()
	case n < 66:
		w.commit()
	case n < 70:
		w.send(&Request{Load: &Load{Key: key(w.id())}})
	case n < 71:
		w.send(&Request{List: &List{App: testApp}})
	case n < 74:
		w.step(w.claim.Primary, func(s *Slot, fx *Effects) { s.Disown(w.now, uint64(1+w.rng.IntN(3)), fx) })
	case n < 80:
		w.sleep(time.Duration(w.rng.IntN(60)) * time.Millisecond)
		w.tick()
	case n < 81:
		w.now.Wall += w.rng.Int64N(4000) - 2000
	case n < 94:
		w.deliverSome()
	case n < 96:
		w.takeOver()
	case n < 98:
		w.handOver()
	case n < 99:
		w.lose(0)
	case w.primary().Surrendered():
		w.primary().Keep()
	default:
		w.primary().Surrender()
	}
}

// send has the primary answer a request if it serves.
func (w *lockers) send(m *Request) {
	if w.primary().Serving() {
		w.token++
		t := w.token
		w.open[t] = m
		w.step(w.claim.Primary, func(s *Slot, fx *Effects) { s.Request(w.now, t, m, fx) })
	}
}

func (w *lockers) id() string { return w.ids[w.rng.IntN(len(w.ids))] }

// latest is one of the last few of a list, which is not empty.
func latest[T any](w *lockers, all []T) T { return all[max(0, len(all)-1-w.rng.IntN(6))] }

func (w *lockers) next() RequestID {
	w.seq++
	return RequestID{7, w.seq}
}

// ask asks for a lock, asks again, gives up, renews or releases.
func (w *lockers) ask() {
	notAfter := w.now.Wall + 500 + w.rng.Int64N(20_000)
	switch n := w.rng.IntN(10); {
	case n < 5 || len(w.asks) == 0:
		w.asks = append(w.asks, &Lock{
			Key: key(w.id()), Wait: time.Duration(w.rng.IntN(3)) * 100 * time.Millisecond,
			Lease:   time.Duration(1+w.rng.IntN(5)) * 200 * time.Millisecond,
			Request: w.next(), NotAfter: notAfter, Owner: uint64(w.rng.IntN(4)),
		})
		w.send(&Request{Lock: w.asks[len(w.asks)-1]})
	case n < 7:
		again := *latest(w, w.asks)
		again.NotAfter = notAfter
		w.send(&Request{Lock: &again})
	case n < 8 || len(w.held) == 0:
		m := latest(w, w.asks)
		w.send(&Request{Lock: &Lock{Key: m.Key, Release: true, Request: m.Request}})
	default:
		g := latest(w, w.held)
		w.send(&Request{Lock: &Lock{Key: key(g.id), Held: g.token, Release: w.rng.IntN(3) > 0, Lease: time.Second}})
	}
}

// commit creates, changes, renews or destroys, under a lock or without.
func (w *lockers) commit() {
	c := &Commit{
		Key: key(w.id()), Request: w.next(), NotAfter: w.now.Wall + 500 + w.rng.Int64N(20_000),
		Durability: Durability(w.rng.IntN(3)),
	}
	switch n := w.rng.IntN(20); {
	case n < 7:
		if w.rng.IntN(3) == 0 {
			c.Key = key(fmt.Sprint("c", w.seq))
			w.ids = append(w.ids, c.Key.ID)
		}
		c.Create, c.Idle = true, time.Second
	case n < 9:
		c.Destroy = true
	default:
		c.Changes = []Change{{Name: "n", Value: []byte("1")}}
		if len(w.held) > 0 && w.rng.IntN(3) > 0 {
			g := latest(w, w.held)
			c.Key, c.Lock = key(g.id), g.token
		}
		if w.rng.IntN(5) == 0 {
			c.Renew = fmt.Sprint("r", w.seq)
			w.ids = append(w.ids, c.Renew)
		}
	}
	w.send(&Request{Commit: c})
}

// deliverSome carries messages in their order and loses a few.
func (w *lockers) deliverSome() {
	for range min(len(w.wire), w.rng.IntN(12)) {
		m := w.wire[0]
		if w.wire = w.wire[1:]; w.rng.IntN(20) > 0 {
			w.deliver(m)
		}
	}
}

// takeOver makes the backup that holds most primary, or the primary itself anew. What only the primary held is lost.
func (w *lockers) takeOver() {
	w.lose(0)
	if w.rng.IntN(2) == 0 {
		w.reclaim(w.claim.Primary, w.claim.Backups...)
		return
	}
	best := slices.MaxFunc(w.claim.Backups, func(a, b Boot) int { return int(w.slot(a).tail.head) - int(w.slot(b).tail.head) })
	for _, b := range w.claim.Backups {
		if !w.slot(best).Joins(w.slot(b).tail.head) {
			return
		}
	}
	w.counted["taken over"]++
	w.succeed(best)
}

// handOver gives the slot with its locks to a backup.
func (w *lockers) handOver() {
	s := w.primary()
	s.Surrender()
	w.run()
	if _, even := s.Even(); !even {
		s.Keep()
		return
	}
	w.counted["handed over"]++
	locks := s.Locks(w.now)
	w.succeed(w.claim.Backups[w.rng.IntN(len(w.claim.Backups))])
	w.primary().TakeLocks(w.now, locks)
}

// succeed makes a backup primary and the primary its backup.
func (w *lockers) succeed(to Boot) {
	old := w.claim.Primary
	if w.slot(old).Open() > 0 || w.slot(old).tail.head != w.slot(to).tail.head {
		w.step(old, func(s *Slot, fx *Effects) { s.Retire(w.claim, fx) })
		w.slot(old).Drop()
		w.fill(old, w.slot(to))
	}
	backups := slices.Clone(w.claim.Backups)
	backups[slices.Index(backups, to)] = old
	w.reclaim(to, backups...)
}

// fill makes an empty replica a copy of another, as a transfer does.
func (w *lockers) fill(b Boot, from *Slot) {
	s := w.slot(b)
	for _, r := range from.records.sorted() {
		s.merge(w.now, &Part{Session: r.view()})
	}
	for _, q := range from.requests.all() {
		s.requests.remember(q.by(s.namer(q.Key), 0), &s.cfg.Limits)
	}
	s.tail.reset(from.tail.head)
}

func (w *lockers) checkLocks() {
	for _, b := range w.claim.Replicas() {
		if err := check(w.slot(b)); err != nil {
			w.t.Errorf("%v: %v", b, err)
		}
		if b != w.claim.Primary && len(w.slot(b).locks) > 0 {
			w.t.Errorf("%v keeps locks", b)
		}
	}
	s := w.primary()
	for k, l := range s.locks {
		if r := s.lookup(k); r == nil || !live(r.newest) {
			w.t.Errorf("a lock of %v, which is over", k)
		}
		if len(l.queue) > s.cfg.Limits.LockWaitersMax {
			w.t.Errorf("%d wait for %v", len(l.queue), k)
		}
		for i, c := range l.queue {
			if l.place(c.request) != i {
				w.t.Errorf("%v stands twice in the queue of %v", c.request, k)
			}
			if c.waits && w.open[c.asker] == nil {
				w.t.Errorf("request %d waits for %v and was answered", c.asker, k)
			}
		}
	}
}
