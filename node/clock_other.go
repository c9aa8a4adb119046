//go:build !linux

package node

import "github.com/sessnode/sessnode/replica"

// MachineClock is the steady clock: no other clock is within easy reach on this system.
func MachineClock() func() replica.Instant { return SteadyClock() }
