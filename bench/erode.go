package bench

import (
	"context"
	"fmt"
	"time"
)

func erode() Scenario {
	return Scenario{
		Name: "erode", Title: "Five nodes become one", nodes: 5, run: runErode,
		Text: `Five nodes hold 20,000 sessions of 1 KiB, 500 requests per second. One node after another is killed with SIGKILL, as soon as
every slot has its backup again, until one is left.`,
	}
}

const (
	erodeSessions = 20_000
	erodeBytes    = 1024
	erodeRate     = 500
	// erodeMemoryMax is what a survivor may take, MiB: 20,000 sessions are 20 MiB of attributes.
	erodeMemoryMax = 256
)

func runErode(ctx context.Context, s *stage) error {
	if err := s.fillAnywhere(ctx, erodeSessions, erodeBytes); err != nil {
		return err
	}
	began := time.Now()
	stop := s.drive(ctx, erodeRate)
	defer stop()
	memory := 0.0
	for len(s.living()) > 1 {
		victim := s.living()[0]
		s.Say("kill %s; %d are left", victim.Name, len(s.living())-1)
		at := time.Now()
		victim.Kill()
		if err := s.awaitCopies(ctx); err != nil {
			return err
		}
		s.result.show(fmt.Sprintf("copies restored with %d left", len(s.living())), seconds(time.Since(at)), "s")
		for _, m := range s.living() {
			memory = max(memory, residentMiB(m.PID()))
		}
		if err := wait(ctx, time.Second); err != nil {
			return err
		}
	}
	s.latencies("of all requests", began)
	if memory > 0 {
		s.result.under("largest resident memory of a survivor", memory, "MiB", erodeMemoryMax)
	}
	lost, err := s.lostSlots(ctx)
	if err != nil {
		return err
	}
	s.result.none("slots lost", lost)
	return s.settle(ctx, stop)
}

// eventLost is how a node counts slots of which no copy was left.
const eventLost = "slot claimed empty"

// lostSlots counts those that living nodes had to claim empty.
func (s *stage) lostSlots(ctx context.Context) (int, error) {
	lost := 0
	for _, m := range s.living() {
		status, err := s.ask(ctx, m)
		if err != nil {
			return 0, err
		}
		lost += int(status.Events[eventLost])
	}
	return lost, nil
}
