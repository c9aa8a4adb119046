package node

import (
	"time"

	"github.com/sessnode/sessnode/replica"
)

// SteadyClock is a clock on Go's own monotonic time, which stops while the machine sleeps. It is for tests under
// virtual time; a node's default clock does not stop.
func SteadyClock() func() replica.Instant {
	start := time.Now()
	return func() replica.Instant {
		now := time.Now()
		return replica.Instant{Mono: now.Sub(start) + time.Hour, Wall: now.UnixMilli()}
	}
}
