package bench

import (
	"math"
	"slices"
	"time"
)

// sample is one request that was answered.
type sample struct {
	due  time.Time
	took time.Duration // from due to the answer
	slot uint32
}

// tookBetween is the latencies, ascending, of the requests due in [from, to) whose slot is wanted.
func tookBetween(samples []sample, from, to time.Time, wanted func(slot uint32) bool) []time.Duration {
	var took []time.Duration
	for _, s := range samples {
		if !s.due.Before(from) && s.due.Before(to) && wanted(s.slot) {
			took = append(took, s.took)
		}
	}
	slices.Sort(took)
	return took
}

// every wants all slots.
func every(uint32) bool { return true }

// percentile is the smallest of the ascending values that at least the share p, 0 to 1, of them do not pass; zero of none.
func percentile[T ~int64 | ~float64](ascending []T, p float64) T {
	if len(ascending) == 0 {
		return 0
	}
	rank := int(math.Ceil(p * float64(len(ascending))))
	return ascending[min(max(rank, 1), len(ascending))-1]
}

// judged is a percentile in milliseconds to compare with a target: of nothing it is no number, so that no target is met.
func judged(ascending []time.Duration, p float64) float64 {
	if len(ascending) == 0 {
		return math.NaN()
	}
	return ms(percentile(ascending, p))
}

// last is the greatest of ascending values; zero of none.
func last[T ~int64 | ~float64](ascending []T) T { return percentile(ascending, 1) }

// ratio is a over b; not a number, so that no target is met, without a b.
func ratio[T ~int | ~int64](a, b T) float64 {
	if b == 0 {
		return math.NaN()
	}
	return math.Round(100*float64(a)/float64(b)) / 100
}
