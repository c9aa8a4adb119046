package rounds

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/bench/peers/report"
	"github.com/sessnode/sessnode/bench/peers/stand"
)

// sessionCounts are those that are measured besides the usual one, with sessions of 1 KiB.
var sessionCounts = []int{100_000, 1_000_000}

func sessionsName(count int) string {
	if count == 1_000_000 {
		return report.Million
	}
	return fmt.Sprintf("sessions-%d", count)
}

func sessionsLabels() (labels []report.Label) {
	for _, n := range sessionCounts {
		labels = append(labels, report.Label{Name: sessionsName(n), Text: fmt.Sprintf("%d sessions of 1 KiB, change an attribute of 8 bytes; 64 callers", n)})
	}
	return labels
}

// sessions measures how requests fare among many sessions, with nodes in the generators and with daemons; and how long the collector
// of garbage stops a node, which is the same code in both and can be asked for a collection only in a generator.
func (p Plan) sessions(ctx context.Context, keep Keep) error {
	for _, m := range []Mode{
		{Name: "embedded", Product: "embedded", Turn: load.Routed},
		{Name: "remote", Product: "remote", Turn: load.Alternate},
	} {
		for _, n := range sessionCounts {
			p.Say("%d sessions, %s", n, m.Name)
			if err := p.amongMany(ctx, m, n, keep); err != nil {
				return fmt.Errorf("%d sessions, %s: %w", n, m.Name, err)
			}
		}
	}
	return nil
}

func (p Plan) amongMany(ctx context.Context, m Mode, n int, keep Keep) error {
	return p.on(ctx, m.Product, stand.Options{}, chattyPool, load.Chatty, n, func(s *site) error {
		w := Workload{Name: sessionsName(n), Kind: load.KindCart, Pool: chattyPool, Callers: 64, Share: 2}
		f, err := s.measure(ctx, m, w, 0)
		if err != nil {
			return err
		}
		f[report.ResidentBytes] = residentBytes(s.pids()) / float64(2*n)
		if len(s.stand.Processes()) == 0 { // the nodes are in the generators
			if err := s.pauses(ctx, m, f); err != nil {
				return fmt.Errorf("pauses of the collector: %w", err)
			}
		}
		keep(m.Name, w.Name, f)
		return nil
	})
}

// collectFor is how long each generator collects garbage.
const collectFor = 20 * time.Second

// pauses has the generators collect garbage again and again, each in its turn, while requests are made at a fixed rate. The longest
// of the generators' pauses become figures. The rate leaves processors free: with all of them taken the figure would say for
// how long the kernel gives them to other processes.
func (s *site) pauses(ctx context.Context, m Mode, f report.Figures) error {
	w := fixed("collecting")
	w.Pool, w.Share = chattyPool, float64(collectFor)*float64(len(s.crew.lines))/float64(s.plan.Span)
	made := make(chan error, 1)
	go func() {
		_, err := s.measure(ctx, m, w, fixedRate)
		made <- err
	}()
	var err error
	for i := range s.crew.lines {
		var p []load.Pauses
		if p, err = ask[load.Pauses](s.crew.only(i), "Collect", same(collectFor)); err != nil || ctx.Err() != nil {
			break
		}
		s.plan.Say("  generator %d: %d pauses, median %.3f ms, p99 %.3f ms", i+1, p[0].Count, p[0].Median*1e3, p[0].P99*1e3)
		f[report.PauseP50], f[report.PauseP99] = max(f[report.PauseP50], p[0].Median*1e6), max(f[report.PauseP99], p[0].P99*1e6)
	}
	return errors.Join(err, <-made)
}
