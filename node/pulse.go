package node

import (
	"time"

	"github.com/sessnode/sessnode/replica"
)

// PulseStatus is what a node was asked since its start; two of them tell the rate between.
type PulseStatus struct {
	Seconds float64 `json:"seconds"` // since the node's start, on its own clock
	Reads   uint64  `json:"reads"`   // loads and lists
	Writes  uint64  `json:"writes"`  // commits, logouts and locks
	Retried uint64  `json:"retried"` // of both, answered with "try again"
	// Took counts answers, but for those to who asked for a lock and may have waited, by how long they took: pairs of the longest
	// duration in microseconds and the number of answers that took as long and longer than the pair before. Pairs without any
	// are left out.
	Took [][2]uint64 `json:"took"`
}

// pulse is what a tally tells of requests as a whole.
func (t *tally) pulse(up time.Duration) PulseStatus {
	s := PulseStatus{Seconds: up.Seconds(), Took: [][2]uint64{}}
	for k := range kinds {
		for status, count := range t.results[k] {
			if k == kindLoad || k == kindList {
				s.Reads += count
			} else {
				s.Writes += count
			}
			if replica.Status(status).Retryable() {
				s.Retried += count
			}
		}
	}
	for i := range durationBuckets {
		count := uint64(0)
		for k := range kinds {
			if k != kindLock {
				count += t.took[k].counts[i]
			}
		}
		if count > 0 {
			s.Took = append(s.Took, [2]uint64{bucketMax(i), count})
		}
	}
	return s
}
