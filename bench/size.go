package bench

import (
	"context"
	"math"
)

// What docs/OPERATIONS.md plans for. The benchmark holds the formulas to what nodes use.
const (
	sessionOverhead = 250        // bytes of a node's heap beside the session's own
	processOverhead = 50_000_000 // bytes of a process beside twice the heap of its sessions
	sizeOverMax     = 1.1        // times the planned heap, on average over the nodes
	fullestOverMax  = 1.25       // the same of the node that holds most, and of the largest process
)

// plannedHeap is the heap of each node, and plannedProcess its process, for sessions with one backup.
func plannedHeap(sessions, bytes, nodes int) int {
	return sessions * (bytes + sessionOverhead) * 2 / nodes
}

func plannedProcess(heap int) int { return 2*heap + processOverhead }

// judgeSize compares what the living nodes use with what docs/OPERATIONS.md plans, *Sizing*.
func (s *stage) judgeSize(ctx context.Context, sessions, bytes int) error {
	living := s.living()
	used, fullest, resident := 0, 0, 0.0
	for _, m := range living {
		r, err := s.ask(ctx, m)
		if err != nil {
			return err
		}
		used += r.Memory.UsedBytes
		fullest = max(fullest, r.Memory.UsedBytes)
		resident = max(resident, residentMiB(m.PID()))
	}
	plan := plannedHeap(sessions, bytes, len(living))
	const mib = 1 << 20
	s.result.show("heap planned for a survivor", math.Round(float64(plan)/mib), "MiB")
	s.result.atMost("used by sessions over that, average", ratio(used/len(living), plan), "", sizeOverMax)
	s.result.atMost("used by sessions over that, fullest survivor", ratio(fullest, plan), "", fullestOverMax)
	if resident > 0 {
		s.result.atMost("largest resident memory over the process planned", ratio(int(resident*mib), plannedProcess(plan)), "", fullestOverMax)
	}
	return nil
}
