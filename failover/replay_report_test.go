package failover_test

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// progress prints a line now and then while a replay runs.
type progress struct {
	quit, gone chan struct{}
}

// startProgress starts a goroutine that stop joins.
func startProgress(seeds int, steps, done *atomic.Int64) *progress {
	p := &progress{make(chan struct{}), make(chan struct{})}
	began := time.Now()
	go func() {
		defer close(p.gone)
		every := time.NewTicker(5 * time.Second)
		defer every.Stop()
		for {
			select {
			case <-p.quit:
				return
			case <-every.C:
				if !testing.Verbose() {
					continue
				}
				took := time.Since(began)
				fmt.Printf("%5.0f s  %d of %d seeds, %d steps, %.0f steps/s\n", took.Seconds(), done.Load(), seeds, steps.Load(),
					float64(steps.Load())/took.Seconds())
			}
		}
	}()
	return p
}

func (p *progress) stop() {
	close(p.quit)
	<-p.gone
}

// print shows what happened as a table.
func (t *tally) print(seeds, failed int, took time.Duration) {
	if !testing.Verbose() {
		return
	}
	fmt.Printf("%-24s %12d\n%-24s %12d\n%-24s %12d\n", "seeds", seeds, "failed", failed, "steps", t.steps)
	fmt.Printf("%-24s %12v\n%-24s %12v\n", "wall time", took.Round(time.Millisecond), "virtual time", t.virtual.Round(time.Second))
	fmt.Printf("%-24s %12.0f\n", "steps per second", float64(t.steps)/took.Seconds())
	fmt.Printf("%-24s %12d\n", "commits deduplicated", t.deduped)
	for _, counts := range []map[string]int{t.events, t.faults} {
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			fmt.Printf("%-24s %12d\n", name, counts[name])
		}
	}
}
