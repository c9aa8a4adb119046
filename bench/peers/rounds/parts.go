package rounds

import (
	"context"

	"github.com/sessnode/sessnode/bench/peers/report"
)

// The parts of a measurement, besides which the rounds of all products.
const (
	PartRounds = "rounds"
	PartMemory = "memory"
)

// Parts are all.
func Parts() []string {
	return []string{PartRounds, PartMemory}
}

// PartLabels are the workloads of the parts.
func PartLabels() []report.Label {
	return []report.Label{
		{Name: report.Memory, Text: "memory of a session of 1 KiB, each copy"},
	}
}

// Keep takes one figure after another.
type Keep func(mode, workload string, f report.Figures)

// Run measures the parts of a plan. What was measured until an error has been kept.
func Run(ctx context.Context, plan Plan, keep Keep) error {
	parts := map[string]func(context.Context, Keep) error{
		PartRounds: plan.rounds, PartMemory: plan.memory,
	}
	for _, name := range plan.Parts {
		if err := parts[name](ctx, keep); err != nil {
			return err
		}
	}
	return nil
}
