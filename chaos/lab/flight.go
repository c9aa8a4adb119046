package lab

import (
	"container/heap"
	"sync"
	"time"
)

// flight is packets under way. What limits them is linkQueueMax for each line. It owns one goroutine, which close joins.
type flight struct {
	wake    chan struct{} // holds one: the next to arrive has changed
	stop    chan struct{}
	stopped chan struct{}

	mu    sync.Mutex // guards what follows
	queue parcels
	added uint64
}

func newFlight() *flight {
	f := &flight{wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{})}
	go f.run()
	return f
}

// add has something done when it is due, on the flight's goroutine; in the order added, where times are equal.
func (f *flight) add(due time.Time, do func()) {
	f.mu.Lock()
	f.added++
	p := parcel{due, f.added, do}
	heap.Push(&f.queue, p)
	first := f.queue[0].seq == p.seq
	f.mu.Unlock()
	if first {
		select {
		case f.wake <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// run does what is due until stopped.
func (f *flight) run() {
	defer close(f.stopped)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		do, wait := f.next()
		if do != nil {
			do()
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-f.wake:
		case <-f.stop:
			return
		}
	}
}

// next is what is due now, or how long nothing will be.
func (f *flight) next() (do func(), wait time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.stop:
		return nil, time.Hour
	default:
	}
	if len(f.queue) == 0 {
		return nil, time.Hour
	}
	if wait = time.Until(f.queue[0].due); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&f.queue).(parcel).do, 0
}

// close forgets what is under way. It must be called once.
func (f *flight) close() {
	close(f.stop)
	<-f.stopped
}

type parcel struct {
	due time.Time
	seq uint64 // of those due at the same time, the lower goes first
	do  func()
}

// parcels is a heap by due time.
type parcels []parcel

// Len implements [heap.Interface].
func (p parcels) Len() int { return len(p) }

// Less implements [heap.Interface].
func (p parcels) Less(i, j int) bool {
	if p[i].due.Equal(p[j].due) {
		return p[i].seq < p[j].seq
	}
	return p[i].due.Before(p[j].due)
}

// Swap implements [heap.Interface].
func (p parcels) Swap(i, j int) { p[i], p[j] = p[j], p[i] }

// Push implements [heap.Interface].
func (p *parcels) Push(x any) { *p = append(*p, x.(parcel)) }

// Pop implements [heap.Interface].
func (p *parcels) Pop() any {
	old := *p
	last := old[len(old)-1]
	old[len(old)-1] = parcel{} // so that its payload can be freed
	*p = old[:len(old)-1]
	return last
}
