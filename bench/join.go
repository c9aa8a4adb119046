package bench

import (
	"context"
	"fmt"
	"time"
)

// What a join is measured with.
const (
	joinRate     = 2000
	joinMovesMax = 8   // slots that a node moves at a time, by default
	movedMax     = 1.2 // times the minimum of copies may move
)

func join() Scenario {
	return Scenario{
		Name: "join", Title: "A sixth node joins", nodes: 5, spare: 1, run: runJoin,
		Text: `Five nodes, 2,048 sessions in all slots, 2,000 requests per second; a sixth node joins and takes its share. Copies moved are
counted from the claims that a client learns; the minimum is that of 'sessnode ring -members 5 -join node-06'.`,
	}
}

func runJoin(ctx context.Context, s *stage) error {
	if err := s.fillSlots(ctx, every, 2, 1024); err != nil {
		return err
	}
	_, ideal, err := s.handedOver()
	if err != nil {
		return err
	}
	stop, err := s.warmUp(ctx, joinRate)
	if err != nil {
		return err
	}
	defer stop()
	at := time.Now()
	s.Say("%s joins; %d copies should move to it and around", s.members[5].Name, ideal.CopiesMoved)
	if err := s.members[5].Start(); err != nil {
		return err
	}
	var inFlight flight
	if err := s.awaitBalance(ctx, ideal, func() { s.count(ctx, &inFlight) }); err != nil {
		return err
	}
	r, moved := s.result, 0
	changes := s.watch.since(at)
	if len(changes) > 0 {
		r.show("from the join to the first move", seconds(changes[0].at.Sub(at)), "s")
		r.show("from the join to balance", seconds(changes[len(changes)-1].at.Sub(at)), "s")
	}
	for _, c := range changes {
		moved += c.after.gained(c.before)
	}
	r.show("copies moved", float64(moved), "")
	r.show("minimum by the ring", float64(ideal.CopiesMovedMinimum), "")
	r.atMost("copies moved over the minimum", ratio(moved, ideal.CopiesMovedMinimum), "", movedMax)
	inFlight.judge(r)
	s.latencies("from the join on", at)
	return s.settle(ctx, stop)
}

// flight is the most slots that were on the move at once.
type flight struct {
	told             bool // the nodes tell
	byOne, inCluster int
	received         int // by one node
}

func (f *flight) judge(r *Result) {
	const name = "most slots in flight at one sender"
	if f.told {
		r.atMost(name, float64(f.byOne), "", joinMovesMax)
		r.show("most slots in flight in the cluster", float64(f.inCluster), "")
	} else {
		r.absent(name, fmt.Sprintf("≤ %d", joinMovesMax))
	}
	r.show("most slots being received by one node", float64(f.received), "")
}

// count notes how many slots are on the move at this moment.
func (s *stage) count(ctx context.Context, f *flight) {
	all := 0
	for _, m := range s.living() {
		r, err := s.ask(ctx, m)
		if err != nil {
			continue // a moment that is not seen
		}
		f.received = max(f.received, r.Held.Learner)
		if r.Progress != nil {
			f.told = true
			f.byOne = max(f.byOne, r.Progress.Moving)
			all += r.Progress.Moving
		}
	}
	f.inCluster = max(f.inCluster, all)
}
