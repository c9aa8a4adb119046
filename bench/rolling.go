package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/sessnode/sessnode/child"
)

// What a rolling restart is measured with.
const (
	rollingRate  = 1000
	rollingLimit = 2 * time.Minute // for a node to leave
)

func rolling() Scenario {
	return Scenario{
		Name: "rolling", Title: "Every node restarts in turn", nodes: 5, run: runRolling,
		Text: `Five nodes, 1,000 requests per second. Each node in turn gets SIGTERM, leaves in good order and starts again with empty
memory; the next one follows when every slot has its backup. With -from the nodes are of an earlier version at first and of this one
afterwards, and in the end the first is of the earlier again: 'make upgrade-test'.`,
	}
}

func runRolling(ctx context.Context, s *stage) error {
	if err := s.fillSlots(ctx, every, 4, 1024); err != nil {
		return err
	}
	began := time.Now()
	stop := s.drive(ctx, rollingRate)
	defer stop()
	for _, m := range s.members {
		if err := s.roll(ctx, m, s.Binary, ""); err != nil {
			return err
		}
	}
	if s.From != "" {
		if err := s.roll(ctx, s.members[0], s.From, ", of the earlier version again"); err != nil {
			return err
		}
	}
	s.latencies("of all requests", began)
	lost, err := s.lostSlots(ctx)
	if err != nil {
		return err
	}
	s.result.none("slots lost", lost)
	return s.settle(ctx, stop)
}

// roll restarts a node as one of that binary, and shows how long it took.
func (s *stage) roll(ctx context.Context, m *member, binary, as string) error {
	left, back, err := s.restart(ctx, m, binary)
	if err != nil {
		return err
	}
	s.Say("  %s left in %v, and was back%s with all copies %v later", m.Name, left.Round(time.Millisecond), as, back.Round(time.Millisecond))
	s.result.show(fmt.Sprintf("%s: leaves, and is back%s with all copies", m.Name, as), seconds(left+back), "s")
	return nil
}

// restart ends a node in good order and starts it again from that binary; left and back are how long each took.
func (s *stage) restart(ctx context.Context, m *member, binary string) (left, back time.Duration, err error) {
	s.Say("%s restarts", m.Name)
	began := time.Now()
	leaving, cancel := context.WithTimeout(ctx, rollingLimit)
	defer cancel()
	if err := m.Terminate(leaving); err != nil {
		return 0, 0, err
	}
	left = time.Since(began)
	m.Process = &child.Process{Name: m.Name, Dir: m.Dir, Binary: binary, Args: m.Args} // its fields are read-only
	if err := m.Start(); err != nil {
		return left, 0, err
	}
	err = s.awaitCopies(ctx)
	return left, time.Since(began) - left, err
}
