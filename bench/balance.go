package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sessnode/sessnode/ring"
)

// balanceLimit bounds the wait for slots to move home.
const balanceLimit = 5 * time.Minute

var (
	errNotRestored = errors.New("copies are not restored in time")
	errNotBalanced = errors.New("slots have not moved home in time")
)

// homeOf is where the ring puts the slots of some members.
func (s *stage) homeOf(members []*member) (*ring.Table, error) {
	var all []ring.Member
	for _, m := range members {
		all = append(all, ring.Member{Name: m.Name})
	}
	return ring.Compute(ring.Config{Slots: s.slots, Backups: 1}, all)
}

// rebalance waits until the living nodes hold what the ring gives them.
func (s *stage) rebalance(ctx context.Context) error {
	home, err := s.homeOf(s.living())
	if err != nil {
		return err
	}
	return s.awaitBalance(ctx, ring.Compare(home, home), func() {})
}

// awaitBalance waits until every node has the number of primaries and copies that the ring gives it after a change, and
// looks around meanwhile.
func (s *stage) awaitBalance(ctx context.Context, ideal ring.Change, look func()) error {
	said := time.Now()
	ok, err := s.await(ctx, balanceLimit, func() bool {
		look()
		off := imbalance(s.watch.placements(), ideal)
		if time.Since(said) > 5*time.Second {
			said = time.Now()
			s.Say("  %d replicas are not where the ring wants them", off)
		}
		return off == 0
	})
	if err == nil && !ok {
		err = fmt.Errorf("%w: within %v", errNotBalanced, balanceLimit)
	}
	return err
}

// imbalance is how many replicas, primaries counted again, the nodes have more or less than the ring gives them.
func imbalance(placements []placement, ideal ring.Change) int {
	primaries, copies := map[string]int{}, map[string]int{}
	for _, p := range placements {
		primaries[p.primary.Name]++
		copies[p.primary.Name]++
		for _, b := range p.backups {
			copies[b.Name]++
		}
	}
	off := 0
	for _, m := range ideal.Members {
		off += distance(primaries[m.Name], m.PrimariesAfter) + distance(copies[m.Name], m.CopiesAfter)
	}
	return off
}

func distance(a, b int) int { return max(a-b, b-a) }
