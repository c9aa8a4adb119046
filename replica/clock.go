package replica

import (
	"cmp"
	"fmt"
	"time"
)

// Instant is one moment as one node sees it.
type Instant struct {
	// Mono counts from an arbitrary origin of this boot and runs while the machine sleeps. Leases and idle times use it.
	Mono time.Duration
	// Wall is the time of day in milliseconds since 1970, and may jump. Stamps and absolute deadlines use it.
	Wall int64
}

// forever is longer than anything lasts, and may be added to any instant without passing the range of a Duration.
const forever time.Duration = 1 << 61

// at is the Instant.Mono at which the time of day will be wall, unless the clock jumps.
func (now Instant) at(wall int64) time.Duration {
	const most = int64(forever / time.Millisecond)
	ahead := min(max(wall, -1<<61), 1<<61) - now.Wall
	return now.Mono + time.Duration(min(max(ahead, -most), most))*time.Millisecond
}

// Stamp orders commits: a hybrid logical clock, then the boot that gave it. A stamp is given once and never rewritten.
//
// Source: Kulkarni et al., "Logical Physical Clocks", OPODIS 2014.
type Stamp struct {
	Clock uint64 // milliseconds since 1970 << 16 | counter
	Boot  Boot
}

// IsZero reports whether s is no stamp at all.
func (s Stamp) IsZero() bool { return s == Stamp{} }

// String is the stamp as people compare it: clock and boot in hexadecimal.
func (s Stamp) String() string { return fmt.Sprintf("%016x-%v", s.Clock, s.Boot) }

// Less reports whether s orders before t.
func (s Stamp) Less(t Stamp) bool { return s.compare(t) < 0 }

func (s Stamp) compare(t Stamp) int {
	return cmp.Or(cmp.Compare(s.Clock, t.Clock), cmp.Compare(s.Boot, t.Boot))
}

// Wall is the time of day of the stamp in milliseconds since 1970; it may run ahead of every real clock.
func (s Stamp) Wall() int64 { return int64(s.Clock >> 16) }

// Later is the greater of two stamps.
func Later(s, t Stamp) Stamp {
	if s.Less(t) {
		return t
	}
	return s
}

// Clock gives the stamps of one boot. The zero Clock with a Boot set is ready.
type Clock struct {
	Boot Boot
	last uint64 // Invariant: every stamp given or observed has Clock <= last.
}

// Next gives a stamp later than every one given or observed before.
func (c *Clock) Next(wall int64) Stamp {
	c.last = max(c.last+1, uint64(max(wall, 0))<<16)
	return Stamp{Clock: c.last, Boot: c.Boot}
}

// Observe moves the clock past a stamp that another boot gave.
func (c *Clock) Observe(s Stamp) { c.last = max(c.last, s.Clock) }
