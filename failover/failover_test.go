package failover_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/sessnode/sessnode/failover"
)

// seeds is how many runs a test with random faults makes, and the first of them: SIM_SEEDS and SIM_FIRST.
func seeds(t *testing.T, normally int, run func(t *testing.T, seed uint64)) {
	first := 0
	if s := os.Getenv("SIM_SEEDS"); s != "" {
		fmt.Sscan(s, &normally)
	}
	if s := os.Getenv("SIM_FIRST"); s != "" {
		fmt.Sscan(s, &first)
	}
	for seed := first; seed < first+int(runs(normally)); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { run(t, uint64(seed)) })
	}
}

// runs is how many of the seeds of a test are run: one under the race detector.
func runs(normally int) uint64 {
	if underRace {
		return 1
	}
	return uint64(normally)
}

// workload is every kind of client, on a world.
type workload struct {
	counters   []*counter
	collectors []*collector
	visitors   []*visitor
	sleepers   []*sleeper
	lockers    []*locker
}

// load starts clients on a settled world; in a world that is to be split, only those that bear it.
func (w *world) load(counters, collectors, visitors int) *workload {
	l := &workload{}
	for i := range counters {
		l.counters = append(l.counters, w.counter(i))
		l.counters[i].next()
		if i%3 == 0 {
			l.counters[i].observe()
		}
	}
	for i := range collectors {
		l.collectors = append(l.collectors, w.collector(i))
		if i%3 == 0 {
			l.collectors[i].begin()
		} else {
			l.collectors[i].next()
		}
	}
	for i := range visitors {
		l.visitors = append(l.visitors, w.visitor(i))
		l.visitors[i].next()
	}
	return l
}

// finish checks that every counter still moves, stops the clients, and checks what is left.
func (w *world) finish(l *workload) {
	w.t.Helper()
	before := make([]int, len(l.counters))
	for i, c := range l.counters {
		before[i] = c.acked
	}
	w.run(2 * time.Second)
	for i, c := range l.counters {
		if c.acked == before[i] {
			w.fail("%s stands still at %d", c.id, c.acked)
		}
		c.stopped = true
	}
	for _, c := range l.collectors {
		c.stopped = true
	}
	for _, v := range l.visitors {
		v.stopped = true
	}
	for _, s := range l.sleepers {
		s.stopped = true
	}
	for _, k := range l.lockers {
		k.stopped = true
	}
	w.run(5 * time.Second)
	w.settled(5 * time.Second)
	w.equal()
	for _, c := range l.collectors {
		c.verify()
	}
	for _, v := range l.visitors {
		v.verify()
	}
	for _, k := range l.lockers {
		k.verify()
	}
	excused := w.cfg.lossy || w.suffered["split"] > 0
	if w.check.strict && !excused && w.counts[failover.EventLost]+w.counts[failover.EventRevived] > 0 {
		w.fail("%d slots lost, %d revived", w.counts[failover.EventLost], w.counts[failover.EventRevived])
	}
}

func TestFormsOneCluster(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 7} {
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
	seeds(t, 6, func(t *testing.T, seed uint64) {
		w := formed(t, worldConfig{seed: seed, nodes: 3, slots: 32, backups: 1 + int(seed%2), expect: 3})
		l := w.load(40, 0, 0)
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
		w.finish(l)
		slow := time.Duration(0)
		for _, c := range l.counters {
			slow = max(slow, c.slow)
		}
		if slow > 1500*time.Millisecond {
			t.Errorf("longest wait %v", slow)
		}
	})
}

// TestFaultsOneAtATime makes one fault after the other as soon as redundancy is back: nothing acknowledged may be
// missing, nobody serves who was deposed, and everything settles.
func TestFaultsOneAtATime(t *testing.T) {
	seeds(t, 8, func(t *testing.T, seed uint64) {
		w := formed(t, worldConfig{
			seed: seed, nodes: 3 + int(seed%3), slots: 16, backups: 1 + int(seed%2), expect: 3,
			drop: 0.02 * float64(seed%2), drift: 0.02, skew: 100 * time.Millisecond, jumpy: seed%3 > 0,
			lag: time.Duration(seed%4) * 200 * time.Millisecond, settle: time.Duration(seed%5) * 300 * time.Millisecond,
		})
		l := w.load(12, 6, 6)
		for range 8 {
			w.suffer(faultNames[w.rng.IntN(len(faultNames))])
			w.run(w.upTo(time.Second))
			w.settled(settleIn)
		}
		w.finish(l)
	})
}

// TestHealsSplits splits the cluster again and again, for moments and for long, with other faults beside: what was
// acknowledged on either side is there in the end, what was destroyed is not, and the halves find each other.
func TestHealsSplits(t *testing.T) {
	seeds(t, 8, func(t *testing.T, seed uint64) {
		w := formed(t, worldConfig{
			seed: seed, nodes: 2 + int(seed%4), slots: 16, backups: int(seed / 4 % 3), expect: 2,
			drift: 0.02, skew: 100 * time.Millisecond, jumpy: seed%2 == 0, lag: 300 * time.Millisecond, settle: time.Duration(seed%5) * 300 * time.Millisecond,
		})
		l := w.load(0, 12, 6)
		for range 4 {
			names := append([]string{}, w.names...)
			w.rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
			mode, d := cutDrop, w.upTo(8*time.Second)
			if w.rng.IntN(3) == 0 {
				mode, d = cutHold, w.upTo(1500*time.Millisecond)
			} else if w.rng.IntN(2) == 0 {
				d = 200*time.Millisecond + w.upTo(1200*time.Millisecond)
			}
			w.split(names[:1+w.rng.IntN(len(names)-1)], mode)
			w.run(d)
			w.heal()
			w.run(w.upTo(2 * time.Second))
			if w.rng.IntN(2) == 0 {
				w.settled(settleIn)
			}
		}
		w.settled(settleIn)
		w.finish(l)
	})
}
