package load

import (
	"math"
	"runtime"
	"runtime/metrics"
	"time"
)

// Pauses are how long collections of garbage stopped a process, in seconds. Each is the upper end of a bucket of the runtime's,
// which reach from 1.14 to 1.25 times their lower end.
type Pauses struct {
	Median, P99 float64
	Count       uint64
}

// Collect collects garbage again and again for a while, while requests go on, and measures the pauses.
func (g *Generator) Collect(span time.Duration, p *Pauses) error {
	before := pauses()
	for end := time.Now().Add(span); time.Now().Before(end); {
		runtime.GC()
	}
	*p = between(before, pauses())
	return nil
}

// pauses are those of the process so far.
func pauses() metrics.Float64Histogram {
	sample := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(sample)
	return *sample[0].Value.Float64Histogram()
}

// between is what after counts and before does not.
func between(before, after metrics.Float64Histogram) Pauses {
	counts := make([]uint64, len(after.Counts))
	var p Pauses
	for i := range counts {
		counts[i] = after.Counts[i] - before.Counts[i]
		p.Count += counts[i]
	}
	p.Median, p.P99 = upper(counts, after.Buckets, p.Count, 0.5), upper(counts, after.Buckets, p.Count, 0.99)
	return p
}

// upper is the upper end of the bucket that a share of all lies below, zero when there are none. Bucket i reaches from ends[i] to
// ends[i+1].
func upper(counts []uint64, ends []float64, all uint64, share float64) float64 {
	seen := uint64(0)
	for i, n := range counts {
		if seen += n; all > 0 && float64(seen) >= share*float64(all) {
			if end := ends[i+1]; !math.IsInf(end, 1) {
				return end
			}
			return ends[i]
		}
	}
	return 0
}
