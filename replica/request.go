package replica

import (
	"cmp"
	"hash/maphash"
	"math"
	"slices"
	"time"
)

// requestLog remembers which requests took effect, so that a retry does not do so again, and a merge knows what took effect
// on both sides. It is replicated with the entries themselves. At a high rate requests are most of what a node holds: what is
// kept of each lies in a place of a few slices, of which only named has pointers, so that the collector of garbage has little to
// look at.
type requestLog struct {
	byID  index[uint32] // places
	kept  []kept        // by place; no request has place 0
	named []*record     // by place; of each the record that knows the key, even when the slot has forgotten it
	free  []uint32      // places
	due   []batch       // all of them, ascending by until
	last  uint32        // number of the newest batch
	most  int           // of byID since it was made
	over  int           // how many cannot come again
	split int           // and of those, how many are kept for a split

	hid       map[uint32][]*Attr // RememberedRequest.Over, of those that have it, by place
	overBytes int                // of all that hid holds. Invariant: at most overBytesMax
}

// remembered is a RememberedRequest with the entry that it became; zero when that came with a snapshot.
type remembered struct {
	Request  RequestID
	NotAfter int64
	Stamp    Stamp
	of       *record
	over     []*Attr // RememberedRequest.Over
	seq      uint64
}

// kept is a remembered request without its record and what it hid.
type kept struct {
	id       RequestID
	notAfter int64
	stamp    Stamp
	seq      uint64
	batch    uint32 // its number; zero: the place is free
	prev     uint32 // the place before it in its batch; zero: it is the first
	next     uint32 // the place after it; zero: it is the last
}

// told is r as other nodes are told, in memory of its own.
func (r *remembered) told() RememberedRequest {
	return RememberedRequest{Request: r.Request, NotAfter: r.NotAfter, Key: r.of.key().clone(), Stamp: r.Stamp, Over: r.over}
}

