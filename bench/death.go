package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// What the deaths are measured with.
const (
	deathRate   = 2000
	deathWindow = 5 * time.Second // before and after, of which latencies are compared
	deathLimit  = 15 * time.Second
)

func death() Scenario {
	return Scenario{
		Name: "death", Title: "A node dies", nodes: 5, run: runDeath,
		Text: `Five nodes, 2,000 requests per second. Three times a process is killed with SIGKILL, so that its machine refuses its port;
three times one is stopped with SIGSTOP for good, as a host that goes silent. Of each slot whose primary it was: the time
until a client knows another primary. Untouched slots are those of which the dead node held no copy. Between two deaths the
node comes back, empty, and gets its share again.`,
	}
}

// way is one way to die.
type way struct {
	name                string
	do                  func(m *member) error
	medianMax, worstMax time.Duration // zero: not judged
	took, before, after []time.Duration
	leftWithoutAPrimary int
}

func runDeath(ctx context.Context, s *stage) error {
	if err := s.fillSlots(ctx, every, 2, 100); err != nil {
		return err
	}
	stop := s.drive(ctx, deathRate)
	defer stop()
	killed := &way{name: "killed", medianMax: 500 * time.Millisecond, do: func(m *member) error {
		m.Kill()
		return nil
	}}
	silent := &way{name: "silent", medianMax: time.Second, worstMax: 1600 * time.Millisecond, do: func(m *member) error { return m.Pause() }}
	for round, w := range []*way{killed, silent, killed, silent, killed, silent} {
		if err := s.die(ctx, w, s.members[round%len(s.members)]); err != nil {
			return err
		}
	}
	for _, w := range []*way{killed, silent} {
		w.judge(s.result)
	}
	return s.settle(ctx, stop)
}

// die lets one node die, measures, and has it back with all copies.
func (s *stage) die(ctx context.Context, w *way, victim *member) error {
	if err := wait(ctx, deathWindow); err != nil {
		return err
	}
	held := s.watch.placements()
	slots := ofPrimary(held, victim.Name)
	if len(slots) == 0 {
		return errors.New("the node that is to die is primary of nothing")
	}
	s.Say("%s: %s, primary of %d slots", w.name, victim.Name, len(slots))
	at := time.Now()
	if err := w.do(victim); err != nil {
		return err
	}
	if _, err := s.await(ctx, deathLimit, func() bool {
		return len(promoted(s.watch.since(at), slots, victim.Name)) == len(slots)
	}); err != nil {
		return err
	}
	if err := wait(ctx, time.Until(at.Add(deathWindow))); err != nil {
		return err
	}
	w.measure(s, at, held, slots, victim)
	victim.Kill()
	if err := victim.Start(); err != nil {
		return err
	}
	if err := s.awaitCopies(ctx); err != nil {
		return err
	}
	return s.rebalance(ctx) // the node that came back with empty memory has its share again
}

func (w *way) measure(s *stage, at time.Time, held []placement, slots []uint32, victim *member) {
	moved := promoted(s.watch.since(at), slots, victim.Name)
	took := make([]time.Duration, 0, len(moved))
	for _, t := range moved {
		took = append(took, t.Sub(at))
	}
	slices.Sort(took)
	s.Say("  %d of %d promoted: median %v, worst %v", len(took), len(slots),
		percentile(took, 0.5).Round(time.Millisecond), last(took).Round(time.Millisecond))
	w.took = append(w.took, took...)
	w.leftWithoutAPrimary += len(slots) - len(took)
	untouched := func(slot uint32) bool { return !held[slot].holds(victim.Name) }
	samples := s.load.answered()
	before := tookBetween(samples, at.Add(-deathWindow), at, untouched)
	after := tookBetween(samples, at, at.Add(deathWindow), untouched)
	s.Say("  untouched slots, p99 latency: %v before, %v after", percentile(before, 0.99).Round(time.Millisecond/10), percentile(after, 0.99).Round(time.Millisecond/10))
	w.before, w.after = append(w.before, before...), append(w.after, after...)
}

func (w *way) judge(r *Result) {
	r.spread(fmt.Sprintf("%s: from death to promotion", w.name), w.took, w.medianMax, w.worstMax)
	r.none(w.name+": slots without a primary after 15 s", w.leftWithoutAPrimary)
	slices.Sort(w.before)
	slices.Sort(w.after)
	before, after := percentile(w.before, 0.99), percentile(w.after, 0.99)
	r.show(w.name+": untouched slots, p99 latency before", ms(before), "ms")
	r.show(w.name+": untouched slots, p99 latency after", ms(after), "ms")
	r.atMost(w.name+": p99 after over before", ratio(after, before), "", 2)
}
