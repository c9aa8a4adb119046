package rounds

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/bench/peers/report"
	"github.com/sessnode/sessnode/bench/peers/stand"
)

// rounds measures the products in turn, round after round.
func (p Plan) rounds(ctx context.Context, keep Keep) error {
	var errs []error
	for round := range p.Rounds {
		for _, product := range p.selected() {
			p.Say("round %d of %d: %s", round+1, p.Rounds, product.Title)
			if err := p.play(ctx, product, keep); err != nil {
				errs = append(errs, fmt.Errorf("round %d of %s: %w", round+1, product.Name, err))
				p.Say("  ! %v", err)
			}
			if ctx.Err() != nil {
				return errors.Join(errs...)
			}
		}
	}
	return errors.Join(errs...)
}

// selected are the products of the plan.
func (p Plan) selected() []stand.Product {
	return slices.DeleteFunc(stand.Products(), func(product stand.Product) bool { return !slices.Contains(p.Products, product.Name) })
}

// play is one round of one product.
func (p Plan) play(ctx context.Context, product stand.Product, keep Keep) error {
	s, end, err := p.begin(ctx, product, stand.Options{})
	defer end()
	if err != nil {
		return err
	}
	if err := s.fillBoth(); err != nil {
		return err
	}
	warmed := false
	for _, m := range Modes() {
		if m.Product != product.Name {
			continue
		}
		if err := s.crew.warm(m); err != nil {
			return err
		}
		rates := map[string]float64{}
		for _, w := range Workloads() {
			if !m.runs(w) || p.Workloads != nil && !slices.Contains(p.Workloads, w.Name) || w.Half != "" && rates[w.Half] == 0 {
				continue
			}
			if !warmed {
				warmed = true
				if _, _, err := (&site{p.warming(product), s.stand, s.crew}).run(ctx, m, w, 0); err != nil {
					return err
				}
			}
			f, faults, err := s.run(ctx, m, w, rates[w.Half]/2)
			if err != nil {
				return fmt.Errorf("%s: %w", w.Name, err)
			}
			for _, fault := range faults {
				p.Say("  ! %s %s: %s", m.Name, w.Name, fault)
			}
			rates[w.Name] = f[report.Rate]
			keep(m.Name, w.Name, f)
			p.Say("  %-16s %-10s %s", m.Name, w.Name, f)
		}
	}
	return s.verify(ctx)
}

// warming is a plan that measures for nothing.
func (p Plan) warming(product stand.Product) Plan {
	p.Warm, p.Span = 0, max(p.FirstWarm, product.Warm)
	return p
}

// begin starts servers and generators; end ends them, and is to be called whatever the error.
func (p Plan) begin(ctx context.Context, product stand.Product, opt stand.Options) (s *site, end func(), err error) {
	dir, err := os.MkdirTemp(p.Dir, product.Name+"-")
	if err != nil {
		return nil, func() {}, err
	}
	opt.Dir, opt.Sessnode = dir, p.Sessnode
	s = &site{plan: p}
	end = func() {
		if s.crew != nil {
			s.crew.end()
		}
		if s.stand != nil {
			s.stand.End()
		}
		if !p.Keep {
			_ = os.RemoveAll(dir) // it is in the plan's directory, which goes too
		}
	}
	if s.stand, err = product.Stand(opt); err != nil {
		return s, end, err
	}
	if err = s.stand.Begin(ctx); err != nil {
		return s, end, err
	}
	s.crew, err = assemble(ctx, dir, product.Generators, s.stand)
	return s, end, err
}

// fillBoth makes the sessions of both shapes.
func (s *site) fillBoth() error {
	if err := s.crew.fill(cartPool, load.Cart, s.plan.Sessions); err != nil {
		return err
	}
	return s.crew.fill(chattyPool, load.Chatty, s.plan.Sessions)
}

// verify compares values and copies of all sessions with what was acknowledged.
func (s *site) verify(ctx context.Context) error {
	var ids []string
	for name, pool := range s.crew.pools {
		wrong, err := s.crew.verify(name)
		if err != nil {
			return err
		}
		if len(wrong) > 0 {
			return fmt.Errorf("%w: %d sessions of %s: %s", load.ErrWrong, len(wrong), name, wrong[0])
		}
		ids = append(ids, pool.ids...)
	}
	var errs []error
	for _, pool := range s.crew.pools {
		errs = append(errs, s.copies(ctx, pool, len(ids)))
	}
	return errors.Join(errs...)
}

// copiesLimit is how long a product may take to restore copies that it lost under load.
const copiesLimit = time.Minute

// copies waits until every session of a pool is on two nodes.
func (s *site) copies(ctx context.Context, p *pool, all int) error {
	ctx, cancel := context.WithTimeout(ctx, copiesLimit)
	defer cancel()
	for {
		err := s.stand.Copies(ctx, p.ids, p.board, all)
		if err == nil {
			return nil
		}
		if wait(ctx, 500*time.Millisecond) != nil {
			return err
		}
	}
}
