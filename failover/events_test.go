package failover_test

import "time"

// event is something that will happen: a function to run, or a parcel to deliver.
type event struct {
	at     time.Duration
	seq    uint64 // orders events of one moment as they were made
	run    func()
	parcel *parcel
}

func (e *event) before(f *event) bool { return e.at < f.at || e.at == f.at && e.seq < f.seq }

// events is a heap of which each place has four below it: most of the simulator's time went into sifting one of two.
type events struct {
	heap []event
	seq  uint64
}

func (q *events) add(e event) {
	q.seq++
	e.seq = q.seq
	q.heap = append(q.heap, e)
	i := len(q.heap) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&q.heap[parent]) {
			break
		}
		q.heap[i] = q.heap[parent]
		i = parent
	}
	q.heap[i] = e
}

// next takes the first event out if it is due.
func (q *events) next(end time.Duration) (first event, ok bool) {
	if len(q.heap) == 0 || q.heap[0].at > end {
		return event{}, false
	}
	first = q.heap[0]
	last := len(q.heap) - 1
	moved := q.heap[last]
	q.heap[last] = event{}
	if q.heap = q.heap[:last]; last > 0 {
		q.sink(moved)
	}
	return first, true
}

// sink puts an event in at the top.
func (q *events) sink(e event) {
	i := 0
	for {
		least, n := -1, len(q.heap)
		for child := 4*i + 1; child < min(4*i+5, n); child++ {
			if least < 0 || q.heap[child].before(&q.heap[least]) {
				least = child
			}
		}
		if least < 0 || !q.heap[least].before(&e) {
			break
		}
		q.heap[i] = q.heap[least]
		i = least
	}
	q.heap[i] = e
}
