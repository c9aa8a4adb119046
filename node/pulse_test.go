package node

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
	if b := bucketOf(time.Hour); b != tookBuckets-1 || bucketMax(b) < uint64(time.Minute/time.Microsecond) {
		t.Errorf("an hour is in bucket %d of %d, up to %d µs", b, tookBuckets, bucketMax(b))
	}
	if bucketOf(-time.Second) != 0 {
		t.Error("a clock that went back")
	}
}

func TestPulseTells(t *testing.T) {
	var p pulse
	p.asked(loadOf("a"))
	p.answered(3*time.Microsecond, false, false)
	p.answered(3*time.Microsecond, false, false)
	p.answered(time.Millisecond, false, false)
	p.answered(time.Second, true, false)
	p.answered(time.Second, false, true)
	want := PulseStatus{Seconds: 2, Reads: 1, Retried: 1, Took: [][2]uint64{{3, 2}, {1023, 1}}}
	if diff := cmp.Diff(want, p.status(2*time.Second)); diff != "" {
		t.Error(diff)
	}
}
