package node

import (
	"math/bits"
	"time"
)

// durationBuckets bounds the durations told apart: four to each power of two microseconds, up to a minute.
const durationBuckets = 4 * 26

// durations is a histogram.
type durations struct {
	counts [durationBuckets]uint64
	sum    time.Duration
}

// add counts one.
func (d *durations) add(took time.Duration) {
	d.counts[bucketOf(took)]++
	d.sum += took
}

// bucketOf is the bucket of a duration, see bucketMax.
func bucketOf(took time.Duration) int {
	us := uint64(max(took.Microseconds(), 0))
	if us < 4 {
		return int(us)
	}
	octave := bits.Len64(us) - 3
	return min(4*octave+int(us>>octave), durationBuckets-1)
}

// bucketMax is the longest duration of a bucket, in microseconds.
func bucketMax(bucket int) uint64 {
	if bucket < 4 {
		return uint64(bucket)
	}
	octave := bucket/4 - 1
	return (uint64(bucket%4)+5)<<octave - 1
}

// The buckets that Metrics tells end at every power of two between these, in microseconds: 32 µs and 4.2 s.
const (
	toldFrom = 1 << 5
	toldTo   = 1 << 22
)

// histogram is d in the form of Metrics.
func (d *durations) histogram() Histogram {
	h := Histogram{Sum: d.sum}
	for i, count := range d.counts {
		h.Count += count
		if end := bucketMax(i) + 1; end >= toldFrom && end <= toldTo && bits.OnesCount64(end) == 1 {
			h.Buckets = append(h.Buckets, Bucket{time.Duration(end) * time.Microsecond, h.Count})
		}
	}
	return h
}
