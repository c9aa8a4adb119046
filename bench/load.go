package bench

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// What sessions consist of.
const (
	app         = "bench"
	counterName = "n"   // the attribute that requests raise
	fillName    = "pad" // the rest of the session
	workers     = 64    // that create and verify sessions
	faultsMax   = 10    // described; the rest are only counted
)

// session is one that the load uses.
type session struct {
	id      string
	slot    uint32
	turn    sync.Mutex // held by the request under way: two of one session would be about the same counter
	counter account
}

func (s *session) key() replica.Key { return replica.Key{App: app, ID: s.id} }

// perSlot makes count sessions for each of the wanted slots, slot after slot; none of them exists yet.
func perSlot(slots, count int, wanted func(slot uint32) bool) ([]*session, error) {
	bySlot, missing := make([][]*session, slots), 0
	for slot := range slots {
		if wanted(uint32(slot)) {
			missing += count
		}
	}
	for missing > 0 {
		s, err := newSession(slots)
		if err != nil {
			return nil, err
		}
		if wanted(s.slot) && len(bySlot[s.slot]) < count {
			bySlot[s.slot] = append(bySlot[s.slot], s)
			missing--
		}
	}
	var all []*session
	for round := range count { // neighbours in the schedule are in different slots
		for _, list := range bySlot {
			if len(list) > round {
				all = append(all, list[round])
			}
		}
	}
	return all, nil
}

func newSession(slots int) (*session, error) {
	id, err := replica.NewID(rand.Reader)
	if err != nil {
		return nil, err
	}
	return &session{id: id, slot: replica.SlotOf(id, slots)}, nil
}

// load drives requests through one client and keeps what came of them.
type load struct {
	store    client.Store
	sessions []*session

	mu      sync.Mutex // guards the rest
	samples []sample
	failed  int      // requests that got no answer, or a refusal
	wrong   int      // answers that no correct store gives, lost values among them
	faults  []string // the first faultsMax of both
}

// run makes requests, rate per second, in turn over all sessions, until ctx is done; then it waits for those under way.
func (l *load) run(ctx context.Context, rate int) {
	var under sync.WaitGroup
	defer under.Wait()
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := 0; ; i++ {
		due := dueAt(began, i, rate)
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		s := l.sessions[i%len(l.sessions)]
		under.Go(func() { l.request(due, s) })
	}
}

// dueAt is when the i-th request of a load is to be sent, whatever became of the others.
func dueAt(began time.Time, i, rate int) time.Time {
	whole, rest := i/rate, i%rate
	return began.Add(time.Duration(whole)*time.Second + time.Duration(rest)*time.Second/time.Duration(rate))
}

// request reads a session's counter and commits one more. The client library sets its time limit.
func (l *load) request(due time.Time, s *session) {
	s.turn.Lock()
	defer s.turn.Unlock()
	l.note(due, s, l.once(s))
}

// once makes the request of a session whose turn the caller holds.
func (l *load) once(s *session) error {
	if err := l.check(s); err != nil {
		return err
	}
	return l.raise(s)
}

// note keeps what came of a request.
func (l *load) note(due time.Time, s *session, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.fault(s, err)
		return
	}
	l.samples = append(l.samples, sample{due, time.Since(due), s.slot})
}

// check reads a session and compares. A session that is gone is a wrong answer: nobody ended it.
func (l *load) check(s *session) error {
	floor := s.counter.floor()
	res, err := l.store.Load(context.Background(), &replica.Load{Key: s.key()})
	if errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrDestroyed) {
		return fmt.Errorf("%w: the session is gone: %w", errWrong, err)
	}
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	value, ok := res.Session.Get(counterName)
	if !ok || len(value) != 8 {
		return fmt.Errorf("%w: the session has no counter", errWrong)
	}
	return s.counter.read(floor, binary.BigEndian.Uint64(value))
}

// raise commits the next value.
func (l *load) raise(s *session) error {
	return l.commit(s, false, nil)
}

func (l *load) commit(s *session, create bool, fill []byte) error {
	n := s.counter.next()
	changes := []replica.Change{{Name: counterName, Value: binary.BigEndian.AppendUint64(nil, n)}}
	if fill != nil {
		changes = append(changes, replica.Change{Name: fillName, Value: fill})
	}
	res, err := l.store.Commit(context.Background(), &replica.Commit{Key: s.key(), Create: create, Changes: changes})
	switch {
	case errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrDestroyed):
		return fmt.Errorf("%w: the session is gone: %w", errWrong, err)
	case err != nil:
		return fmt.Errorf("commit: %w", err)
	case res.Copies < 1:
		return fmt.Errorf("%w: a commit was acknowledged with %d copies", errWrong, res.Copies)
	}
	s.counter.acknowledged(n)
	return nil
}

// fault counts what went wrong with a session. Called with mu held.
func (l *load) fault(s *session, err error) {
	if errors.Is(err, errWrong) {
		l.wrong++
	} else {
		l.failed++
	}
	if len(l.faults) < faultsMax {
		l.faults = append(l.faults, fmt.Sprintf("%s slot %d, session %s: %v", time.Now().Format("15:04:05.000"), s.slot, replica.ShortID(s.id), err))
	}
}

// create makes all sessions exist, each with bytes of ballast beside its counter, and tells of every quarter done. The
// first error ends it.
func (l *load) create(ctx context.Context, bytes int, say func(string, ...any)) error {
	fill := make([]byte, bytes)
	quarter := max(int64(len(l.sessions)/4), 1)
	var done atomic.Int64
	return l.forAll(ctx, func(s *session) error {
		if n := done.Add(1); n%quarter == 0 {
			say("  %d of %d sessions created", n, len(l.sessions))
		}
		return l.commit(s, true, fill)
	})
}

// verify reads every session once more; what is lost or unreadable counts as in a request.
func (l *load) verify(ctx context.Context) error {
	return l.forAll(ctx, func(s *session) error {
		if err := l.check(s); err != nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.fault(s, err)
		}
		return nil
	})
}

// forAll does something to every session, several at a time, until the first error.
func (l *load) forAll(ctx context.Context, do func(*session) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	todo := make(chan *session)
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for s := range todo {
				if err := do(s); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, s := range l.sessions {
		select {
		case todo <- s:
		case <-ctx.Done():
		}
	}
	close(todo)
	working.Wait()
	return context.Cause(ctx)
}

// answered is what was answered so far. The slice is the caller's to read.
func (l *load) answered() []sample {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.samples[:len(l.samples):len(l.samples)]
}

// judge adds what went wrong to a result.
func (l *load) judge(r *Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.show("requests answered", float64(len(l.samples)), "")
	r.none("requests failed", l.failed)
	r.none("answers lost, stale or wrong", l.wrong)
	r.Faults = append(r.Faults, l.faults...)
}
