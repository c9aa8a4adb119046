package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
)

// How much serve lets be allocated from one collection of garbage to the next.
const (
	headroomBytes = 128 << 20 // however small the heap is
	headroomShare = 8         // of what sessions may take at most this part: small machines have no more to give
	// headroomHeap is what a smaller heap counts as. It bounds the percent, which until the next look holds for all that a
	// collection finds, however much that is.
	headroomHeap = 16 << 20
)

// headroomOf is how many bytes may be allocated between collections where sessions may take memoryBytes, 0: any number.
func headroomOf(memoryBytes int) uint64 {
	if memoryBytes <= 0 {
		return headroomBytes
	}
	return min(headroomBytes, uint64(memoryBytes)/headroomShare)
}

// collectorPercent is how much may be allocated, in percent of what was live at the last collection, before the next begins: as
// much as is live, as Go has it, or the headroom if that is more. With a small heap alone a node under load would collect several
// times a second, and the collector's workers take processors that the node, or others beside it, would use.
func collectorPercent(live, headroom uint64) int {
	return int(max(100, 100*headroom/max(live, headroomHeap)))
}

// collectorTuner gives the collector of this process its headroom.
type collectorTuner struct {
	headroom   uint64
	now, first int // percent; first is what it was
	live       []metrics.Sample
}

// newCollectorTuner is nil if the environment's GOGC says how often to collect. The headroom is given at once.
func newCollectorTuner(memoryBytes int) tuner {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	c := &collectorTuner{headroom: headroomOf(memoryBytes), live: []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}, // Go's percent is of their sum
	}}
	c.now = collectorPercent(c.liveBytes(), c.headroom)
	c.first = debug.SetGCPercent(c.now)
	return c
}

// liveBytes is what the last collection found; nothing before the first.
func (c *collectorTuner) liveBytes() (sum uint64) {
	metrics.Read(c.live)
	for _, s := range c.live {
		sum += s.Value.Uint64()
	}
	return sum
}

func (c *collectorTuner) tune() {
	if n := collectorPercent(c.liveBytes(), c.headroom); n != c.now {
		debug.SetGCPercent(n)
		c.now = n
	}
}

func (c *collectorTuner) restore() { debug.SetGCPercent(c.first) }
