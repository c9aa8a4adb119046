package rounds

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/bench/peers/report"
	"github.com/sessnode/sessnode/bench/peers/stand"
)

// site is a product at work: servers, generators, sessions.
type site struct {
	plan  Plan
	stand stand.Stand
	crew  *crew
}

// pids are those of all processes.
func (s *site) pids() []int {
	var all []int
	for _, p := range s.stand.Processes() {
		all = append(all, p.PID())
	}
	for _, p := range s.crew.members {
		all = append(all, p.PID())
	}
	return all
}

// usage is what has been used up to a moment.
type usage struct{ own, machine, bytes float64 }

func (s *site) used() usage {
	return usage{processorSeconds(s.pids()), machineSeconds(), loopbackBytes()}
}

// run measures one workload. A single caller wanders from generator to generator, so that sessions alternate all the same.
func (s *site) run(ctx context.Context, m Mode, w Workload, rate float64) (report.Figures, []string, error) {
	span := time.Duration(float64(s.plan.Span) * w.Share)
	job := load.Job{Kind: w.Kind, Pool: w.Pool, Turn: m.Turn, Way: load.Way{ToHome: m.ToHome, Durability: m.Durability}, Rate: rate / float64(len(s.crew.lines))}
	if s.plan.Profiles != "" {
		job.Profile = filepath.Join(s.plan.Profiles, m.Name+"-"+w.Name)
	}
	if w.Callers >= len(s.crew.lines) {
		counts, used, err := s.runAll(ctx, s.crew, w.Callers, job, s.plan.Warm, span)
		return figures(counts, used, len(s.crew.lines)), counts.Faults, err
	}
	var parts []load.Counts
	var sum usage
	turns := 2 * len(s.crew.lines)
	for i := range turns {
		counts, used, err := s.runAll(ctx, s.crew.only(i%len(s.crew.lines)), 1, job, s.plan.Warm/time.Duration(turns), span/time.Duration(turns))
		if err != nil {
			return nil, counts.Faults, err
		}
		parts = append(parts, counts)
		sum = usage{sum.own + used.own, sum.machine + used.machine, sum.bytes + used.bytes}
	}
	counts := load.Join(parts...)
	return figures(counts, sum, 1), counts.Faults, nil
}

// runAll has some generators do a job with callers among them.
func (s *site) runAll(ctx context.Context, c *crew, callers int, job load.Job, warm, span time.Duration) (load.Counts, usage, error) {
	err := c.each("Start", func(i int) any {
		own := job
		own.Callers = callers*(i+1)/len(c.lines) - callers*i/len(c.lines)
		return own
	})
	if err != nil {
		return load.Counts{}, usage{}, err
	}
	waited := wait(ctx, warm)
	if err := c.each("Mark", same(load.Nothing{})); err != nil {
		return load.Counts{}, usage{}, err
	}
	before := s.used()
	if waited == nil {
		waited = wait(ctx, span)
	}
	after := s.used()
	all, err := ask[load.Counts](c, "Finish", same(load.Nothing{}))
	if err == nil {
		err = waited
	}
	used := usage{after.own - before.own, after.machine - before.machine, after.bytes - before.bytes}
	return load.Merge(all...), used, err
}

// figures is counts and usage per request.
func figures(c load.Counts, used usage, generators int) report.Figures {
	n := float64(c.Requests)
	f := report.Figures{
		report.Rate: n / c.Seconds,
		report.P50:  micros(c.Percentile(50)), report.P99: micros(c.Percentile(99)), report.P999: micros(c.Percentile(99.9)),
		report.Longest: micros(c.Percentile(100)),
		report.CPU:     used.own * 1e6 / n, report.Bytes: used.bytes / n, report.Allocs: float64(c.Mallocs) / n,
		report.Failed: float64(c.Failed), report.Wrong: float64(c.Wrong),
		report.Others: max(0, used.machine-used.own) / c.Seconds,
	}
	if n == 0 {
		f[report.CPU], f[report.Bytes], f[report.Allocs] = 0, 0, 0
	}
	return f
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// wait lets time pass.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopped: %w", context.Cause(ctx))
	}
}
