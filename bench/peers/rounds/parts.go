package rounds

import (
	"context"
	"errors"
	"fmt"

	"github.com/sessnode/sessnode/bench/peers/report"
)

// part is something that is measured besides the others.
type part struct {
	name   string
	run    func(Plan, context.Context, Keep) error
	labels []report.Label // of its workloads
}

// The parts that commands choose by themselves.
const (
	PartRounds = "rounds"
	PartMemory = "memory"
)

func parts() []part {
	return []part{
		{PartRounds, Plan.rounds, nil},
		{PartMemory, Plan.memory, []report.Label{{Name: report.Memory, Text: "memory of a session of 1 KiB, each copy"}}},
		{"failover", Plan.failover, []report.Label{{Name: report.Failover, Text: "first success after kill -9 of a session's primary, under load"}}},
		{"copies", Plan.copies, copiesLabels()},
		{"slots", Plan.slots, slotsLabels()},
		{"nodes", Plan.nodes, nodesLabels()},
		{"sessions", Plan.sessions, sessionsLabels()},
	}
}

// Parts are the names of all parts of a measurement.
func Parts() (names []string) {
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

// PartLabels are the workloads of the parts.
func PartLabels() (all []report.Label) {
	for _, p := range parts() {
		all = append(all, p.labels...)
	}
	return all
}

// Keep takes one workload's figures after another.
type Keep func(mode, workload string, f report.Figures)

// Run measures the parts of a plan. A part that ends with an error does not keep the others from being measured; what was
// measured until then has been kept.
func Run(ctx context.Context, plan Plan, keep Keep) error {
	var errs []error
	for _, name := range plan.Parts {
		if err := plan.part(ctx, name, keep); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			plan.Say("  ! %s: %v", name, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

func (p Plan) part(ctx context.Context, name string, keep Keep) error {
	for _, part := range parts() {
		if part.name == name {
			return part.run(p, ctx, keep)
		}
	}
	return fmt.Errorf("there is no such part: choose of %v", Parts())
}
