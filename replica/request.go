package replica

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// requestLog remembers which requests took effect, so that a retry does not do so again, and a merge knows what took effect
// on both sides. It is replicated with the entries themselves.
type requestLog struct {
	byID  map[RequestID]*remembered
	due   []*batch // all of them, ascending by until
	most  int      // of byID since it was made
	over  int      // how many cannot come again
	split int      // and of those, how many are kept for a split

	overBytes int // of all that Over holds. Invariant: at most overBytesMax
}

// remembered is a RememberedRequest with the entry that it became; zero when that came with a snapshot.
type remembered struct {
	Request  RequestID
	NotAfter int64
	Stamp    Stamp
	of       *record // knows the key, even when the slot has forgotten it; so no request holds memory of a commit or session
	over     []Attr  // RememberedRequest.Over
	seq      uint64
	batch    *batch // nil once it is forgotten
}

// told is r as other nodes are told, in memory of its own.
func (r *remembered) told() RememberedRequest {
	return RememberedRequest{Request: r.Request, NotAfter: r.NotAfter, Key: r.of.key().clone(), Stamp: r.Stamp, Over: r.over}
}

// batch is requests that are looked at again at the same time: one by one they would cost more than the commits.
type batch struct {
	until int64 // time of day, in milliseconds, at which they are looked at again
	over  bool  // they cannot come again
	split bool  // they are kept because sides may have parted while they were under way. Invariant: then over.
	list  []*remembered
	count int // of those in list that are not forgotten
}

// batchWidth is to how many milliseconds the end of a batch is rounded up.
const batchWidth = 256

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

// remember keeps r until its not-after time and the clock skew have passed, and a little longer. At the limit the request
// that is over first gives way; a primary refuses commits before that. Of a request that took effect twice the later effect is
// remembered: it is the one that a merge has left.
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
		l.forgetFirst()
	}
	own := &r
	l.keepOver(own)
	l.byID[r.Request] = own
	l.most = max(l.most, len(l.byID))
	l.put(own, r.overAt(limits), false, false)
}

// overAt is when a request cannot come again, by the time of day in milliseconds.
func (r *remembered) overAt(limits *Limits) int64 {
	return min(r.NotAfter, math.MaxInt64/2) + 2*limits.ClockSkewMax.Milliseconds()
}

// put has r looked at again at a time, as one of those that are over, or kept for a split, or neither.
func (l *requestLog) put(r *remembered, until int64, over, split bool) {
	until = (until + batchWidth - 1) / batchWidth * batchWidth
	for i := len(l.due); i > 0 && l.due[i-1].until >= until; i-- {
		if b := l.due[i-1]; b.until == until && b.over == over && b.split == split {
			l.add(b, r)
			return
		}
	}
	b := &batch{until: until, over: over, split: split}
	l.place(b)
	l.add(b, r)
}

// place puts a batch where its time stands among the others.
func (l *requestLog) place(b *batch) {
	i := len(l.due)
	for i > 0 && l.due[i-1].until > b.until {
		i--
	}
	l.due = slices.Insert(l.due, i, b)
}

func (l *requestLog) add(b *batch, r *remembered) {
	r.batch = b
	b.list = append(b.list, r)
	b.count++
	l.count(b, 1)
}

// by is q, about the session of a record, with the entry that it became.
func (q *RememberedRequest) by(of *record, seq uint64) remembered {
	return remembered{Request: q.Request, NotAfter: q.NotAfter, Stamp: q.Stamp, of: of, over: q.Over, seq: seq}
}

// count notes that a batch has so many requests more.
func (l *requestLog) count(b *batch, more int) {
	if b.over {
		l.over += more
	}
	if b.split {
		l.split += more
	}
}

// takeOut removes r from its batch.
func (l *requestLog) takeOut(r *remembered) {
	r.batch.count--
	l.count(r.batch, -1)
	r.batch = nil
}

// take remembers what another node remembers. What is over by now is kept there for a split, and so here.
func (l *requestLog) take(now Instant, q RememberedRequest, of *record, limits *Limits) {
	l.remember(q.by(of, 0), limits)
	r := l.find(q.Request)
	if r != nil && !r.batch.over && r.overAt(limits)+mergeWithin < now.Wall && l.split < splitMax {
		l.takeOut(r)
		l.put(r, now.Wall+splitWithin, true, true)
	}
}

func (l *requestLog) forget(id RequestID) {
	if r := l.byID[id]; r != nil {
		l.overBytes -= sizeOf(r.over)
		delete(l.byID, id)
		l.takeOut(r)
	}
}

// forgetFirst forgets the request that is over first of those that may come again. There must be one.
func (l *requestLog) forgetFirst() {
	for _, b := range l.due {
		if b.over || b.count == 0 {
			continue
		}
		for b.list[0].batch != b {
			b.list = b.list[1:]
		}
		l.forget(b.list[0].Request)
		return
	}
}

// sweep forgets what is over at the given time of day, in milliseconds. What may have been under way when sides parted last
// is kept for when they meet: a copy of it may have reached the other one. When the log is full for all that, the clock may
// have been ahead for a while: then it forgets what admit refuses for lying too far in the future.
func (l *requestLog) sweep(wall, parted int64, limits *Limits) {
	for len(l.due) > 0 && l.due[0].until < wall {
		b := l.due[0]
		l.due = slices.Delete(l.due, 0, 1)
		if !b.over && l.over+b.count <= limits.RequestsMax {
			l.retire(b)
			continue
		}
		for _, r := range b.list {
			if r.batch == b {
				l.leave(r, wall, parted, limits)
			}
		}
	}
	l.shrink()
	if l.live() < limits.RequestsMax {
		return
	}
	for id, r := range l.byID {
		if r.NotAfter > wall+(limits.RequestAgeMax+limits.ClockSkewMax).Milliseconds() {
			l.forget(id)
		}
	}
}

// shrink gives the room back that many requests at a time have left: a map keeps it.
func (l *requestLog) shrink() {
	if l.most < shrinkFrom || len(l.byID) > l.most/4 {
		return
	}
	byID := make(map[RequestID]*remembered, len(l.byID))
	maps.Copy(byID, l.byID)
	l.byID, l.most = byID, len(byID)
}

// shrinkFrom is how many requests must have been remembered for their room to matter.
const shrinkFrom = 256

// retire notes that a batch cannot come again, and keeps it for a moment.
func (l *requestLog) retire(b *batch) {
	b.over = true
	b.until += mergeWithin
	l.over += b.count
	l.place(b)
}

// leave forgets r, whose time is over, or keeps it for a split.
func (l *requestLog) leave(r *remembered, wall, parted int64, limits *Limits) {
	underWay := r.NotAfter >= parted-2*limits.ClockSkewMax.Milliseconds() &&
		r.Stamp.Wall() <= parted+limits.RequestAgeMax.Milliseconds()
	if r.batch.split || !underWay || wall >= parted+splitWithin || l.split >= splitMax {
		l.forget(r.Request)
		return
	}
	l.takeOut(r)
	l.put(r, parted+splitWithin, true, true)
}

// all lists what is remembered, in the order of ids.
func (l *requestLog) all() []RememberedRequest {
	list := make([]RememberedRequest, 0, len(l.byID))
	for _, r := range l.byID {
		list = append(list, r.told())
	}
	return inOrder(list)
}

// of lists what is remembered of one session, in the order of ids.
func (l *requestLog) of(key Key) []RememberedRequest {
	var list []RememberedRequest
	for _, r := range l.byID {
		if r.of.named(key) {
			list = append(list, r.told())
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
