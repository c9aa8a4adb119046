package main

import (
	"runtime"
	"testing"
	"time"
)

func TestThreadsFollowWhatIsUsed(t *testing.T) {
	many := func(n int, busy float64) []float64 {
		all := make([]float64, n)
		for i := range all {
			all[i] = busy
		}
		return all
	}
	for _, c := range []struct {
		name      string
		now, max  int
		busy      []float64
		want, end int // calm looks at the end
	}{
		{"one is enough", 2, 2, many(threadsCalm, 0.3), 1, 0},
		{"not for long enough", 2, 2, many(threadsCalm-1, 0.3), 2, threadsCalm - 1},
		{"busy once", 2, 2, append(many(threadsCalm-1, 0.3), 0.6), 2, 0},
		{"what two do one could not", 2, 2, many(100, 0.6), 2, 0},
		{"one is too few", 1, 8, []float64{0.8}, 2, 0},
		{"a burst", 1, 8, []float64{0.9, 1.9, 3.9}, 8, 0},
		{"never more than there are", 2, 3, []float64{2, 3, 3}, 3, 0},
		{"one at a time", 8, 8, many(3*threadsCalm, 0.1), 5, 0},
		{"never none", 1, 1, many(3*threadsCalm, 0), 1, 0},
	} {
		s := threads{now: c.now, max: c.max}
		for _, busy := range c.busy {
			s.look(busy)
		}
		if s.now != c.want || s.calm != c.end {
			t.Errorf("%s: %d, calm for %d, want %d, %d", c.name, s.now, s.calm, c.want, c.end)
		}
	}
}

// An idle process is left with one processor, and has all again at the end.
func TestThreadsOfAnIdleProcess(t *testing.T) {
	if _, known := processorTime(); !known {
		t.Skip("the time used is not known here")
	}
	had := runtime.GOMAXPROCS(2)
	defer runtime.GOMAXPROCS(had)
	t.Setenv("GOMAXPROCS", "")
	t.Setenv("GOGC", "100")
	stop := tune(0)
	for deadline := time.Now().Add(time.Minute); runtime.GOMAXPROCS(0) != 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("an idle process keeps two processors")
		}
	}
	if stop(); runtime.GOMAXPROCS(0) != 2 {
		t.Errorf("%d processors at the end, want 2", runtime.GOMAXPROCS(0))
	}
}
