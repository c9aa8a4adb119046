package rounds

import (
	"context"
	"fmt"
	"time"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/bench/peers/report"
	"github.com/sessnode/sessnode/bench/peers/stand"
)

// memorySessions is how many sessions memory is measured with: enough that what a server takes besides does not matter.
const memorySessions = 50_000

// memoryRest is how long sessions lie unused before they are measured: longer than anybody remembers the requests that made them.
const memoryRest = 15 * time.Second

// memory fills each product with sessions of 1 KiB and sees what they take.
func (p Plan) memory(ctx context.Context, keep Keep) error {
	for _, product := range p.selected() {
		p.Say("memory of %d sessions of 1 KiB: %s", memorySessions, product.Title)
		f, err := p.memoryOf(ctx, product)
		if err != nil {
			return fmt.Errorf("%s: memory: %w", product.Name, err)
		}
		keep(product.Name, report.Memory, f)
		p.Say("  live %.0f, resident %.0f bytes per session and copy", f[report.LiveBytes], f[report.ResidentBytes])
	}
	return nil
}

func (p Plan) memoryOf(ctx context.Context, product stand.Product) (report.Figures, error) {
	s, end, err := p.begin(ctx, product, stand.Options{})
	defer end()
	if err != nil {
		return nil, err
	}
	residentBefore, liveBefore, err := s.memory(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.crew.fill(chattyPool, load.Chatty, memorySessions); err != nil {
		return nil, err
	}
	if err := wait(ctx, memoryRest); err != nil {
		return nil, err
	}
	resident, live, err := s.memory(ctx)
	const copies = 2 * memorySessions
	f := report.Figures{report.ResidentBytes: (resident - residentBefore) / copies}
	if live > 0 {
		f[report.LiveBytes] = (live - liveBefore) / copies
	}
	return f, err
}

// userOfBytes is a stand whose servers say what their data takes.
type userOfBytes interface {
	UsedBytes(ctx context.Context) (float64, error)
}

// memory is what the processes take that hold sessions; live is zero where nobody says.
func (s *site) memory(ctx context.Context) (resident, live float64, err error) {
	var pids []int
	for _, process := range s.stand.Processes() {
		pids = append(pids, process.PID())
	}
	if len(pids) == 0 { // the nodes are in the generators
		all, err := ask[load.Memory](s.crew, "Memory", same(load.Nothing{}))
		for _, m := range all {
			live += float64(m.LiveBytes)
		}
		return residentBytes(s.pids()), live, err
	}
	if u, ok := s.stand.(userOfBytes); ok {
		live, err = u.UsedBytes(ctx)
	}
	return residentBytes(pids), live, err
}
