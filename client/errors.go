package client

import (
	"context"
	"errors"

	"github.com/sessnode/sessnode/replica"
)

// What callers test for, besides the errors of package replica.
var (
	// ErrNotWrapped: there is no session in the context, because no [Manager.Wrap] is around the handler.
	ErrNotWrapped = errors.New("client: no session in the context; is the handler wrapped by a Manager?")
	// ErrResponseStarted: a session cannot begin any more, because the first bytes of the response have left and no
	// cookie can follow them; or the request is over.
	ErrResponseStarted = errors.New("client: the response has started, a new session could not reach the browser")
	// ErrEndedMeanwhile: another request destroyed the session, or it expired, while this one ran. Nothing of this
	// request's changes took effect. It reaches the error hook together with replica.ErrDestroyed or ErrNotFound.
	ErrEndedMeanwhile = errors.New("client: the session ended while the request ran")
	// ErrOutcomeUnknown: no answer to a commit came in time although it was sent; it may have taken effect, or may still
	// until its not-after time. Loading the session tells.
	ErrOutcomeUnknown = errors.New("client: whether the commit took effect is unknown")
	// ErrOverloaded: as many requests are under way as [Config] allows; nothing was sent. It is replica.ErrOverloaded.
	ErrOverloaded = replica.ErrOverloaded
	// ErrClosed: the client was closed.
	ErrClosed = errors.New("client: closed")
)

// passing are the errors that say nothing against the request itself: the same one may succeed a moment later.
var passing = []error{
	replica.ErrUnavailable, replica.ErrNotPrimary, replica.ErrOverloaded, replica.ErrOverCapacity,
	replica.ErrNotEnoughCopies, replica.ErrTooLate,
	ErrOutcomeUnknown, ErrClosed, context.DeadlineExceeded, context.Canceled,
}

// Unreachable reports whether err means that the store could not serve at this moment, as opposed to refusing the
// request for what it is. The default error hook answers such errors with 503.
func Unreachable(err error) bool {
	for _, p := range passing {
		if errors.Is(err, p) {
			return true
		}
	}
	return false
}
