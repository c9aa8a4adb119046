package client

import (
	"sync/atomic"
	"time"
)

// latencyBounds are the upper ends of the buckets of latencies; one more holds what is above.
var latencyBounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond,
	5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
	250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second,
}

// tally counts requests. A request costs it three additions.
type tally struct {
	retries    atomic.Uint64
	unanswered atomic.Uint64
	counts     [len(latencyBounds) + 1]atomic.Uint64
	sum        atomic.Int64 // nanoseconds
}

// ended counts a request that was sent so often and took so long.
func (t *tally) ended(took time.Duration, sends int, err error) {
	if sends > 1 {
		t.retries.Add(uint64(sends - 1))
	}
	if err != nil {
		t.unanswered.Add(1)
	}
	i := 0
	for i < len(latencyBounds) && took > latencyBounds[i] {
		i++
	}
	t.counts[i].Add(1)
	t.sum.Add(int64(took))
}

// Histogram counts durations. Requests that end while it is made may be in one of its numbers and not in another.
type Histogram struct {
	Buckets []Bucket // ascending
	Count   uint64
	Sum     time.Duration
}

// Bucket counts the durations that do not exceed a bound.
type Bucket struct {
	Max   time.Duration
	Count uint64
}

// Latency is how long requests took since Dial, from the call to its answer or its error, retries and pauses included.
func (c *Client) Latency() Histogram {
	t := &c.tally
	h := Histogram{Sum: time.Duration(t.sum.Load())}
	for i, bound := range latencyBounds {
		h.Count += t.counts[i].Load()
		h.Buckets = append(h.Buckets, Bucket{bound, h.Count})
	}
	h.Count += t.counts[len(latencyBounds)].Load()
	return h
}
