package bench

import (
	"context"
	"math"
)

// What docs/OPERATIONS.md plans for. The benchmark holds the formulas to what nodes use.
const (
	sessionOverhead = 250        // bytes of a node's heap beside the session's own
	processOverhead = 50_000_000 // bytes of a process beside the heap of its sessions and what is allocated between collections
	headroomMax     = 128 << 20  // bytes allocated between collections, however small the heap is,
	headroomShare   = 8          // but at most this part of -memory
	sizeOverMax     = 1.1        // times the planned heap, on average over the nodes
	fullestOverMax  = 1.25       // the same of the node that holds most, and of the largest process
)

// plannedHeap is the heap of each node, and plannedProcess its process, for sessions with one backup.
func plannedHeap(sessions, bytes, nodes int) int {
	return sessions * (bytes + sessionOverhead) * 2 / nodes
}

func plannedProcess(heap, headroom int) int { return heap + max(heap, headroom) + processOverhead }

// plannedHeadroom is that of a node whose sessions may take so many bytes, 0: any number.
func plannedHeadroom(memory int) int {
	if memory == 0 {
		return headroomMax
	}
	return min(headroomMax, memory/headroomShare)
}

// judgeSize compares what the living nodes use with what docs/OPERATIONS.md plans, *Sizing*.
func (s *stage) judgeSize(ctx context.Context, sessions, bytes int) error {
	const mib = 1 << 20
	living := s.living()
	plan := plannedHeap(sessions, bytes, len(living))
	used, fullest, largest := 0, 0, 0.0
	for _, m := range living {
		r, err := s.ask(ctx, m)
		if err != nil {
			return err
		}
		used += r.Memory.UsedBytes
		fullest = max(fullest, r.Memory.UsedBytes)
		process := plannedProcess(plan, plannedHeadroom(r.Memory.LimitBytes))
		largest = max(largest, residentMiB(m.PID())*mib/float64(process))
	}
	s.result.show("heap planned for a survivor", math.Round(float64(plan)/mib), "MiB")
	s.result.atMost("used by sessions over that, average", ratio(used/len(living), plan), "", sizeOverMax)
	s.result.atMost("used by sessions over that, fullest survivor", ratio(fullest, plan), "", fullestOverMax)
	if largest > 0 {
		s.result.atMost("largest resident memory over the process planned", math.Round(largest*1000)/1000, "", fullestOverMax)
	}
	return nil
}
