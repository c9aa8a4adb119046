package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/sessnode/sessnode/replica"
)

// unansweredError is a request's end without a final answer.
type unansweredError struct {
	cause   error // the context's error, ErrClosed, or a late TooLate
	trail   trail
	unknown bool // a commit that may have taken effect
}

// Error tells what was tried.
func (e *unansweredError) Error() string {
	text := fmt.Sprintf("no final answer after %d attempts", e.trail.sends)
	switch {
	case e.trail.sends == 0:
		text = "no node could be asked"
	case e.trail.last != nil:
		text += fmt.Sprintf(", the last at %s: %v", e.trail.addr, e.trail.last)
	default:
		text += fmt.Sprintf(", the last at %s was not answered", e.trail.addr)
	}
	text += ": " + e.cause.Error()
	if e.unknown {
		text += "; " + ErrOutcomeUnknown.Error()
	}
	return text
}

// Unwrap is all that callers test for.
func (e *unansweredError) Unwrap() []error {
	errs := []error{e.cause}
	if errors.Is(e.cause, context.DeadlineExceeded) {
		errs = append(errs, replica.ErrUnavailable)
	}
	if e.trail.last != nil {
		errs = append(errs, e.trail.last)
	}
	if e.unknown {
		errs = append(errs, ErrOutcomeUnknown)
	}
	return errs
}

// explain adds to the reason for which a request ended what was tried. Refusals of the client's own stay as they are.
func (t trail) explain(cause error, unknown bool) error {
	if t.sends == 0 && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return &unansweredError{cause: cause, trail: t, unknown: unknown}
}
