package load

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Kind is what a request does.
type Kind string

// The kinds of requests.
const (
	KindCart   Kind = "cart"   // reads a session and changes an attribute
	KindBrowse Kind = "browse" // reads
	KindLogin  Kind = "login"  // creates, renews, destroys
)

// Job is one run of a generator. Without a Rate the loop is closed: each caller makes its next request when the last one was
// answered.
type Job struct {
	Kind    Kind
	Pool    string // the sessions, by the name that the pool was opened under
	Turn    Turn
	Way     Way
	Callers int
	Rate    float64 // requests per second that are due whatever becomes of those before; latency counts from then
	Profile string  // file for a profile of the generator's processor time; none without
}

// faultsMax are described; the rest are only counted.
const faultsMax = 5

// run is a job that is being done.
type run struct {
	job     Job
	rota    *rota
	board   *Board
	tallies []*tally
	due     chan time.Time // of an open loop
	stop    chan struct{}
	stopped atomic.Bool
	epoch   atomic.Uint64
	callers sync.WaitGroup
	pacer   sync.WaitGroup
	began   mark

	mu     sync.Mutex // guards the rest
	failed uint64
	wrong  uint64
	faults []string
}

// mark is a moment to count from.
type mark struct {
	at                               time.Time
	requests, failed, wrong, mallocs uint64
}

// start has callers make requests until finish.
func start(job Job, rota *rota, pool *Pool, product Product) (*run, error) {
	if len(rota.sessions) == 0 && job.Kind != KindLogin {
		return nil, fmt.Errorf("a generator has no session of its own (%s)", job.Turn)
	}
	r := &run{job: job, rota: rota, board: pool.Board, stop: make(chan struct{})}
	for range job.Callers {
		r.tallies = append(r.tallies, &tally{latency: newHistogram()})
	}
	r.mark() // before the first request
	if job.Rate > 0 {
		r.due = make(chan time.Time, 1<<16)
		r.pacer.Go(r.pace)
	}
	for _, t := range r.tallies {
		r.callers.Go(func() { r.call(product.Caller(pool, job.Way), t) })
	}
	return r, nil
}

// mark forgets what was counted until now.
func (r *run) mark() {
	r.began = r.now()
	r.epoch.Add(1)
}

func (r *run) now() mark {
	m := mark{at: time.Now(), mallocs: mallocs()}
	for _, t := range r.tallies {
		m.requests += t.requests.Load()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m.failed, m.wrong = r.failed, r.wrong
	return m
}

// finish ends the run and says what was counted since the mark. The latencies include the requests under way at the end.
func (r *run) finish() Counts {
	end := r.now()
	r.stopped.Store(true)
	close(r.stop)
	r.pacer.Wait()
	r.callers.Wait()
	c := Counts{
		Requests: end.requests - r.began.requests, Failed: end.failed - r.began.failed, Wrong: end.wrong - r.began.wrong,
		Seconds: end.at.Sub(r.began.at).Seconds(), Mallocs: end.mallocs - r.began.mallocs, Faults: r.faults,
	}
	h := newHistogram()
	for _, t := range r.tallies {
		if t.epoch == r.epoch.Load() {
			h.Merge(t.latency)
		}
	}
	c.Latency = h.Export()
	return c
}

// call makes requests, one after another.
func (r *run) call(c Caller, t *tally) {
	ctx := context.Background()
	for {
		began, ok := r.turn()
		if !ok {
			return
		}
		err := r.request(ctx, c)
		took := time.Since(began)
		switch {
		case errors.Is(err, errNobody): // most sessions are with the others
			time.Sleep(time.Millisecond)
		case err != nil:
			r.fault(err)
		default:
			t.count(r.epoch.Load(), took)
		}
	}
}

// turn waits until a request is due and says when it was; ok is false at the end. Requests that were due and not made by
// then do not count as answered, and the run shows a lower rate than it was to have.
func (r *run) turn() (began time.Time, ok bool) {
	if r.due == nil {
		return time.Now(), !r.stopped.Load()
	}
	select {
	case began, ok = <-r.due:
		return began, ok
	case <-r.stop:
		return began, false
	}
}

// errNobody: there is no session that this generator may change now.
var errNobody = errors.New("no session is free")

func (r *run) request(ctx context.Context, c Caller) error {
	switch r.job.Kind {
	case KindBrowse:
		session := r.rota.next()
		want, certain := r.board.Version(session)
		read, err := c.Browse(ctx, session)
		return checked(session, read, want, certain, err)
	case KindLogin:
		return c.Login(ctx)
	}
	session, version, ok := r.rota.claim()
	if !ok {
		return errNobody
	}
	read, err := c.Cart(ctx, session, version+1)
	if errors.Is(err, ErrShort) {
		r.board.raised(session, version)
		return fmt.Errorf("session %d: %w", session, err)
	}
	if err = checked(session, read, version, true, err); err != nil {
		r.board.doubted(session, version)
		return err
	}
	r.board.raised(session, version)
	return nil
}

// checked compares what was read with what was acknowledged last.
func checked(session int, read, want uint64, certain bool, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("session %d: %w", session, err)
	case read != want && (certain || read != want+1):
		return fmt.Errorf("%w: session %d has version %d, %d was acknowledged", ErrWrong, session, read, want)
	}
	return nil
}

func (r *run) fault(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if errors.Is(err, ErrWrong) {
		r.wrong++
	} else {
		r.failed++
	}
	if len(r.faults) < faultsMax {
		r.faults = append(r.faults, err.Error())
	}
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
