package simnet

import (
	"sync"
	"time"
)

// deadline is a point in time that can be moved while others wait for it.
type deadline struct {
	mu      sync.Mutex    // guards all below
	passed  chan struct{} // closed once the deadline has passed; replaced when a passed one is moved
	timer   *time.Timer   // nil while there is no deadline ahead
	version uint64        // tells a late timer that the deadline was moved under it
}

func newDeadline() *deadline {
	return &deadline{passed: make(chan struct{})}
}

// set moves the deadline. A zero t means that there is none; one in the past has passed at once.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.version++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if isClosed(d.passed) {
		d.passed = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		close(d.passed)
		return
	}
	version := d.version
	d.timer = time.AfterFunc(wait, func() { d.expire(version) })
}

func (d *deadline) expire(version uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.version == version {
		close(d.passed)
	}
}

// wait returns a channel that is closed once the present deadline has passed.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
