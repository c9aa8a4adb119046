package replica

import (
	"cmp"
	"container/heap"
	"slices"
)

// requestLog remembers which requests took effect, so that a retry does not do so again. It is replicated with the
// entries themselves.
type requestLog struct {
	byID map[RequestID]*remembered
	due  requestHeap // all of them
}

// remembered is a request with the entry that it became; zero when that came with a snapshot.
type remembered struct {
	RememberedRequest
	seq   uint64
	index int // place in the requestHeap
}

func newRequestLog() requestLog { return requestLog{byID: map[RequestID]*remembered{}} }

func (l *requestLog) find(id RequestID) *remembered {
	if id.IsZero() {
		return nil
	}
	return l.byID[id]
}

// remember keeps r until its not-after time and the clock skew have passed. At the limit the request that is over first
// gives way; a primary refuses commits before that.
func (l *requestLog) remember(r remembered, limit int) {
	if r.Request.IsZero() || l.byID[r.Request] != nil {
		return
	}
	for len(l.due) >= limit {
		l.forget(l.due[0].Request)
	}
	l.byID[r.Request] = &r
	heap.Push(&l.due, &r)
}

func (l *requestLog) forget(id RequestID) {
	if r := l.byID[id]; r != nil {
		heap.Remove(&l.due, r.index)
		delete(l.byID, id)
	}
}

// sweep forgets what is over at the given time of day, in milliseconds. When the log is full for all that, the clock may
// have been ahead for a while: then it forgets what admit refuses for lying too far in the future.
func (l *requestLog) sweep(wall int64, limits *Limits) {
	skew := limits.ClockSkewMax.Milliseconds()
	for len(l.due) > 0 && l.due[0].NotAfter < wall-2*skew {
		l.forget(l.due[0].Request)
	}
	if len(l.due) < limits.RequestsMax {
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
func (h requestHeap) Less(i, j int) bool { return h[i].NotAfter < h[j].NotAfter }

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
