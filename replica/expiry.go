package replica

import (
	"container/heap"
	"time"
)

// expiryHeap finds the record that is due first without looking at the others. A record's due time may be early, never
// late: an access moves only the real end, and the record is put back when it comes up.
type expiryHeap []*record

// Len implements heap.Interface.
func (h expiryHeap) Len() int { return len(h) }

// Less implements heap.Interface.
func (h expiryHeap) Less(i, j int) bool { return h[i].due < h[j].due }

// Swap implements heap.Interface.
func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = int32(i), int32(j)
}

// Push implements heap.Interface.
func (h *expiryHeap) Push(x any) {
	r := x.(*record)
	r.index = int32(len(*h))
	*h = append(*h, r)
}

// Pop implements heap.Interface.
func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	r.index = -1
	return r
}

// schedule puts r at due, or moves it there.
func (h *expiryHeap) schedule(r *record, due time.Duration) {
	if r.index >= 0 {
		if due < r.due {
			r.due = due
			heap.Fix(h, int(r.index))
		}
		return
	}
	r.due = due
	heap.Push(h, r)
}

// remove takes r out, wherever it stands.
func (h *expiryHeap) remove(r *record) {
	if r.index >= 0 {
		heap.Remove(h, int(r.index))
	}
}

// next takes out the first record that is due at now, or returns nil.
func (h *expiryHeap) next(now time.Duration) *record {
	if len(*h) == 0 || (*h)[0].due > now {
		return nil
	}
	return heap.Pop(h).(*record)
}
