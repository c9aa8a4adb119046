package report

import (
	"fmt"
	"math"
	"slices"
)

// The names of figures, with their units, as JSON has them.
const (
	Rate    = "requests_per_second"
	P50     = "p50_us"
	P99     = "p99_us"
	P999    = "p999_us"
	Longest = "longest_us"
	CPU     = "cpu_us_per_request"
	Bytes   = "bytes_per_request"
	Allocs  = "allocations_per_request" // in the generators' processes
	Failed  = "requests_failed"
	Wrong   = "answers_wrong"
	Others  = "cores_used_by_others"

	LiveBytes     = "live_bytes_per_session_and_copy" // Go: heap after a collection; Redis: used_memory
	ResidentBytes = "resident_bytes_per_session_and_copy"
	PauseP50      = "gc_pause_p50_us"
	PauseP99      = "gc_pause_p99_us"
	Median        = "median_us"
	Worst         = "worst_us"
	Times         = "times"
	AllToAll      = "all_to_all_cpu_us_per_request" // computed, not measured
)

// Workloads that are not made of requests alone.
const (
	Memory   = "memory"
	Million  = "million"
	Failover = "failover"
)

// Nodes is the name of the workload at a fixed rate on so many nodes.
func Nodes(count int) string { return fmt.Sprintf("nodes-%d", count) }

// Figures is what was measured of one workload, by name.
type Figures map[string]float64

// String is the most telling of them on a line.
func (f Figures) String() string {
	return fmt.Sprintf("%8.0f/s  p50 %7.0f  p99 %7.0f  p999 %7.0f us  cpu %6.1f us  %7.0f bytes  %5.1f allocs",
		f[Rate], f[P50], f[P99], f[P999], f[CPU], f[Bytes], f[Allocs])
}

// median is each figure's median over rounds; of counts of what went wrong, the sum.
func median(rounds []Figures) Figures {
	m := Figures{}
	for name := range rounds[0] {
		var values []float64
		for _, r := range rounds {
			values = append(values, r[name])
		}
		m[name] = middle(values)
		if name == Failed || name == Wrong {
			m[name] = sum(values)
		}
	}
	return m
}

func sum(values []float64) (s float64) {
	for _, v := range values {
		s += v
	}
	return s
}

// middle is the median, of an even number of values the mean of the two in the middle.
func middle(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
