package rounds

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/bench/peers/report"
	"github.com/sessnode/sessnode/bench/peers/stand"
	"github.com/sessnode/sessnode/child"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// kills is how often a node dies.
const kills = 50

// failoverRate is how many requests per second the generators make meanwhile.
const failoverRate = 500

// failover kills the primary of a session again and again, under load, and takes the time until a commit to the session
// succeeds. The next node dies when every copy is restored.
func (p Plan) failover(ctx context.Context, keep Keep) error {
	p.Say("%d times kill -9 of a node of sessnode", kills)
	return p.on(ctx, "remote", stand.Options{}, cartPool, load.Cart, p.Sessions, func(s *site) error {
		job := load.Job{Kind: load.KindCart, Pool: cartPool, Turn: load.Alternate, Callers: 256, Rate: failoverRate / float64(len(s.crew.lines))}
		if err := s.crew.each("Start", same(job)); err != nil {
			return err
		}
		took, err := s.killAll(ctx)
		counts, errFinish := ask[load.Counts](s.crew, "Finish", same(load.Nothing{}))
		if err == nil {
			err = errFinish
		}
		if len(took) > 0 {
			slices.Sort(took)
			sum := load.Merge(counts...)
			f := report.Figures{
				report.Median: micros(took[len(took)/2]), report.Worst: micros(took[len(took)-1]), report.Times: float64(len(took)),
				report.Failed: float64(sum.Failed), report.Wrong: float64(sum.Wrong),
			}
			keep("remote", report.Failover, f)
			s.plan.Say("  median %v, worst %v of %d", took[len(took)/2], took[len(took)-1], len(took))
			for _, fault := range sum.Faults {
				s.plan.Say("  ! %s", fault)
			}
		}
		return err
	})
}

// killAll returns how long each failover took.
func (s *site) killAll(ctx context.Context) (took []time.Duration, err error) {
	c, err := client.Dial(ctx, client.Config{Nodes: s.stand.Generator(0).Addrs, App: "failover", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	id, err := replica.NewID(rand.Reader)
	if err != nil {
		return nil, err
	}
	key := replica.Key{App: "failover", ID: id}
	if _, err := c.Commit(ctx, &replica.Commit{Key: key, Create: true, Idle: load.Idle}); err != nil {
		return nil, err
	}
	for i := range kills {
		d, err := s.kill(ctx, c, key)
		if err != nil {
			return took, fmt.Errorf("kill %d: %w", i+1, err)
		}
		took = append(took, d)
		if (i+1)%10 == 0 {
			s.plan.Say("  %d of %d", i+1, kills)
		}
	}
	return took, nil
}

// kill ends the primary of a session, and starts it again when the session is answered for.
func (s *site) kill(ctx context.Context, c *client.Client, key replica.Key) (time.Duration, error) {
	where, err := c.Locate(ctx, key.ID)
	if err != nil {
		return 0, err
	}
	nodes := s.stand.Processes()
	i := slices.IndexFunc(nodes, func(p *child.Process) bool { return p.Name == where.Primary.Name })
	if i < 0 {
		return 0, fmt.Errorf("the session's primary is %q", where.Primary.Name)
	}
	nodes[i].Kill()
	began := time.Now()
	value := []replica.Change{{Name: load.ChangedName, Value: []byte(began.String())}}
	if _, err := c.Commit(ctx, &replica.Commit{Key: key, Changes: value}); err != nil {
		return 0, err
	}
	took := time.Since(began)
	if err := nodes[i].Start(); err != nil {
		return took, err
	}
	return took, s.copies(ctx, &pool{}, 0)
}
