package main

import (
	"os"
	"runtime"
	"time"
)

// How serve finds out how many processors it needs.
const (
	threadsMore = 0.75 // of the time of those it has: it takes twice as many
	threadsLess = 0.5  // of the time of one fewer, at threadsCalm looks in a row: it takes one fewer
	threadsCalm = 8
)

// threads is how many processors this process runs Go code on at a time. A message passes through half a dozen goroutines. As
// long as a processor of the process is idle each of them wakes a thread on it, which costs more than what it has to do. With
// a node and other processes on two processors a request takes a fifth less of their time when the node keeps to one.
type threads struct {
	now, max int
	calm     int // looks in a row at which one fewer would have done
}

// look takes how many processors the process kept busy since the last look, and returns how many it is to have.
func (t *threads) look(busy float64) int {
	switch {
	case busy > threadsMore*float64(t.now):
		t.now, t.calm = min(2*t.now, t.max), 0
	case busy < threadsLess*float64(t.now-1):
		if t.calm++; t.calm == threadsCalm {
			t.now, t.calm = t.now-1, 0
		}
	default:
		t.calm = 0
	}
	return t.now
}

// threadTuner has the process run on as many processors as threads says.
type threadTuner struct {
	threads
	used time.Duration // of all processors, at the last look
	at   time.Time     // of that look
}

// newThreadTuner is nil if the environment's GOMAXPROCS says how many processors there are to be, and where the time used is
// not known.
func newThreadTuner() tuner {
	used, known := processorTime()
	if os.Getenv("GOMAXPROCS") != "" || !known {
		return nil
	}
	n := runtime.GOMAXPROCS(0)
	return &threadTuner{threads{now: n, max: n}, used, time.Now()}
}

func (t *threadTuner) tune() {
	used, _ := processorTime()
	now, had := time.Now(), t.now
	if n := t.look(float64(used-t.used) / float64(now.Sub(t.at))); n != had {
		runtime.GOMAXPROCS(n) // stops the process for some microseconds
	}
	t.used, t.at = used, now
}

func (t *threadTuner) restore() { runtime.GOMAXPROCS(t.max) }
