package chaos

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// underWayMax bounds the actions under way; what comes due beyond it is not done, and counted.
const underWayMax = 1000

// workload is one way to use sessions. Its actions come due whatever became of those before, so that a stall shows.
type workload struct {
	name  string
	share float64 // of the rate
	act   func(ctx context.Context, l *load, r *rand.Rand)
}

// load lets actors do what workloads ask for.
type load struct {
	actors []*actor
	seed   uint64
	last   atomic.Int64 // number of the last value given out
	room   chan struct{}
	left   atomic.Int64 // actions that were left out
	acts   sync.WaitGroup
}

func newLoad(actors []*actor, seed uint64) *load {
	return &load{actors: actors, seed: seed, room: make(chan struct{}, underWayMax)}
}

// run does the actions of all workloads, rate per second together, until ctx is done; then it waits for the last answer.
func (l *load) run(ctx context.Context, all []workload, rate float64) {
	defer l.acts.Wait()
	shares := 0.0
	for _, w := range all {
		shares += w.share
	}
	var drivers sync.WaitGroup
	defer drivers.Wait()
	for i, w := range all {
		r := rand.New(rand.NewPCG(l.seed, uint64(i+1)))
		drivers.Go(func() { l.drive(ctx, w, rate*w.share/shares, r) })
	}
}

// drive starts one workload's actions when they come due.
func (l *load) drive(ctx context.Context, w workload, rate float64, r *rand.Rand) {
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := 0; ; i++ {
		timer.Reset(time.Until(began.Add(time.Duration(float64(i) / rate * float64(time.Second)))))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		select {
		case l.room <- struct{}{}:
		default:
			l.left.Add(1)
			continue
		}
		own := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
		l.acts.Go(func() { // ends with its last answer; run joins it
			defer func() { <-l.room }()
			w.act(ctx, l, own)
		})
	}
}

// value is one that nobody wrote before.
func (l *load) value(prefix string) string { return prefix + strconv.FormatInt(l.last.Add(1), 10) }

func (l *load) anyone(r *rand.Rand) *actor { return l.actors[r.IntN(len(l.actors))] }

// wait lets time pass, and reports false when ctx is done before.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// between is a random time in an interval.
func between(r *rand.Rand, from, until time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(until-from)+1))
}

// sessions are those that a workload uses at a time. Each is used so often and then given up for a new one, so that none
// grows without end and sessions are created in every condition of the cluster.
type sessions struct {
	usesMax int

	mu     sync.Mutex // guards the rest
	places []place
}

// place is where one session of them is.
type place struct {
	id    string // "": none
	uses  int
	taken bool // somebody creates one
}

func newSessions(count, usesMax int) *sessions {
	return &sessions{usesMax: usesMax, places: make([]place, count)}
}

// pick is a session to use. Where there is none one is created for later, and then there is none now.
func (s *sessions) pick(r *rand.Rand, create func(id string) history.Answer) (id string, ok bool) {
	i := r.IntN(len(s.places))
	s.mu.Lock()
	p := &s.places[i]
	switch {
	case p.taken:
		s.mu.Unlock()
		return "", false
	case p.id != "" && p.uses < s.usesMax:
		p.uses++
		id = p.id
		s.mu.Unlock()
		return id, true
	}
	p.id, p.uses, p.taken = "", 0, true
	s.mu.Unlock()

	id, err := newID()
	created := err == nil && create(id).Outcome == history.OK
	s.mu.Lock()
	defer s.mu.Unlock()
	p.taken = false
	if created {
		p.id = id
	}
	return "", false
}
