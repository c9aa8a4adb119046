package replica

import (
	"errors"
	"fmt"
)

// Status says how a request ended. It travels as one byte; the list is append-only. Every Status but StatusOK is an
// error, for use with [errors.Is].
type Status uint8

// The statuses.
const (
	StatusOK              Status = 0
	StatusNotFound        Status = 1
	StatusDestroyed       Status = 2
	StatusExists          Status = 3
	StatusChanged         Status = 4
	StatusTooLarge        Status = 5
	StatusBadRequest      Status = 6
	StatusNotPrimary      Status = 7
	StatusUnavailable     Status = 8
	StatusNotEnoughCopies Status = 9
	StatusOverloaded      Status = 10
	StatusTooLate         Status = 11
	StatusOverCapacity    Status = 12
	StatusForbidden       Status = 13
	StatusLocked          Status = 14
	StatusLockLost        Status = 15
	StatusExpired         Status = 16
	StatusTooMany         Status = 17
)

// What callers test for.
var (
	// ErrOutcomeUnknown: whether a commit took effect is not known, and no status. A node in this process gives it, and the
	// client.
	ErrOutcomeUnknown = errors.New("whether the commit took effect is unknown")
	// ErrNotFound: no such session. An ErrExpired is one too.
	ErrNotFound error = StatusNotFound
	// ErrExpired: the session expired, and nobody has forgotten it yet. It is an ErrNotFound.
	ErrExpired error = StatusExpired
	// ErrDestroyed: the session was destroyed and stays so; nothing of the commit took effect.
	ErrDestroyed error = StatusDestroyed
	// ErrExists: a session with that id exists already.
	ErrExists error = StatusExists
	// ErrChanged: the session's stamp is not the one the commit was made for; load again.
	ErrChanged error = StatusChanged
	// ErrTooLarge: a limit on sessions, attributes or names was passed; the text names it. An ErrTooMany is one too.
	ErrTooLarge error = StatusTooLarge
	// ErrTooMany: the limit on the number of attributes was passed. It is an ErrTooLarge.
	ErrTooMany error = StatusTooMany
	// ErrBadRequest: a request that can never succeed.
	ErrBadRequest error = StatusBadRequest
	// ErrNotPrimary: the node asked is not the slot's primary; ask the one its claim names.
	ErrNotPrimary error = StatusNotPrimary
	// ErrUnavailable: the slot has no serving primary at this moment, retry. Nothing took effect unless Result.Unsure says so.
	ErrUnavailable error = StatusUnavailable
	// ErrNotEnoughCopies: fewer copies than min-copies hold the commit; whether it lasts is unknown.
	ErrNotEnoughCopies error = StatusNotEnoughCopies
	// ErrOverloaded: a queue is full; nothing took effect, retry later.
	ErrOverloaded error = StatusOverloaded
	// ErrTooLate: the request arrived after its not-after time; nothing of this attempt took effect.
	ErrTooLate error = StatusTooLate
	// ErrOverCapacity: the node holds as many sessions as it may.
	ErrOverCapacity error = StatusOverCapacity
	// ErrForbidden: the peer's key does not allow this request.
	ErrForbidden error = StatusForbidden
	// ErrLocked: another holds the session's lock; the text says who, if it told.
	ErrLocked error = StatusLocked
	// ErrLockLost: the lock is not held any more, or never was; nothing of the commit took effect.
	ErrLockLost error = StatusLockLost
)

var statusText = map[Status]string{
	StatusOK:              "ok",
	StatusNotFound:        "no such session",
	StatusDestroyed:       "session was destroyed",
	StatusExists:          "session exists already",
	StatusChanged:         "session changed meanwhile",
	StatusTooLarge:        "limit passed",
	StatusBadRequest:      "bad request",
	StatusNotPrimary:      "node is not the slot's primary",
	StatusUnavailable:     "slot has no serving primary",
	StatusNotEnoughCopies: "not enough copies",
	StatusOverloaded:      "overloaded",
	StatusTooLate:         "request arrived after its deadline",
	StatusOverCapacity:    "node is full",
	StatusForbidden:       "not allowed with this key",
	StatusLocked:          "session is locked by another",
	StatusLockLost:        "session's lock is lost",
	StatusExpired:         "session has expired",
	StatusTooMany:         "too many",
}

// Error is the status as a sentence's end, for wrapping.
func (s Status) Error() string {
	if t, ok := statusText[s]; ok {
		return t
	}
	return fmt.Sprintf("unknown status %d", uint8(s))
}

// SpeaksForAll reports whether an answer to a commit settles what came of it wherever else it was sent: it was done, or every
// node would refuse it. Other refusals are those of one node; what another one did that was asked before, on the other side of
// a split perhaps, only that one knows.
func (s Status) SpeaksForAll() bool {
	return s == StatusOK || s == StatusBadRequest || s == StatusForbidden
}

// Gone reports whether an error says that there is no session: ErrNotFound or ErrDestroyed.
func Gone(err error) bool { return errors.Is(err, ErrNotFound) || errors.Is(err, ErrDestroyed) }

// Is reports whether s is a kind of target, for [errors.Is].
func (s Status) Is(target error) bool {
	return s == StatusExpired && target == ErrNotFound || s == StatusTooMany && target == ErrTooLarge
}

// Retryable reports whether the same request, with the same id, should be sent again.
func (s Status) Retryable() bool {
	return s == StatusNotPrimary || s == StatusUnavailable || s == StatusOverloaded
}
