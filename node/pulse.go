package node

import (
	"math/bits"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// pulse counts the requests that this node's core was asked, so that who looks twice knows the rates between. The node's mutex
// guards it.
type pulse struct {
	reads, writes uint64 // loads and lists; commits and locks
	retried       uint64 // answered with "try again", here or elsewhere
	took          [tookBuckets]uint64
}

// tookBuckets bounds the durations told apart: four to each power of two microseconds, up to a minute.
const tookBuckets = 4 * 26

// asked counts a request.
func (p *pulse) asked(m *replica.Request) {
	if m.Commit != nil || m.Lock != nil {
		p.writes++
		return
	}
	p.reads++
}

// answered counts an answer. How long a lock was waited for says nothing about this node.
func (p *pulse) answered(took time.Duration, retry, waits bool) {
	switch {
	case retry:
		p.retried++
	case !waits:
		p.took[bucketOf(took)]++
	}
}

// bucketOf is the bucket of a duration, see bucketMax.
func bucketOf(took time.Duration) int {
	us := uint64(max(took.Microseconds(), 0))
	if us < 4 {
		return int(us)
	}
	octave := bits.Len64(us) - 3
	return min(4*octave+int(us>>octave), tookBuckets-1)
}

// bucketMax is the longest duration of a bucket, in microseconds.
func bucketMax(bucket int) uint64 {
	if bucket < 4 {
		return uint64(bucket)
	}
	octave := bucket/4 - 1
	return (uint64(bucket%4)+5)<<octave - 1
}

// PulseStatus is what a node was asked as primary since its start; two of them tell the rate between.
type PulseStatus struct {
	Seconds float64 `json:"seconds"` // since the node's start, on its own clock
	Reads   uint64  `json:"reads"`
	Writes  uint64  `json:"writes"`
	Retried uint64  `json:"retried"` // answered with "try again"
	// Took counts answers by how long they took: pairs of the longest duration in microseconds and the number of answers
	// that took as long and longer than the pair before. Pairs without any are left out.
	Took [][2]uint64 `json:"took"`
}

func (p *pulse) status(up time.Duration) PulseStatus {
	s := PulseStatus{Seconds: up.Seconds(), Reads: p.reads, Writes: p.writes, Retried: p.retried, Took: [][2]uint64{}}
	for i, count := range p.took {
		if count > 0 {
			s.Took = append(s.Took, [2]uint64{bucketMax(i), count})
		}
	}
	return s
}
