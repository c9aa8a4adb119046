package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// What a pause is measured with.
const (
	pauseFor        = 10 * time.Second
	pauseRate       = 1000
	pinnedRate      = 200              // requests through the paused node alone, during the pause and after it
	pinnedTimeout   = 20 * time.Second // of each: they outlast the pause
	pinnedAfterward = 5 * time.Second
)

// How a node counts what it must not do on waking up.
const (
	eventEvicted  = "backup evicted"
	eventPromoted = "slot promoted"
)

func pause() Scenario {
	return Scenario{
		Name: "pause", Title: "A primary stands still for ten seconds", nodes: 5, run: runPause,
		Text: `Five nodes, 1,000 requests per second. One node is stopped with SIGSTOP and goes on 10 s later. A second client knows no other
node, so that its requests lie in that node's socket meanwhile: reads of sessions that the first client goes on changing
elsewhere, and commits to sessions of its own. Whatever is answered is compared with all that was acknowledged.`,
	}
}

// pinned is a client that reaches the cluster through one node only.
type pinned struct {
	store          *client.Client
	reads          []*session // of others
	own            *load      // its own sessions
	answered, late atomic.Int64
	mu             sync.Mutex // guards wrong
	wrong          []string
}

func runPause(ctx context.Context, s *stage) error {
	if err := s.fillSlots(ctx, every, 2, 100); err != nil {
		return err
	}
	victim := s.members[0]
	p, err := s.pin(ctx, victim)
	if err != nil {
		return err
	}
	defer p.store.Close()
	before, err := s.ask(ctx, victim)
	if err != nil {
		return err
	}
	stop := s.drive(ctx, pauseRate)
	defer stop()
	if err := wait(ctx, 2*time.Second); err != nil {
		return err
	}
	at, err := s.standStill(ctx, victim, p)
	if err != nil {
		return err
	}
	if err := s.awaitCopies(ctx); err != nil {
		return err
	}
	after, err := s.ask(ctx, victim)
	if err != nil {
		return err
	}
	s.latencies("from the pause on", at)
	p.judge(ctx, s)
	s.result.none("backups evicted by the node that woke up", int(after.Events[eventEvicted]-before.Events[eventEvicted]))
	s.result.none("slots promoted by the node that woke up", int(after.Events[eventPromoted]-before.Events[eventPromoted]))
	return s.settle(ctx, stop)
}

// pin makes a client of one node, and sessions of its own in slots whose primary that is.
func (s *stage) pin(ctx context.Context, m *member) (*pinned, error) {
	held := s.watch.placements()
	holds := func(slot uint32) bool { return held[slot].primary.Name == m.Name }
	own, err := perSlot(s.slots, 1, holds)
	if err != nil {
		return nil, err
	}
	if err := (&load{store: s.client, sessions: own}).create(ctx, 100, s.Say); err != nil {
		return nil, err
	}
	p := &pinned{}
	for _, x := range s.load.sessions {
		if holds(x.slot) {
			p.reads = append(p.reads, x)
		}
	}
	p.store, err = s.dial(ctx, client.Config{Nodes: []string{m.addr}, ConnsMax: 1, Timeout: pinnedTimeout})
	p.own = &load{store: p.store, sessions: own}
	return p, err
}

// standStill pauses the node and lets it go on, with requests through it all the while and a little longer.
func (s *stage) standStill(ctx context.Context, victim *member, p *pinned) (at time.Time, err error) {
	s.Say("%s stands still for %v", victim.Name, pauseFor)
	at = time.Now()
	if err := victim.Pause(); err != nil {
		return at, err
	}
	through, cancel := context.WithTimeout(ctx, pauseFor+pinnedAfterward)
	defer cancel()
	var asking sync.WaitGroup
	asking.Go(func() { p.own.run(through, pinnedRate) })
	asking.Go(func() { p.run(through) })
	err = wait(ctx, pauseFor)
	if err := victim.Resume(); err != nil {
		return at, err
	}
	s.Say("%s goes on", victim.Name)
	asking.Wait()
	return at, err
}

// run reads sessions that another client is changing, until ctx is done; then it waits for the answers.
func (p *pinned) run(ctx context.Context) {
	var under sync.WaitGroup
	defer under.Wait()
	tick := time.NewTicker(time.Second / pinnedRate)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		x := p.reads[i%len(p.reads)]
		under.Go(func() { p.read(x) })
	}
}

// read judges a read of a session that changes meanwhile: it must not be older than what was acknowledged when it began.
func (p *pinned) read(x *session) {
	floor := x.counter.floor()
	res, err := p.store.Load(context.Background(), &replica.Load{Key: x.key(), Peek: true})
	switch {
	case errors.Is(err, replica.ErrNotFound):
	case err != nil:
		p.late.Add(1)
		return
	default:
		value, _ := res.Session.Get(counterName)
		err = errWrong
		if len(value) == 8 {
			err = x.counter.read(floor, binary.BigEndian.Uint64(value))
		}
	}
	p.answered.Add(1)
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.wrong = append(p.wrong, err.Error())
	}
}

// judge reads the pinned client's own sessions through the other, and counts.
func (p *pinned) judge(ctx context.Context, s *stage) {
	check := &load{store: s.client, sessions: p.own.sessions}
	if err := check.verify(ctx); err != nil {
		check.failed++
	}
	r := s.result
	r.show("reads through the paused node, answered", float64(p.answered.Load()), "")
	r.show("reads through the paused node, given up", float64(p.late.Load()), "")
	r.none("of them stale or wrong", len(p.wrong))
	r.show("commits through the paused node, acknowledged", float64(len(p.own.samples)), "")
	r.show("commits through the paused node, given up", float64(p.own.failed), "")
	r.none("of them lost, or reads of them stale", p.own.wrong+check.wrong+check.failed)
	r.Faults = append(append(r.Faults, p.wrong[:min(len(p.wrong), faultsMax)]...), check.faults...)
}
