package main

import "time"

// tuneLook is how often serve looks at what its process does.
const tuneLook = 250 * time.Millisecond

// A tuner fits a setting of the Go runtime to what this process does.
type tuner interface {
	tune()
	restore() // as it was at first
}

// tune has the process use as many processors as it needs and collect garbage no more often than it must, until the function
// returned is called. What the environment says of either stays. memoryBytes is what sessions may take, 0: any number.
func tune(memoryBytes int) (stop func()) {
	var tuners []tuner
	for _, t := range []tuner{newThreadTuner(), newCollectorTuner(memoryBytes)} {
		if t != nil {
			tuners = append(tuners, t)
		}
	}
	end, done := make(chan struct{}), make(chan struct{})
	go func() { // stop ends and joins it
		defer close(done)
		ticker := time.NewTicker(tuneLook)
		defer ticker.Stop()
		for len(tuners) > 0 {
			select {
			case <-ticker.C:
			case <-end:
				return
			}
			for _, t := range tuners {
				t.tune()
			}
		}
	}()
	return func() {
		close(end)
		<-done
		for _, t := range tuners {
			t.restore()
		}
	}
}
