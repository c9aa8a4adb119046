package failover_test

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	replaySeeds = flag.Int("replay.seeds", 0, "how many seeds TestReplay runs; 0: a few")
	replaySteps = flag.Int("replay.steps", 20_000, "steps of each")
	replayFirst = flag.Uint64("replay.first", 1, "the first seed")
	replayStop  = flag.Bool("replay.stop", false, "end at the first seed that fails")
)

// TestReplay runs the steps that a node runs under a seeded scheduler, through every sort of fault, and holds each
// against the invariants. A seed that fails is run again with what happened written down.
func TestReplay(t *testing.T) {
	seeds := *replaySeeds
	if seeds == 0 {
		seeds = int(runs(60))
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	total, failed := replayAll(t, seeds)
	for i, f := range failed {
		if i >= 3 {
			f.text, _, _ = strings.Cut(f.text, "\n") // the rest can be seen again
		}
		t.Errorf("%s\nfound by %s\nto see it again: make replay SEEDS=1 SEED=%d STEPS=%d", f.text, f.check, f.seed, *replaySteps)
	}
	if enough := 20; seeds < enough || len(failed) > 0 {
		return
	}
	for _, kind := range required {
		if total.events[kind] == 0 {
			t.Errorf("%q never happened in %d seeds", kind, seeds)
		}
	}
	if total.deduped == 0 {
		t.Errorf("no commit was answered from memory in %d seeds", seeds)
	}
}

// replayAll runs so many seeds, as many at a time as there are processors, and prints what happened.
func replayAll(t *testing.T, seeds int) (total tally, failed []violation) {
	total = tally{events: map[string]int{}, faults: map[string]int{}}
	var (
		next, steps, done atomic.Int64
		mu                sync.Mutex // guards total and failed
		workers           sync.WaitGroup
	)
	began := time.Now()
	progress := startProgress(seeds, &steps, &done)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := next.Add(1); i <= int64(seeds); i = next.Add(1) {
				seed := *replayFirst + uint64(i) - 1
				r := replay(t, seed, *replaySteps, false)
				if r.violation != nil {
					r.violation = replay(t, seed, *replaySteps, true).violation
				}
				steps.Add(int64(r.steps))
				done.Add(1)
				mu.Lock()
				if total.add(r.tally); r.violation != nil {
					failed = append(failed, *r.violation)
					if *replayStop {
						next.Store(int64(seeds))
					}
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	progress.stop()
	total.print(seeds, len(failed), time.Since(began))
	return total, failed
}

// outcome is what a seed came to.
type outcome struct {
	tally
	sum       uint64
	history   []string
	violation *violation
}

// violation is an invariant that did not hold.
type violation struct {
	seed  uint64
	text  string
	check string // the function that found it
}

// catcher makes a failing check end one seed instead of the test.
type catcher struct {
	testing.TB
	seed uint64
}

func (c catcher) Helper() {}

func (c catcher) Fatal(args ...any) { panic(violation{c.seed, fmt.Sprint(args...), checker()}) }

func (c catcher) Fatalf(format string, args ...any) {
	panic(violation{c.seed, fmt.Sprintf(format, args...), checker()})
}

// checker names the function that calls Fatal or world.fail, as in counter.verify.
func checker() string {
	var pcs [8]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		frame, more := frames.Next()
		name := frame.Function[strings.LastIndex(frame.Function, "/")+1:]
		name, _, _ = strings.Cut(strings.TrimPrefix(name, "failover_test."), ".func")
		name = strings.NewReplacer("(*world).", "", "(*", "", ")", "").Replace(name)
		if name != "fail" || !more {
			return name
		}
	}
}

// replay runs one seed; detailed keeps the last messages too.
func replay(t testing.TB, seed uint64, steps int, detailed bool) (r outcome) {
	s := draw(seed, steps)
	w := newWorld(catcher{t, seed}, s.worldConfig)
	w.detailed = detailed
	defer func() {
		r.tally, r.sum, r.history = w.tally(), w.sum, w.history
		switch v := recover().(type) {
		case nil:
		default:
			panic(v)
		case violation:
			if v.text = fmt.Sprintf("%s\n%v, %+v", v.text, s.ordeals, s.worldConfig); detailed {
				v.text += "\nthe last messages:\n" + strings.Join(w.messages[max(0, len(w.messages)-30):], "\n")
			}
			r.violation = &v
		}
	}()
	w.play(s)
	return r
}
