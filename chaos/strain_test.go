package chaos

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

func TestAStrainedMachineIsADoubt(t *testing.T) {
	var s strain
	for _, late := range []time.Duration{0, strainLeast - 1, strainLeast, 400 * time.Millisecond} {
		s.note(late)
	}
	if s.times != 2 || s.longest != 400*time.Millisecond {
		t.Errorf("%+v, want 2 times and at the longest 400ms", s)
	}
	r := &Result{Stalls: s.times, Stalled: s.longest, history: &history.History{}}
	if got := strings.Join(r.doubts(), "\n"); !strings.Contains(got, "2 times, for up to 400ms") {
		t.Errorf("the doubts are %q", got)
	}
}

func TestAMachineAtRestIsNotStrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s strain
		over := make(chan struct{})
		time.AfterFunc(time.Minute, func() { close(over) })
		s.watch(over)
		if s.times > 0 {
			t.Errorf("%+v", s)
		}
	})
}
