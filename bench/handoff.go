package bench

import (
	"context"
	"slices"
	"time"

	"github.com/sessnode/sessnode/ring"
)

// What hand-offs are measured with.
const (
	handoffRate   = 1000
	handoffSlots  = 32 // among which the requests are divided: one in 32 ms for each
	handoffNear   = 100 * time.Millisecond
	handoffBefore = 5 * time.Second // a hand-off, when nothing moved: slots stay for ten seconds after the join

	pauseMedianMax, pauseP99Max = 10, 50 // milliseconds
)

func handoff() Scenario {
	return Scenario{
		Name: "handoff", Title: "Slots are handed over", nodes: 5, spare: 1, run: runHandoff,
		Text: `Five nodes; a sixth joins and becomes primary of its share. 1,000 requests per second go to 32 of the slots that get another
primary, which is one in 32 ms for each. Of each hand-off: the longest latency of the requests to its slot that were due
within 100 ms of when a client learnt of it; and of the same slots, the longest within as long a time before anything moved.`,
	}
}

func runHandoff(ctx context.Context, s *stage) error {
	moving, ideal, err := s.handedOver()
	if err != nil {
		return err
	}
	used := map[uint32]bool{}
	for _, slot := range moving[:min(handoffSlots, len(moving))] {
		used[slot] = true
	}
	if err := s.fillSlots(ctx, func(slot uint32) bool { return used[slot] }, 8, 1024); err != nil {
		return err
	}
	stop, err := s.warmUp(ctx, handoffRate)
	if err != nil {
		return err
	}
	defer stop()
	at := time.Now()
	s.Say("%s joins; %d slots get another primary, %d of them watched", s.members[5].Name, len(moving), len(used))
	if err := s.members[5].Start(); err != nil {
		return err
	}
	if err := s.awaitBalance(ctx, ideal, func() {}); err != nil {
		return err
	}
	if err := wait(ctx, time.Second); err != nil {
		return err
	}
	changes, samples := s.watch.since(at), s.load.answered()
	pauses, without := pausesAround(changes, samples, 0), pausesAround(changes, samples, handoffBefore)
	s.result.show("hand-offs watched", float64(len(pauses)), "")
	s.result.show("longest latency in such a time without a hand-off, median", ms(percentile(without, 0.5)), "ms")
	s.result.show("longest latency in such a time without a hand-off, p99", ms(percentile(without, 0.99)), "ms")
	s.result.under("longest latency around a hand-off, median", judged(pauses, 0.5), "ms", pauseMedianMax)
	s.result.under("longest latency around a hand-off, p99", judged(pauses, 0.99), "ms", pauseP99Max)
	if err := s.judgeGivers(ctx); err != nil {
		return err
	}
	return s.settle(ctx, stop)
}

// handedOver is the slots whose primary changes when the last node joins the others, and the whole change.
func (s *stage) handedOver() ([]uint32, ring.Change, error) {
	before, err := s.homeOf(s.members[:len(s.members)-1])
	if err != nil {
		return nil, ring.Change{}, err
	}
	after, err := s.homeOf(s.members)
	if err != nil {
		return nil, ring.Change{}, err
	}
	var moving []uint32
	for slot := range s.slots {
		if before.Replicas(slot)[0] != after.Replicas(slot)[0] {
			moving = append(moving, uint32(slot))
		}
	}
	return moving, ring.Compare(before, after), nil
}

// pausesAround is, for each slot whose primary changed, the longest latency of its requests about that time, or so long
// before. Slots without a request then are left out.
func pausesAround(changes []change, samples []sample, before time.Duration) []time.Duration {
	var pauses []time.Duration
	for _, c := range changes {
		if c.before.primary.Boot == 0 || c.before.primary.Boot == c.after.primary.Boot {
			continue
		}
		at := c.at.Add(-before)
		took := tookBetween(samples, at.Add(-handoffNear), at.Add(handoffNear), func(slot uint32) bool { return slot == c.slot })
		if len(took) > 0 {
			pauses = append(pauses, last(took))
		}
	}
	slices.Sort(pauses)
	return pauses
}

// judgeGivers adds the pauses by the clocks of those that gave slots away: of the giver that was slowest.
func (s *stage) judgeGivers(ctx context.Context) error {
	const median, p99 = "pause as the slowest giver measured it, median", "pause as the slowest giver measured it, p99"
	var slowest progress
	for _, m := range s.living() {
		r, err := s.ask(ctx, m)
		if err != nil {
			return err
		}
		if p := r.Progress; p != nil {
			slowest.Pauses += p.Pauses
			slowest.PauseP50MS = max(slowest.PauseP50MS, p.PauseP50MS)
			slowest.PauseP99MS = max(slowest.PauseP99MS, p.PauseP99MS)
		}
	}
	if slowest.Pauses == 0 {
		s.result.absent(median, "< 10 ms")
		s.result.absent(p99, "< 50 ms")
		return nil
	}
	s.result.under(median, slowest.PauseP50MS, "ms", pauseMedianMax)
	s.result.under(p99, slowest.PauseP99MS, "ms", pauseP99Max)
	return nil
}
