//go:build !linux

package node

import "github.com/sessnode/sessnode/replica"

// machineClock is the steady clock: no other clock is within easy reach on this system.
func machineClock() func() replica.Instant { return SteadyClock() }
