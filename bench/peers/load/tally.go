package load

import (
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies are kept from 0.1 µs to one minute, to a hundredth. HdrHistogram is what others compare by, merges what
// processes counted, and is maintained; our own would be as long as this file and need its own proof.
const (
	shortest = 100
	longest  = int64(time.Minute)
	digits   = 2
)

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(shortest, longest, digits) }

// tally is what one caller counts. The caller alone writes it.
type tally struct {
	requests atomic.Uint64
	latency  *hdrhistogram.Histogram
	epoch    uint64 // of the run's marks; latencies of an older one are forgotten
	_        [64]byte
}

// count adds a request that was answered.
func (t *tally) count(epoch uint64, took time.Duration) {
	if t.epoch != epoch {
		t.epoch = epoch
		t.latency.Reset()
	}
	_ = t.latency.RecordValue(min(max(int64(took), shortest), longest)) // it is in range
	t.requests.Add(1)
}

// Counts is what generators counted between a mark and the end of a run.
type Counts struct {
	Requests uint64
	Failed   uint64 // got no answer, or a refusal
	Wrong    uint64 // were answered wrongly
	Faults   []string
	Seconds  float64
	Latency  *hdrhistogram.Snapshot
	Mallocs  uint64 // memory allocations of the generator's process
}

// Merge is what generators that ran at the same time counted together.
func Merge(all ...Counts) Counts { return merge(all, func(a, b float64) float64 { return max(a, b) }) }

// Join is what runs one after another counted together.
func Join(all ...Counts) Counts { return merge(all, func(a, b float64) float64 { return a + b }) }

func merge(all []Counts, span func(a, b float64) float64) Counts {
	var sum Counts
	h := newHistogram()
	for _, c := range all {
		sum.Requests += c.Requests
		sum.Failed += c.Failed
		sum.Wrong += c.Wrong
		sum.Mallocs += c.Mallocs
		sum.Faults = append(sum.Faults, c.Faults...)
		sum.Seconds = span(sum.Seconds, c.Seconds)
		if c.Latency != nil {
			h.Merge(hdrhistogram.Import(c.Latency))
		}
	}
	sum.Latency = h.Export()
	return sum
}

// Percentile is the latency that the share p, 0 to 100, of the requests did not pass.
func (c Counts) Percentile(p float64) time.Duration {
	if c.Latency == nil {
		return 0
	}
	return time.Duration(hdrhistogram.Import(c.Latency).ValueAtQuantile(p))
}
