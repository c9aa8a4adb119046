package client

import (
	"context"
	"errors"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
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
	// ErrUndecodable: an attribute cannot be decoded into the type that was asked for, after a deploy perhaps; it concerns
	// that attribute alone. See ManagerConfig.Undecodable.
	ErrUndecodable = errors.New("client: attribute cannot be decoded")
	// ErrOutcomeUnknown: no answer to a commit came in time although it was sent, or one node refused it and another that was
	// asked has not answered; it may have taken effect, or may still until its not-after time. Loading the session tells,
	// unless the network is split. It is replica.ErrOutcomeUnknown.
	ErrOutcomeUnknown = replica.ErrOutcomeUnknown
	// ErrOverloaded: as many requests are under way as [Config] allows; nothing was sent. It is replica.ErrOverloaded.
	ErrOverloaded = replica.ErrOverloaded
	// ErrNoKey: the nodes want a key and the client has none but the public development key. It comes with the error of
	// package wire that says how that showed.
	ErrNoKey = errors.New("no key was given: set Config.Key to the cluster's client key")
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

// lasting are the reasons of a node, or of ours, not to connect that time does not change.
var lasting = []error{wire.ErrKeyMismatch, wire.ErrKeyRefused, wire.ErrVersion, wire.ErrDevelopmentKey}

func lastingOf(err error) error {
	for _, l := range lasting {
		if errors.Is(err, l) {
			return l
		}
	}
	return nil
}

// plainError shows what to mend, and wraps what showed that.
type plainError struct{ shown, cause error }

// Error is what to mend.
func (e *plainError) Error() string { return e.shown.Error() }

// Unwrap is both errors.
func (e *plainError) Unwrap() []error { return []error{e.shown, e.cause} }

// plain is why a node is not connected as the user of a client should read it, who gave it no key perhaps: without what TLS
// made of it, where the reason says it all.
func plain(err error, keyless bool) error {
	shown := lastingOf(err)
	switch {
	case shown == nil:
		return err
	case keyless && shown != wire.ErrVersion:
		return &plainError{ErrNoKey, err}
	}
	return &plainError{shown, err}
}
