package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// unansweredError is a request's end without a final answer.
type unansweredError struct {
	cause   error // the context's error, ErrClosed, or a late TooLate
	trail   trail
	ended   time.Time
	unknown bool // a commit that may have taken effect
}

// Error tells what was tried.
func (e *unansweredError) Error() string {
	t := e.trail
	text := fmt.Sprintf("no final answer after %d attempts", t.sends)
	if t.sends == 0 {
		text = "no node could be asked"
	}
	if t.last != nil {
		text += fmt.Sprintf("; %s%s: %v", t.lastOf, ago(e.ended.Sub(t.lastAt)), t.last)
	}
	if t.silent {
		text += fmt.Sprintf("; %s, asked last, has not answered", t.asked)
	}
	text += ": " + e.cause.Error()
	if e.unknown {
		text += "; " + ErrOutcomeUnknown.Error()
	}
	return text
}

// onesidedError is a node's refusal of what another node that was asked may have done. It is not what the node said, since who
// tests for replica.ErrChanged to try again would do it twice; unless that holds everywhere: it is too late, or the session
// was logged out, which beats whatever was done.
type onesidedError struct{ refusal *replica.Result }

// Error is the refusal.
func (e *onesidedError) Error() string {
	return "refused by one of the nodes: " + e.refusal.Err().Error()
}

// Is reports whether target is what the node said, and holds for all.
func (e *onesidedError) Is(target error) bool {
	switch s := e.refusal.Status; s {
	case replica.StatusTooLate, replica.StatusDestroyed:
		return target == s
	}
	return false
}

// ago says how old something is, if that is worth saying.
func ago(age time.Duration) string {
	if age = age.Round(100 * time.Millisecond); age == 0 {
		return ""
	}
	return fmt.Sprintf(", %v ago", age)
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
	return &unansweredError{cause: cause, trail: t, ended: time.Now(), unknown: unknown}
}
