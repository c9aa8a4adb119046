package node

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sessnode/sessnode/replica"
	"golang.org/x/sys/unix"
)

// MachineClock counts from the machine's start and goes on while it sleeps: a lease must not outlast a suspended laptop
// or virtual machine.
func MachineClock() func() replica.Instant { return new(machineClock).now }

// machineClock asks the kernel seldom: Go's clocks, which need no system call, tell when it must. Its monotonic one stands still
// while the machine sleeps and the time of day does not, so that they part then, as they do when the time of day is set.
type machineClock struct {
	last atomic.Pointer[bootTime]
	mu   sync.Mutex // held by who asks the kernel
}

// bootTime is what CLOCK_BOOTTIME said, and a moment not after that.
type bootTime struct {
	since time.Duration
	at    time.Time
	wall  int64 // the time of day then, in nanoseconds since 1970
}

const (
	// partedMax is how far Go's clocks may have parted since the kernel was asked.
	partedMax = time.Millisecond
	// askWithin is how long asking may take, so that the moment of it is known; of askTries the quickest counts.
	askWithin = 50 * time.Microsecond
	askTries  = 5
)

func (c *machineClock) now() replica.Instant {
	now := time.Now()
	b := c.last.Load()
	if b == nil || b.parted(now) > partedMax {
		b = c.ask()
		now = time.Now()
	}
	return replica.Instant{Mono: b.mono(now), Wall: now.UnixMilli()}
}

// ask asks the kernel, unless somebody just did. The clock does not go back by it.
func (c *machineClock) ask() *bootTime {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.last.Load()
	if old != nil && old.parted(time.Now()) <= partedMax {
		return old
	}
	b := askBootTime()
	if old != nil {
		b.since = max(b.since, old.mono(b.at))
	}
	c.last.Store(b)
	return b
}

func (b *bootTime) mono(now time.Time) time.Duration { return b.since + now.Sub(b.at) }

// parted is by how much more or less the time of day has moved since than the monotonic clock.
func (b *bootTime) parted(now time.Time) time.Duration {
	return (time.Duration(now.UnixNano()-b.wall) - now.Sub(b.at)).Abs()
}

// askBootTime asks the kernel. What passes between the two readings makes the clock fast, and a lease short, not the reverse.
func askBootTime() *bootTime {
	var best *bootTime
	quickest := time.Duration(1<<63 - 1)
	for range askTries {
		at := time.Now()
		b := &bootTime{at: at, wall: at.UnixNano()}
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
			panic("node: BUG: CLOCK_BOOTTIME: " + err.Error()) // every Linux that Go runs on has it
		}
		b.since = time.Duration(ts.Nano())
		if took := time.Since(b.at); took < quickest {
			best, quickest = b, took
		}
		if quickest < askWithin {
			break
		}
	}
	return best
}
