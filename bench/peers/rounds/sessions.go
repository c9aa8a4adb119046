package rounds

import (
	"context"
	"fmt"

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

// sessions measures how requests fare among many sessions, and how long the collector of garbage stops the nodes: with nodes
// in the generators, and with daemons.
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
		_, err := s.measure(ctx, m, w, 0, func(mode, workload string, f report.Figures) {
			f[report.ResidentBytes] = residentBytes(s.pids()) / float64(2*n)
			if p99, err := s.pauses(ctx); err == nil {
				f[report.PauseP99] = p99 * 1e6
			}
			keep(mode, workload, f)
		})
		return err
	})
}

// daemons are nodes in processes of their own.
type daemons interface {
	Pauses(ctx context.Context) (p99 float64, err error)
}

// pauses is the longest of the nodes' 99th percentiles, in seconds.
func (s *site) pauses(ctx context.Context) (p99 float64, err error) {
	if d, ok := s.stand.(daemons); ok && len(s.stand.Processes()) > 0 {
		return d.Pauses(ctx)
	}
	all, err := ask[load.Memory](s.crew, "Memory", same(load.Nothing{}))
	for _, m := range all {
		p99 = max(p99, m.PauseP99)
	}
	return p99, err
}
