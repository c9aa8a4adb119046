package failover_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/sessnode/sessnode/failover"
)

// load starts counters on a settled world.
func (w *world) load(n int) []*counter {
	all := make([]*counter, n)
	for i := range all {
		all[i] = w.counter(i)
		all[i].next()
	}
	return all
}

// finish lets what is under way end, then checks that every counter still moves.
func (w *world) finish(all []*counter) {
	w.t.Helper()
	w.run(5 * time.Second)
	before := make([]int, len(all))
	for i, c := range all {
		before[i] = c.acked
	}
	w.run(2 * time.Second)
	for i, c := range all {
		if c.acked == before[i] {
			w.t.Errorf("%s stands still at %d", c.id, c.acked)
		}
	}
}

func formed(t testing.TB, cfg worldConfig) *world {
	w := newWorld(t, cfg)
	w.trace = os.Getenv("SIM_TRACE") != ""
	w.settled(5 * time.Second)
	return w
}

func TestFormsOneCluster(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5} {
		w := formed(t, worldConfig{seed: uint64(n), nodes: n, slots: 32, backups: 1, expect: n})
		if got := w.counts[failover.EventFounded]; got != 1 {
			t.Errorf("%d nodes: founded %d clusters, want 1", n, got)
		}
		if got := w.counts[failover.EventClaimed]; got != 32 {
			t.Errorf("%d nodes: %d slots claimed for the first time, want 32", n, got)
		}
	}
}

func TestPromotesAfterCrash(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := formed(t, worldConfig{seed: seed, nodes: 3, slots: 32, backups: 1 + int(seed%2), expect: 3})
			all := w.load(40)
			w.run(time.Second)
			w.kill("n2", time.Second)
			w.run(3 * time.Second)
			w.settled(3 * time.Second)
			w.restart("n2")
			w.run(time.Second)
			w.settled(5 * time.Second)
			w.kill("n1", time.Second)
			w.run(2 * time.Second)
			w.settled(3 * time.Second)
			w.finish(all)
			slow := time.Duration(0)
			for _, c := range all {
				slow = max(slow, c.slow)
			}
			if slow > 1500*time.Millisecond {
				t.Errorf("longest wait %v", slow)
			}
			if w.counts[failover.EventLost] > 0 {
				t.Errorf("%d slots lost", w.counts[failover.EventLost])
			}
		})
	}
}

// TestFaultsOneAtATime kills, restarts and pauses nodes, one fault after the other as soon as redundancy is back, with
// lossy links: nothing acknowledged may be missing, and everything settles.
func TestFaultsOneAtATime(t *testing.T) {
	seeds := uint64(10)
	if s := os.Getenv("SIM_SEEDS"); s != "" {
		fmt.Sscan(s, &seeds)
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := formed(t, worldConfig{
				seed: seed, nodes: 3 + int(seed%3), slots: 16, backups: 1 + int(seed%2), expect: 3, drop: 0.02,
			})
			all := w.load(20)
			for range 8 {
				w.fault()
				w.run(time.Duration(w.rng.IntN(2000)) * time.Millisecond)
				w.settled(15 * time.Second)
			}
			w.finish(all)
			if w.counts[failover.EventLost] > 0 {
				t.Errorf("%d slots lost", w.counts[failover.EventLost])
			}
		})
	}
}

// fault does something random to one node.
func (w *world) fault() {
	name := w.names[w.rng.IntN(len(w.names))]
	switch w.rng.IntN(3) {
	case 0: // killed, and back within moments with empty memory
		w.kill(name, time.Second)
		w.run(time.Duration(w.rng.IntN(200)) * time.Millisecond)
		w.restart(name)
	case 1: // killed, and back much later
		w.kill(name, time.Second)
		w.run(3 * time.Second)
		w.settled(15 * time.Second)
		w.restart(name)
	case 2: // stopped and continued
		w.pause(name, time.Duration(w.rng.IntN(3000))*time.Millisecond)
	}
}
