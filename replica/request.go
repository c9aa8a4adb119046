package replica

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"time"
)

// requestLog remembers which requests took effect, so that a retry does not do so again, and a merge knows what took effect
// on both sides. It is replicated with the entries themselves.
type requestLog struct {
	byID  map[RequestID]*remembered
	due   requestHeap // all of them
	over  int         // how many cannot come again
	split int         // and of those, how many are kept for a split
}

// remembered is a request with the entry that it became; zero when that came with a snapshot.
type remembered struct {
	RememberedRequest
	seq   uint64
	index int   // place in the requestHeap
	until int64 // time of day, in milliseconds, at which it is looked at again
	over  bool  // cannot come again
	split bool  // is kept because sides may have parted while it was under way. Invariant: then over.
}

// How long a request is kept that cannot come again, in milliseconds, for a merge to know it: any, since its last copy may
// have come in the moment of a heal; and one that was under way when sides parted, of which splitMax are kept in a slot.
const (
	mergeWithin = int64(5 * time.Second / time.Millisecond)
	splitWithin = int64(10 * time.Minute / time.Millisecond)
	splitMax    = 1024
)

func newRequestLog() requestLog { return requestLog{byID: map[RequestID]*remembered{}} }

func (l *requestLog) find(id RequestID) *remembered {
	if id.IsZero() {
		return nil
	}
	return l.byID[id]
}

// live counts the requests that may come again.
func (l *requestLog) live() int { return len(l.byID) - l.over }

// remember keeps r until its not-after time and the clock skew have passed, and a little longer. At the limit the request that is over first
// gives way; a primary refuses commits before that. Of a request that took effect twice the later effect is remembered: it
// is the one that a merge has left.
func (l *requestLog) remember(r remembered, limits *Limits) {
	if old := l.byID[r.Request]; old != nil {
		if old.Stamp.Less(r.Stamp) {
			old.Stamp, old.seq = r.Stamp, r.seq
		}
		return
	}
	if r.Request.IsZero() {
		return
	}
	for l.live() >= limits.RequestsMax {
		l.forget(l.due[0].Request)
	}
	r.until = min(r.NotAfter, math.MaxInt64/2) + 2*limits.ClockSkewMax.Milliseconds()
	l.byID[r.Request] = &r
	heap.Push(&l.due, &r)
}

// take remembers what another node remembers. What is over by now is kept there for a split, and so here.
func (l *requestLog) take(now Instant, q RememberedRequest, limits *Limits) {
	l.remember(remembered{RememberedRequest: q}, limits)
	if r := l.find(q.Request); r != nil && !r.over && r.until+mergeWithin < now.Wall {
		l.retire(r, 0)
		l.keep(r, now.Wall+splitWithin)
	}
}

// retire notes that r cannot come again, and keeps it for so long.
func (l *requestLog) retire(r *remembered, longer int64) {
	r.over, r.until = true, r.until+longer
	l.over++
	heap.Fix(&l.due, r.index)
}

// keep keeps r, which is over, for a split until the given time of day, if there is room.
func (l *requestLog) keep(r *remembered, until int64) (kept bool) {
	if l.split == splitMax {
		return false
	}
	r.split, r.until = true, until
	l.split++
	heap.Fix(&l.due, r.index)
	return true
}

func (l *requestLog) forget(id RequestID) {
	if r := l.byID[id]; r != nil {
		heap.Remove(&l.due, r.index)
		delete(l.byID, id)
		if r.over {
			l.over--
		}
		if r.split {
			l.split--
		}
	}
}

// sweep forgets what is over at the given time of day, in milliseconds. What may have been under way when sides parted last
// is kept for when they meet: a copy of it may have reached the other one. When the log is full for all that, the clock may
// have been ahead for a while: then it forgets what admit refuses for lying too far in the future.
func (l *requestLog) sweep(wall, parted int64, limits *Limits) {
	skew := limits.ClockSkewMax.Milliseconds()
	for len(l.due) > 0 && l.due[0].until < wall {
		r := l.due[0]
		underWay := r.NotAfter >= parted-2*skew && r.Stamp.Wall() <= parted+limits.RequestAgeMax.Milliseconds()
		switch {
		case !r.over && l.over < limits.RequestsMax:
			l.retire(r, mergeWithin)
		case !r.split && underWay && wall < parted+splitWithin && l.keep(r, parted+splitWithin):
		default:
			l.forget(r.Request)
		}
	}
	if l.live() < limits.RequestsMax {
		return
	}
	for _, r := range slices.Clone(l.due) {
		if r.NotAfter > wall+limits.RequestAgeMax.Milliseconds()+skew {
			l.forget(r.Request)
		}
	}
}

// all lists what is remembered, in the order of ids.
func (l *requestLog) all() []RememberedRequest {
	list := make([]RememberedRequest, 0, len(l.byID))
	for _, r := range l.byID {
		list = append(list, r.RememberedRequest)
	}
	return inOrder(list)
}

// of lists what is remembered of one session, in the order of ids.
func (l *requestLog) of(key Key) []RememberedRequest {
	var list []RememberedRequest
	for _, r := range l.byID {
		if r.Key == key {
			list = append(list, r.RememberedRequest)
		}
	}
	return inOrder(list)
}

func inOrder(list []RememberedRequest) []RememberedRequest {
	slices.SortFunc(list, func(a, b RememberedRequest) int {
		return cmp.Or(cmp.Compare(a.Request.Client, b.Request.Client), cmp.Compare(a.Request.Seq, b.Request.Seq))
	})
	return list
}

// requestHeap finds the remembered request that is over first, whatever the clock did since the last look.
type requestHeap []*remembered

// Len implements heap.Interface.
func (h requestHeap) Len() int { return len(h) }

// Less implements heap.Interface.
func (h requestHeap) Less(i, j int) bool { return h[i].until < h[j].until }

// Swap implements heap.Interface.
func (h requestHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *requestHeap) Push(x any) {
	r := x.(*remembered)
	r.index = len(*h)
	*h = append(*h, r)
}

// Pop implements heap.Interface.
func (h *requestHeap) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return r
}
