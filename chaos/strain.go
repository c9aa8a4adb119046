package chaos

import "time"

const (
	strainEvery = 20 * time.Millisecond
	strainLeast = 150 * time.Millisecond // half the lease of a node with default settings
)

// strain is how often this process did not get to run for so long that nodes, which share the machine with it, may have
// taken each other for dead.
type strain struct {
	times   int
	longest time.Duration
}

// watch measures until over is closed.
func (s *strain) watch(over <-chan struct{}) {
	again := time.NewTicker(strainEvery)
	defer again.Stop()
	for last := time.Now(); ; {
		select {
		case <-again.C:
			now := time.Now()
			s.note(now.Sub(last) - strainEvery)
			last = now
		case <-over:
			return
		}
	}
}

func (s *strain) note(late time.Duration) {
	if late >= strainLeast {
		s.times++
		s.longest = max(s.longest, late)
	}
}
