package load

import (
	"syscall"
	"time"
)

// pace says when requests are due, at a fixed rate, until the run is stopped. It sleeps in the kernel: timers of Go wake an
// idle process up to a millisecond late, which would count as latency. It does not sleep for less than napMin: at a high rate a
// sleep for each request took half of the processors, and the servers had the other half.
func (r *run) pace() {
	defer close(r.due)
	began := time.Now()
	for i := 0; !r.stopped.Load(); i++ {
		due := began.Add(time.Duration(float64(i) / r.job.Rate * float64(time.Second)))
		for wait := time.Until(due); wait > 0; wait = time.Until(due) {
			nap := syscall.NsecToTimespec(int64(min(max(wait, napMin), napMax)))
			_ = syscall.Nanosleep(&nap, nil) // a signal ends it early, and the loop sleeps again
		}
		select {
		case r.due <- due:
		case <-r.stop:
			return
		}
	}
}

// Between them lies how long the pace sleeps at a time. Requests that were due meanwhile are made at once, late by napMin at most.
const (
	napMin = 250 * time.Microsecond
	napMax = 10 * time.Millisecond
)
