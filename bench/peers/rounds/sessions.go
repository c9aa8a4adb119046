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

// sessions measures how requests fare among many sessions. The nodes are in the generators, which can tell how long the
// collector of garbage stopped them.
func (p Plan) sessions(ctx context.Context, keep Keep) error {
	routed := Mode{Name: "embedded", Product: "embedded", Turn: load.Routed}
	for _, n := range sessionCounts {
		p.Say("%d sessions", n)
		err := p.on(ctx, "embedded", stand.Options{}, chattyPool, load.Chatty, n, func(s *site) error {
			w := Workload{Name: sessionsName(n), Kind: load.KindCart, Pool: chattyPool, Callers: 64, Share: 2}
			_, err := s.measure(ctx, routed, w, 0, func(mode, workload string, f report.Figures) {
				f[report.ResidentBytes] = residentBytes(s.pids()) / float64(2*n)
				if p99, err := s.pauses(); err == nil {
					f[report.PauseP99] = p99 * 1e6
				}
				keep(mode, workload, f)
			})
			return err
		})
		if err != nil {
			return fmt.Errorf("%d sessions: %w", n, err)
		}
	}
	return nil
}

// pauses is the longest of the nodes' 99th percentiles, in seconds.
func (s *site) pauses() (p99 float64, err error) {
	all, err := ask[load.Memory](s.crew, "Memory", same(load.Nothing{}))
	for _, m := range all {
		p99 = max(p99, m.PauseP99)
	}
	return p99, err
}
