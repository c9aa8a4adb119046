package clienttest

import (
	"context"
	"sync"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// requestFor is how long a commit that does not say so may take effect; it matters to nobody here.
const requestFor = 5 * time.Second

// Store keeps sessions in memory as a cluster of one node with one slot does: every answer counts one copy, and at most
// 100,000 sessions fit. It is safe for concurrent use. Make it with [NewStore].
type Store struct {
	started time.Time // zero of replica.Instant.Mono

	mu   sync.Mutex // guards the fields below
	slot *replica.Slot
	fx   replica.Effects // of the step under way
}

var _ client.Store = (*Store)(nil)

// NewStore makes an empty store.
func NewStore() *Store {
	const self = replica.Boot(1)
	s := &Store{started: time.Now(), slot: replica.NewSlot(0, &replica.Config{
		Slots: 1, Limits: replica.Limits{}.WithDefaults(), MinCopies: 1, Clock: &replica.Clock{Boot: self},
	})}
	s.slot.Lead(s.now(), replica.Claim{Epoch: 1, Primary: self}, nil, &s.fx)
	return s
}

// Load reads a session. The error is that of the result, or the context's.
func (s *Store) Load(ctx context.Context, l *replica.Load) (replica.Result, error) {
	if err := l.Key.Validate(); err != nil {
		return replica.Result{}, err
	}
	return s.step(ctx, func(now replica.Instant, t replica.Token) { s.slot.Load(now, t, l, &s.fx) })
}

// Commit applies a change whole or not at all. Errors are those of Load.
func (s *Store) Commit(ctx context.Context, c *replica.Commit) (replica.Result, error) {
	if err := c.Key.Validate(); err != nil {
		return replica.Result{}, err
	}
	own := *c
	return s.step(ctx, func(now replica.Instant, t replica.Token) {
		if own.NotAfter == 0 {
			own.NotAfter = now.Wall + requestFor.Milliseconds()
		}
		s.slot.Commit(now, t, &own, &s.fx)
	})
}

// Sessions counts the sessions that live, those of all applications.
func (s *Store) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slot.Tick(s.now(), &s.fx)
	s.fx.Reset()
	sessions, _ := s.slot.Sessions()
	return sessions
}

// step lets the slot answer one request; without backups it does so at once.
func (s *Store) step(ctx context.Context, ask func(replica.Instant, replica.Token)) (replica.Result, error) {
	if err := ctx.Err(); err != nil {
		return replica.Result{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.slot.Tick(now, &s.fx)
	ask(now, 1)
	if len(s.fx.Done) != 1 {
		panic("clienttest: BUG: a slot without backups did not answer at once")
	}
	res := s.fx.Done[0].Result
	s.fx.Reset()
	return res, res.Err()
}

func (s *Store) now() replica.Instant {
	now := time.Now()
	return replica.Instant{Mono: now.Sub(s.started), Wall: now.UnixMilli()}
}
