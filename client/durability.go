package client

import (
	"context"
	"fmt"

	"github.com/sessnode/sessnode/replica"
)

// SetDurability says how many copies this request's commits wait for from now on, instead of the manager's Durability:
// more for an order, none for what may be lost. Errors: ErrNotWrapped; replica.ErrBadRequest for a value that is none of
// the choices.
func (s *Session) SetDurability(d replica.Durability) error {
	if s == nil {
		return ErrNotWrapped
	}
	if d > replica.DurableNone {
		return fmt.Errorf("%w: durability %d is none of all, one, none", replica.ErrBadRequest, d)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.durability = d
	return nil
}

// Commit commits this request's changes now, before the response, and says how many nodes hold them, the primary
// included; zero when there was nothing to commit. For handlers that do something outside which must not happen unless
// the session is safe. It waits until ctx ends or for the manager's Timeout, whichever is first.
//
// After an error the changes are wanted still, and the end of the request tries again; what cannot succeed ends the
// request in the error hook, unless the handler calls [Session.Discard]. What was committed stays so when the handler
// panics later.
func (s *Session) Commit(ctx context.Context) (copies int, err error) {
	if s == nil {
		return 0, ErrNotWrapped
	}
	ctx, cancel, err := s.limited(ctx)
	if err != nil {
		return 0, err
	}
	defer cancel()
	return s.save(ctx)
}

// limited is ctx with the limit of the session's route, for as long as there is a request.
func (s *Session) limited(ctx context.Context) (context.Context, context.CancelFunc, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.phase == phaseOver {
		return nil, nil, ErrResponseStarted
	}
	ctx, cancel := context.WithTimeout(ctx, s.state.timeout)
	return ctx, cancel, nil
}
