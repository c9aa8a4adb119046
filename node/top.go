package node

import (
	"cmp"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// Top is what keeps a node busy: of the requests of the last ten to twenty seconds that it answered itself, the sessions that
// most were for, and the slots. Its JSON form answers the command "top".
type Top struct {
	Node     string       `json:"node"`
	Seconds  float64      `json:"seconds"`  // that the sessions were counted for
	Requests float64      `json:"requests"` // in a second, of all sessions
	Sessions []TopSession `json:"sessions"` // busiest first, 64 at most; never nil
	Slots    []TopSlot    `json:"slots"`    // of which it is primary, busiest first, 64 at most; never nil
}

// TopSession is one busy session.
type TopSession struct {
	App     string  `json:"app"`
	Session string  `json:"session"` // its id, shortened
	Slot    uint32  `json:"slot"`
	Rate    float64 `json:"rate"`  // requests in a second
	Least   float64 `json:"least"` // as many there were at least; the rest may have been other sessions'
}

// TopSlot is one busy slot.
type TopSlot struct {
	Slot uint32  `json:"slot"`
	Rate float64 `json:"rate"` // requests in a second, averaged over the last quarter of a minute or so
}

const (
	// topKept bounds the sessions that are counted at a time, topShown what is told of.
	topKept  = 128
	topShown = 64
	// topWindow is how long is counted before the counters start anew; the last full window is told of too.
	topWindow = 10 * time.Second
	// topSparse is the gap between requests that are counted while there are more than topBusy in a second.
	topSparse = 16
	topBusy   = 2000
)

// top counts requests by session in bounded memory, by the space-saving algorithm: a session that is not among those counted
// takes the place of the least, and its count with it. Of many requests only some are looked at, at random distances, so that
// one costs a subtraction.
type top struct {
	seed   maphash.Seed
	skip   int // requests until the next one that is counted
	weight int // how many that one stands for
	since  time.Duration
	now    ranking
	before ranking // the last full window; without sessions if nothing was asked in it

	second time.Duration // when the requests of the second under way began to be counted
	seen   int           // in it
}

// ranking is the sessions of one window.
type ranking struct {
	took    time.Duration
	total   int
	hashes  [topKept]uint64
	entries [topKept]ranked
	used    int
}

// ranked is one session. Invariant: over <= count.
type ranked struct {
	key   replica.Key
	count int
	over  int // of count, what may have been others'
}

func newTop(now time.Duration) top {
	return top{seed: maphash.MakeSeed(), weight: 1, since: now, second: now}
}

// request takes notice of one.
func (t *top) request(now time.Duration, m *replica.Request) {
	if t.skip--; t.skip < 0 {
		t.count(now, m)
	}
}

// count counts a request for as many as it stands for, and chooses the next one.
func (t *top) count(now time.Duration, m *replica.Request) {
	t.roll(now)
	t.now.total += t.weight
	if key, ok := keyOf(m); ok {
		t.now.add(maphash.Comparable(t.seed, key), key, t.weight)
	}
	t.seen += t.weight
	if passed := now - t.second; passed >= time.Second {
		t.weight = 1
		if float64(t.seen) > topBusy*passed.Seconds() {
			t.weight = topSparse
		}
		t.second, t.seen = now, 0
	}
	t.skip = rand.IntN(2*t.weight - 1) // weight-1 on average
}

// roll begins a new window when the last one is full.
func (t *top) roll(now time.Duration) {
	passed := now - t.since
	if passed < topWindow {
		return
	}
	t.before = ranking{took: topWindow} // nothing was asked for at least so long
	if passed < 2*topWindow {
		t.before = t.now
		t.before.took = passed
	}
	t.now = ranking{}
	t.since = now
}

// keyOf is the session that a request is for, if it is for one.
func keyOf(m *replica.Request) (replica.Key, bool) {
	switch {
	case m.Load != nil:
		return m.Load.Key, true
	case m.Commit != nil:
		return m.Commit.Key, true
	case m.Lock != nil:
		return m.Lock.Key, true
	}
	return replica.Key{}, false
}

func (r *ranking) add(hash uint64, key replica.Key, weight int) {
	for i := range r.used {
		if r.hashes[i] == hash {
			r.entries[i].count += weight
			return
		}
	}
	i, over := r.used, 0
	if r.used < topKept {
		r.used++
	} else {
		i = r.least()
		over = r.entries[i].count
	}
	r.hashes[i] = hash
	r.entries[i] = ranked{key, over + weight, over}
}

func (r *ranking) least() int {
	least := 0
	for i := range r.used {
		if r.entries[i].count < r.entries[least].count {
			least = i
		}
	}
	return least
}

// sessions is the busiest of both windows.
func (t *top) sessions(now time.Duration, slots int) (seconds, rate float64, busiest []TopSession) {
	t.roll(now)
	seconds = max((now - t.since + t.before.took).Seconds(), 1)
	rate = float64(t.now.total+t.before.total) / seconds
	sums := map[replica.Key]ranked{}
	for _, r := range []*ranking{&t.before, &t.now} {
		for _, e := range r.entries[:r.used] {
			sum := sums[e.key]
			sums[e.key] = ranked{e.key, sum.count + e.count, sum.over + e.over}
		}
	}
	busiest = make([]TopSession, 0, len(sums))
	for _, e := range sums {
		busiest = append(busiest, TopSession{
			App: e.key.App, Session: replica.ShortID(e.key.ID), Slot: replica.SlotOf(e.key.ID, slots),
			Rate: float64(e.count) / seconds, Least: float64(e.count-e.over) / seconds,
		})
	}
	slices.SortFunc(busiest, func(a, b TopSession) int {
		return cmp.Or(cmp.Compare(b.Rate, a.Rate), cmp.Compare(a.App, b.App), cmp.Compare(a.Session, b.Session))
	})
	return seconds, rate, busiest[:min(len(busiest), topShown)]
}

// Top is what keeps this node busy.
func (n *Node) Top() Top {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.topStatus()
}

func (n *Node) topStatus() Top {
	t := Top{Node: n.self.Name, Slots: []TopSlot{}}
	t.Seconds, t.Requests, t.Sessions = n.top.sessions(n.cfg.Clock().Mono, n.cfg.Slots)
	for slot := range uint32(n.cfg.Slots) {
		if rate := n.core.Busy(slot); rate >= 0.05 && n.core.Role(slot) == replica.Primary {
			t.Slots = append(t.Slots, TopSlot{slot, rate})
		}
	}
	slices.SortFunc(t.Slots, func(a, b TopSlot) int {
		return cmp.Or(cmp.Compare(b.Rate, a.Rate), cmp.Compare(a.Slot, b.Slot))
	})
	t.Slots = t.Slots[:min(len(t.Slots), topShown)]
	return t
}