// batch is requests that are looked at again at the same time: one by one they would cost more than the commits. They are a chain
// through their places, so that neither they nor it are anything to the collector of garbage.
type batch struct {
	until  int64  // time of day, in milliseconds, at which they are looked at again
	number uint32 // no other batch of the log has it
	first  uint32 // place of the one that was put in last; zero: there is none
	count  int
	over   bool // they cannot come again
	split  bool // they are kept because sides may have parted while they were under way. Invariant: then over.
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

func newRequestLog() requestLog {
	return requestLog{kept: make([]kept, 1), named: make([]*record, 1), hid: map[uint32][]*Attr{}}
}

// placeOf is the place of a request, zero if it is not remembered.
func (l *requestLog) placeOf(id RequestID) uint32 {
	return l.byID.find(id.hash(), func(p uint32) bool { return l.kept[p].id == id })
}

func (r RequestID) hash() uint64 { return maphash.Comparable(hashSeed, r) }

// find is what is remembered of a request.
func (l *requestLog) find(id RequestID) (r remembered, ok bool) {
	p := l.placeOf(id)
	if p == 0 {
		return remembered{}, false
	}
	return l.at(p), true
}

// at is the request in a place that is not free.
func (l *requestLog) at(p uint32) remembered {
	k := &l.kept[p]
	return remembered{Request: k.id, NotAfter: k.notAfter, Stamp: k.stamp, of: l.named[p], over: l.hid[p], seq: k.seq}
}

// live counts the requests that may come again.
func (l *requestLog) live() int { return l.byID.len() - l.over }

// remember keeps r until its not-after time and the clock skew have passed, and a little longer. At the limit the request
// that is over first gives way; a primary refuses commits before that. Of a request that took effect twice the later effect is
// remembered: it is the one that a merge has left.
func (l *requestLog) remember(r remembered, limits *Limits) {
	if p := l.placeOf(r.Request); p != 0 {
		if old := &l.kept[p]; old.stamp.Less(r.Stamp) {
			old.stamp, old.seq = r.Stamp, r.seq
		}
		return
	}
	if r.Request.IsZero() {
		return
	}
	for l.live() >= limits.RequestsMax {
		l.forgetFirst()
	}
	p := l.place(r)
	l.keepOver(p, r.over)
	l.byID.add(r.Request.hash(), p)
	l.most = max(l.most, l.byID.len())
	l.put(p, r.overAt(limits), false, false)
}

// place gives r a place.
func (l *requestLog) place(r remembered) uint32 {
	k := kept{id: r.Request, notAfter: r.NotAfter, stamp: r.Stamp, seq: r.seq}
	if n := len(l.free); n > 0 {
		p := l.free[n-1]
		l.free = l.free[:n-1]
		l.kept[p], l.named[p] = k, r.of
		return p
	}
	l.kept, l.named = append(l.kept, k), append(l.named, r.of)
	return uint32(len(l.kept) - 1)
}

// overAt is when a request cannot come again, by the time of day in milliseconds.
func (r *remembered) overAt(limits *Limits) int64 {
	return min(r.NotAfter, math.MaxInt64/2) + 2*limits.ClockSkewMax.Milliseconds()
}

// put has the request in a place looked at again at a time, as one of those that are over, or kept for a split, or neither.
func (l *requestLog) put(p uint32, until int64, over, split bool) {
	until = (until + batchWidth - 1) / batchWidth * batchWidth
	for i := len(l.due); i > 0 && l.due[i-1].until >= until; i-- {
		if b := &l.due[i-1]; b.until == until && b.over == over && b.split == split {
			l.link(b, p)
			return
		}
	}
	l.last++
	l.link(l.insert(batch{number: l.last, until: until, over: over, split: split}), p)
}

// insert puts a batch where its time stands among the others. What it returns holds until due changes.
func (l *requestLog) insert(b batch) *batch {
	i := len(l.due)
	for i > 0 && l.due[i-1].until > b.until {
		i--
	}
	l.due = slices.Insert(l.due, i, b)
	return &l.due[i]
}

// link puts the request in a place into a batch.
func (l *requestLog) link(b *batch, p uint32) {
	k := &l.kept[p]
	k.batch, k.prev, k.next = b.number, 0, b.first
	if b.first != 0 {
		l.kept[b.first].prev = p
	}
	b.first = p
	l.count(b, 1)
}

// unlink takes it out of the batch that it is in.
func (l *requestLog) unlink(b *batch, p uint32) {
	k := &l.kept[p]
	if k.prev != 0 {
		l.kept[k.prev].next = k.next
	} else {
		b.first = k.next
	}
	if k.next != 0 {
		l.kept[k.next].prev = k.prev
	}
	l.count(b, -1)
}

// by is q, about the session of a record, with the entry that it became.
func (q *RememberedRequest) by(of *record, seq uint64) remembered {
	return remembered{Request: q.Request, NotAfter: q.NotAfter, Stamp: q.Stamp, of: of, over: q.Over, seq: seq}
}

// count notes that a batch has so many requests more.
func (l *requestLog) count(b *batch, more int) {
	b.count += more
	if b.over {
		l.over += more
	}
	if b.split {
		l.split += more
	}
}

// batchOf is the batch of the request in a place. There are some dozens, and seldom does anybody ask.
func (l *requestLog) batchOf(p uint32) *batch {
	return &l.due[slices.IndexFunc(l.due, func(b batch) bool { return b.number == l.kept[p].batch })]
}

// take remembers what another node remembers. What is over by now is kept there for a split, and so here.
func (l *requestLog) take(now Instant, q RememberedRequest, of *record, limits *Limits) {
	r := q.by(of, 0)
	l.remember(r, limits)
	p := l.placeOf(q.Request)
	if p == 0 || r.overAt(limits)+mergeWithin >= now.Wall || l.split >= splitMax {
		return
	}
	if b := l.batchOf(p); !b.over {
		l.unlink(b, p)
		l.put(p, now.Wall+splitWithin, true, true)
	}
}

// forget forgets a request, if it is remembered.
func (l *requestLog) forget(id RequestID) {
	if p := l.placeOf(id); p != 0 {
		l.drop(l.batchOf(p), p)
	}
}

// drop forgets the request in a place, which is in a batch.
func (l *requestLog) drop(b *batch, p uint32) {
	l.unlink(b, p)
	l.byID.remove(l.kept[p].id.hash(), p)
	if over, ok := l.hid[p]; ok {
		l.overBytes -= sizeOf(over)
		delete(l.hid, p)
	}
	l.kept[p], l.named[p] = kept{}, nil
	l.free = append(l.free, p)
}

// forgetFirst forgets the request that is over first of those that may come again. There must be one.
func (l *requestLog) forgetFirst() {
	for i := range l.due {
		if b := &l.due[i]; !b.over && b.count > 0 {
			l.drop(b, b.first)
			return
		}
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
		for b.first != 0 {
			l.leave(&b, b.first, wall, parted, limits)
		}
	}
	l.shrink()
	if l.live() < limits.RequestsMax {
		return
	}
	for _, k := range l.kept {
		if k.batch != 0 && k.notAfter > wall+(limits.RequestAgeMax+limits.ClockSkewMax).Milliseconds() {
			l.forget(k.id)
		}
	}
}

// shrink gives the room back that many requests at a time have left.
func (l *requestLog) shrink() {
	if l.most < shrinkFrom || l.byID.len() > l.most/4 {
		return
	}
	small := newRequestLog()
	small.due, small.last, small.over, small.split = l.due, l.last, l.over, l.split
	small.overBytes, small.most = l.overBytes, l.byID.len()
	for i := range l.due {
		b := &l.due[i]
		before, p := uint32(0), b.first
		for p != 0 {
			moved := uint32(len(small.kept))
			if before == 0 {
				b.first = moved
			} else {
				small.kept[before].next = moved
			}
			small.kept, small.named = append(small.kept, l.kept[p]), append(small.named, l.named[p])
			small.kept[moved].prev = before
			small.byID.add(l.kept[p].id.hash(), moved)
			if over, ok := l.hid[p]; ok {
				small.hid[moved] = over
			}
			before, p = moved, l.kept[p].next
		}
	}
	*l = small
}

// shrinkFrom is how many requests must have been remembered for their room to matter.
const shrinkFrom = 16

// retire notes that a batch cannot come again, and keeps it for a moment.
func (l *requestLog) retire(b batch) {
	b.over = true
	b.until += mergeWithin
	l.over += b.count
	l.insert(b)
}

// leave forgets a request of a batch, whose time is over, or keeps it for a split.
func (l *requestLog) leave(b *batch, p uint32, wall, parted int64, limits *Limits) {
	k := &l.kept[p]
	underWay := k.notAfter >= parted-2*limits.ClockSkewMax.Milliseconds() &&
		k.stamp.Wall() <= parted+limits.RequestAgeMax.Milliseconds()
	if b.split || !underWay || wall >= parted+splitWithin || l.split >= splitMax {
		l.drop(b, p)
		return
	}
	l.unlink(b, p)
	l.put(p, parted+splitWithin, true, true)
}

// all lists what is remembered, in the order of ids.
func (l *requestLog) all() []RememberedRequest {
	list := make([]RememberedRequest, 0, l.byID.len())
	for p := range l.byID.all() {
		r := l.at(p)
		list = append(list, r.told())
	}
	return inOrder(list)
}

// of lists what is remembered of one session, in the order of ids.
func (l *requestLog) of(key Key) []RememberedRequest {
	var list []RememberedRequest
	for p := range l.byID.all() {
		if l.named[p].named(key) {
			r := l.at(p)
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
