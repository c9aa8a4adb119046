package node

import (
	"testing"
	"time"
)

// Every duration lies in its bucket and in no other, and a bucket is no wider than a quarter of what it holds.
func TestBuckets(t *testing.T) {
	for us := range uint64(100_000) {
		b := bucketOf(time.Duration(us) * time.Microsecond)
		if us > bucketMax(b) || b > 0 && us <= bucketMax(b-1) {
			t.Fatalf("%d µs are in bucket %d, up to %d µs", us, b, bucketMax(b))
		}
		if b > 0 && 4*(bucketMax(b)-bucketMax(b-1)) > max(us, 4) {
			t.Fatalf("bucket %d of %d µs is %d µs wide", b, us, bucketMax(b)-bucketMax(b-1))
		}
	}
	if b := bucketOf(time.Hour); b != durationBuckets-1 || bucketMax(b) < uint64(time.Minute/time.Microsecond) {
		t.Errorf("an hour is in bucket %d of %d, up to %d µs", b, durationBuckets, bucketMax(b))
	}
	if bucketOf(-time.Second) != 0 {
		t.Error("a clock that went back")
	}
}

// What is told adds up, and ends where it says.
func TestHistogram(t *testing.T) {
	var d durations
	for _, took := range []time.Duration{0, 31 * time.Microsecond, 32 * time.Microsecond, time.Millisecond, time.Hour} {
		d.add(took)
	}
	h := d.histogram()
	if h.Count != 5 || h.Sum != time.Hour+time.Millisecond+63*time.Microsecond {
		t.Errorf("%d durations of %v", h.Count, h.Sum)
	}
	for _, b := range h.Buckets {
		want := uint64(4)
		switch {
		case b.Max <= 32*time.Microsecond:
			want = 2
		case b.Max < time.Millisecond:
			want = 3
		}
		if b.Count != want {
			t.Errorf("%d within %v, want %d", b.Count, b.Max, want)
		}
	}
	if n := len(h.Buckets); n != 18 || h.Buckets[0].Max != 32*time.Microsecond || h.Buckets[17].Max != 1<<22*time.Microsecond {
		t.Errorf("%d buckets: %v", n, h.Buckets)
	}
}
