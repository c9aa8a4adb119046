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

	mu    sync.Mutex // guards the fields below
	slot  *replica.Slot
	fx    replica.Effects // of the step under way
	last  replica.Token
	waits map[replica.Token]chan replica.Result // for a lock
}

var (
	_ client.Store  = (*Store)(nil)
	_ client.Locker = (*Store)(nil)
	_ client.Lister = (*Store)(nil)
)

// NewStore makes an empty store.
func NewStore() *Store {
	const self = replica.Boot(1)
	s := &Store{started: time.Now(), waits: map[replica.Token]chan replica.Result{}, slot: replica.NewSlot(0, &replica.Config{
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
	return s.do(ctx, &replica.Request{Load: l})
}

// Commit applies a change whole or not at all. Errors are those of Load.
func (s *Store) Commit(ctx context.Context, c *replica.Commit) (replica.Result, error) {
	if err := c.Key.Validate(); err != nil {
		return replica.Result{}, err
	}
	own := *c
	if own.NotAfter == 0 {
		own.NotAfter = s.now().Wall + requestFor.Milliseconds()
	}
	return s.do(ctx, &replica.Request{Commit: &own})
}

// Lock asks for a session's lock, or speaks for one that is held. Errors are those of Load.
func (s *Store) Lock(ctx context.Context, l *replica.Lock) (replica.Result, error) {
	if err := l.Key.Validate(); err != nil {
		return replica.Result{}, err
	}
	own := *l
	if own.NotAfter == 0 {
		own.NotAfter = s.now().Wall + requestFor.Milliseconds()
	}
	return s.do(ctx, &replica.Request{Lock: &own})
}

// Slots is one.
func (s *Store) Slots(context.Context) (int, error) { return 1, nil }

// List lists sessions of the one slot. Errors are those of Load.
func (s *Store) List(ctx context.Context, l *replica.List) (replica.Result, error) {
	return s.do(ctx, &replica.Request{List: l})
}

// Sessions counts the sessions that live, those of all applications.
func (s *Store) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slot.Tick(s.now(), &s.fx)
	s.deliver()
	sessions, _ := s.slot.Sessions()
	return sessions
}

// tickEvery is how often the slot is looked at while somebody waits.
const tickEvery = 20 * time.Millisecond

// do has one request answered: at once, unless it waits for a lock.
func (s *Store) do(ctx context.Context, m *replica.Request) (replica.Result, error) {
	if err := ctx.Err(); err != nil {
		return replica.Result{}, err
	}
	answer := s.begin(m)
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case res := <-answer:
			return res, res.Err()
		case <-ctx.Done():
			return replica.Result{}, ctx.Err()
		case <-ticker.C:
			s.Sessions()
		}
	}
}

// begin asks the slot; the answer is in the channel, or will be.
func (s *Store) begin(m *replica.Request) <-chan replica.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	answer := make(chan replica.Result, 1)
	s.waits[s.last] = answer
	now := s.now()
	s.slot.Tick(now, &s.fx)
	s.slot.Request(now, s.last, m, &s.fx)
	s.deliver()
	return answer
}

// deliver hands the answers over. The mutex is held.
func (s *Store) deliver() {
	for _, d := range s.fx.Done {
		s.waits[d.Token] <- d.Result
		delete(s.waits, d.Token)
	}
	s.fx.Reset()
}

func (s *Store) now() replica.Instant {
	now := time.Now()
	return replica.Instant{Mono: now.Sub(s.started), Wall: now.UnixMilli()}
}
