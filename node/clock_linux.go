package node

import (
	"time"

	"github.com/sessnode/sessnode/replica"
	"golang.org/x/sys/unix"
)

// MachineClock counts from the machine's start and goes on while it sleeps: a lease must not outlast a suspended laptop
// or virtual machine.
func MachineClock() func() replica.Instant {
	return func() replica.Instant {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
			panic("node: BUG: CLOCK_BOOTTIME: " + err.Error()) // every Linux that Go runs on has it
		}
		return replica.Instant{Mono: time.Duration(ts.Nano()), Wall: time.Now().UnixMilli()}
	}
}
