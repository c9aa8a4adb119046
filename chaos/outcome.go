package chaos

import (
	"context"
	"errors"

	"github.com/sessnode/sessnode/chaos/history"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// refusals are the answers that say no to what was asked for: nothing took effect.
var refusals = []error{
	replica.ErrNotFound, replica.ErrDestroyed, replica.ErrExists, replica.ErrChanged, replica.ErrTooLarge, replica.ErrBadRequest,
	replica.ErrForbidden, replica.ErrLocked, replica.ErrLockLost,
}

// unserved are the errors after which nothing took effect for certain, although the store did not look at the request.
var unserved = []error{
	replica.ErrOverloaded, replica.ErrOverCapacity, replica.ErrTooLate, replica.ErrUnavailable, replica.ErrNotPrimary, client.ErrClosed,
}

// outcomeOf is what an error says of the operation that it ended. What it does not say for certain is unknown: so is
// everything that ended with the time, whatever it was that refused it last.
func outcomeOf(err error) history.Outcome {
	switch {
	case err == nil:
		return history.OK
	case errors.Is(err, client.ErrOutcomeUnknown), errors.Is(err, replica.ErrNotEnoughCopies),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return history.Unknown
	case isAny(err, refusals):
		return history.Refused
	case isAny(err, unserved):
		return history.Failed
	}
	return history.Unknown
}

// goneOf is the part of an error that says that there is no session.
func goneOf(err error) history.Gone {
	switch {
	case errors.Is(err, replica.ErrDestroyed):
		return history.Destroyed
	case errors.Is(err, replica.ErrNotFound):
		return history.NotFound
	}
	return history.Here
}

func isAny(err error, targets []error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// answerOf is an error as an answer. That there is no session is an answer only if somebody gave it: an error that has no
// outcome may wrap the last refusal on the way.
func answerOf(err error) history.Answer {
	a := history.Answer{Outcome: outcomeOf(err)}
	if err != nil {
		a.Error = err.Error()
	}
	if a.Outcome == history.Refused {
		a.Gone = goneOf(err)
	}
	return a
}

// readOf is the answer to a read: that there is no session is one like any other.
func readOf(err error) history.Answer {
	a := answerOf(err)
	if a.Gone != history.Here {
		a.Outcome = history.OK
	}
	return a
}

// committed is the answer to a commit.
func committed(res replica.Result, err error) history.Answer {
	a := answerOf(err)
	if a.Outcome == history.OK {
		a.Stamp, a.Copies = res.Stamp.String(), res.Copies
	}
	return a
}
