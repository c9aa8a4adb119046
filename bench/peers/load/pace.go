package load

import (
	"syscall"
	"time"
)

// pace says when requests are due, at a fixed rate, until the run is stopped. It sleeps in the kernel: timers of Go wake an
// idle process up to a millisecond late, which would count as latency.
func (r *run) pace() {
	defer close(r.due)
	began := time.Now()
	for i := 0; !r.stopped.Load(); i++ {
		due := began.Add(time.Duration(float64(i) / r.job.Rate * float64(time.Second)))
		for wait := time.Until(due); wait > 0; wait = time.Until(due) {
			nap := syscall.NsecToTimespec(min(int64(wait), int64(10*time.Millisecond)))
			_ = syscall.Nanosleep(&nap, nil) // a signal ends it early, and the loop sleeps again
		}
		select {
		case r.due <- due:
		case <-r.stop:
			return
		}
	}
}
