package rounds

import (
	"context"
	"fmt"
	"slices"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/bench/peers/report"
	"github.com/sessnode/sessnode/bench/peers/stand"
	"github.com/sessnode/sessnode/replica"
)

// fixedRate is how many requests per second are made where what they cost is compared: little enough for fifteen nodes on
// two cores.
const fixedRate = 1500

// fixed is a workload at that rate.
func fixed(name string) Workload {
	return Workload{Name: name, Kind: load.KindCart, Pool: cartPool, Callers: 256, Share: 1}
}

// remote is the mode in which sessnode is scaled.
var remote = Mode{Name: "remote", Product: "remote", Turn: load.Alternate}

// on runs something on a product with the sessions of one pool.
func (p Plan) on(ctx context.Context, name string, opt stand.Options, pool string, shape load.Shape, sessions int, do func(*site) error) error {
	products := stand.Products()
	product := products[slices.IndexFunc(products, func(s stand.Product) bool { return s.Name == name })]
	s, end, err := p.begin(ctx, product, opt)
	defer end()
	if err != nil {
		return err
	}
	if err := s.crew.fill(pool, shape, sessions); err != nil {
		return err
	}
	return do(s)
}

// measure runs one workload and says how it went.
func (s *site) measure(ctx context.Context, m Mode, w Workload, rate float64) (report.Figures, error) {
	f, faults, err := s.run(ctx, m, w, rate)
	for _, fault := range faults {
		s.plan.Say("  ! %s %s: %s", m.Name, w.Name, fault)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.Name, err)
	}
	s.plan.Say("  %-16s %-16s %s", m.Name, w.Name, f)
	return f, nil
}

// measureAndKeep measures a workload at whatever rate its callers reach.
func (s *site) measureAndKeep(ctx context.Context, m Mode, w Workload, keep Keep) error {
	f, err := s.measure(ctx, m, w, 0)
	if err == nil {
		keep(m.Name, w.Name, f)
	}
	return err
}

// nodeCounts are those that scaling is measured with.
var nodeCounts = []int{3, 5, 9, 15}

// NodeCounts are the numbers of nodes that scaling is measured with, ascending.
func NodeCounts() []int { return nodeCounts }

func nodesLabels() (labels []report.Label) {
	for _, n := range nodeCounts {
		labels = append(labels, report.Label{Name: report.Nodes(n), Text: fmt.Sprintf("cart at %d requests/s, %d nodes", fixedRate, n)})
	}
	return labels
}

// nodes measures what a request costs on more and more nodes. Beside it stands what it would cost if every node held every
// session, computed from what one more copy costs; see AllToAll.
func (p Plan) nodes(ctx context.Context, keep Keep) error {
	perCopy, err := p.copyCost(ctx)
	if err != nil {
		return err
	}
	base := 0.0
	for _, n := range nodeCounts {
		p.Say("%d nodes", n)
		err := p.on(ctx, "remote", stand.Options{Nodes: n}, cartPool, load.Cart, p.Sessions, func(s *site) error {
			w := fixed(report.Nodes(n))
			f, err := s.measure(ctx, remote, w, fixedRate)
			if err != nil {
				return err
			}
			if base == 0 {
				base = f[report.CPU]
			}
			if perCopy > 0 {
				f[report.AllToAll] = base + float64(n-2)*perCopy
			}
			keep(remote.Name, w.Name, f)
			return nil
		})
		if err != nil {
			return fmt.Errorf("%d nodes: %w", n, err)
		}
	}
	return nil
}

// copyCost is the processor time that one more copy of a change takes: of two backups against one.
func (p Plan) copyCost(ctx context.Context) (float64, error) {
	var costs []float64
	for _, backups := range []int{1, 2} {
		err := p.on(ctx, "remote", stand.Options{Backups: backups}, cartPool, load.Cart, p.Sessions, func(s *site) error {
			f, err := s.measure(ctx, remote, fixed(fmt.Sprintf("rate-backups-%d", backups)), fixedRate)
			costs = append(costs, f[report.CPU])
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return costs[1] - costs[0], nil
}

// durabilities are those of commits, by name.
var durabilities = []struct {
	name  string
	value replica.Durability
}{{"all", replica.DurableAll}, {"one", replica.DurableOne}, {"none", replica.DurableNone}}

func copiesLabels() (labels []report.Label) {
	for backups := range 3 {
		labels = append(labels, report.Label{Name: fmt.Sprintf("backups-%d", backups), Text: fmt.Sprintf("cart, 64 callers, %d backups", backups)})
	}
	for _, d := range durabilities {
		labels = append(labels, report.Label{Name: "durability-" + d.name, Text: "cart, 64 callers, 2 backups, durability " + d.name})
	}
	return labels
}

// copies measures no, one and two backups, and with two what the durabilities change.
func (p Plan) copies(ctx context.Context, keep Keep) error {
	for _, backups := range []int{-1, 1, 2} {
		p.Say("%d backups", max(backups, 0))
		err := p.on(ctx, "remote", stand.Options{Backups: backups}, cartPool, load.Cart, p.Sessions, func(s *site) error {
			w := Workload{Name: fmt.Sprintf("backups-%d", max(backups, 0)), Kind: load.KindCart, Pool: cartPool, Callers: 64, Share: 1}
			if err := s.measureAndKeep(ctx, remote, w, keep); err != nil || backups != 2 {
				return err
			}
			for _, d := range durabilities {
				m := remote
				m.Durability = uint8(d.value)
				w.Name = "durability-" + d.name
				if err := s.measureAndKeep(ctx, m, w, keep); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("%d backups: %w", backups, err)
		}
	}
	return nil
}

// slotCounts are those that are measured, the default among them.
var slotCounts = []int{256, 512, 1024, 4096}

func slotsName(n int) string { return fmt.Sprintf("slots-%d", n) }

func slotsLabels() (labels []report.Label) {
	for _, n := range slotCounts {
		labels = append(labels, report.Label{Name: slotsName(n), Text: fmt.Sprintf("cart, 64 callers, %d slots", n)})
	}
	return labels
}

// slots measures what the number of slots costs: each takes room in the caches of processors. The differences are small, and so
// the numbers take turns.
func (p Plan) slots(ctx context.Context, keep Keep) error {
	for range slotTurns {
		for _, n := range slotCounts {
			p.Say("%d slots", n)
			err := p.on(ctx, "remote", stand.Options{Slots: n}, cartPool, load.Cart, p.Sessions, func(s *site) error {
				w := Workload{Name: slotsName(n), Kind: load.KindCart, Pool: cartPool, Callers: 64, Share: 1}
				return s.measureAndKeep(ctx, remote, w, keep)
			})
			if err != nil {
				return fmt.Errorf("%d slots: %w", n, err)
			}
		}
	}
	return nil
}

// slotTurns is how often each number of slots is measured.
const slotTurns = 3
