package node

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessnode/sessnode/replica"
)

func TestPulseTells(t *testing.T) {
	var y tally
	answer := func(k kind, status replica.Status, took time.Duration) {
		y.answered(&waiter{kind: k}, &replica.Result{Status: status})
		y.took[k].add(took)
	}
	answer(kindLoad, replica.StatusOK, 3*time.Microsecond)
	answer(kindCommit, replica.StatusOK, 3*time.Microsecond)
	answer(kindDestroy, replica.StatusUnavailable, time.Millisecond)
	answer(kindLock, replica.StatusOK, time.Second)
	want := PulseStatus{Seconds: 2, Reads: 1, Writes: 3, Retried: 1, Took: [][2]uint64{{3, 2}, {1023, 1}}}
	if diff := cmp.Diff(want, y.pulse(2*time.Second)); diff != "" {
		t.Error(diff)
	}
}
