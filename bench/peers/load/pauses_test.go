package load

import (
	"math"
	"runtime/metrics"
	"testing"
)

func TestPausesBetween(t *testing.T) {
	ends := []float64{0, 1, 2, 4, math.Inf(1)}
	before := metrics.Float64Histogram{Counts: []uint64{5, 0, 7, 1}, Buckets: ends}
	for _, c := range []struct {
		more [4]uint64
		want Pauses
	}{
		{[4]uint64{}, Pauses{}},
		{[4]uint64{1, 0, 0, 0}, Pauses{1, 1, 1}},
		{[4]uint64{98, 1, 1, 0}, Pauses{1, 2, 100}},
		{[4]uint64{97, 1, 2, 0}, Pauses{1, 4, 100}},
		{[4]uint64{0, 0, 0, 3}, Pauses{4, 4, 3}}, // of the last bucket only its lower end is known
	} {
		after := metrics.Float64Histogram{Counts: make([]uint64, 4), Buckets: ends}
		for i := range c.more {
			after.Counts[i] = before.Counts[i] + c.more[i]
		}
		if got := between(before, after); got != c.want {
			t.Errorf("%v more: %v, want %v", c.more, got, c.want)
		}
	}
}
