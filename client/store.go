package client

import (
	"context"

	"github.com/sessnode/sessnode/replica"
)

// Store keeps sessions. [Client] is one over the network; a node in the same process is another.
//
// An answer that refuses is a Result with a status, and an error that errors.Is finds that status in; an implementation
// may leave the error nil, so callers that test one thing test [replica.Result.Err] after the error. Any other error
// means that there is no answer: the store was not reached, or the time was up.
type Store interface {
	// Load reads a session as of its last durable commit. The session in the result must not be modified.
	Load(ctx context.Context, l *replica.Load) (replica.Result, error)
	// Commit applies a change whole or not at all. An implementation gives a commit without Request or NotAfter its own,
	// and does not keep c.
	Commit(ctx context.Context, c *replica.Commit) (replica.Result, error)
}

// Locker is a [Store] whose sessions can be locked; see [Acquire], which is easier to use.
type Locker interface {
	// Lock asks for a session's lock, renews it or gives it back. An implementation gives a lock without Request or
	// NotAfter its own, and does not keep l.
	Lock(ctx context.Context, l *replica.Lock) (replica.Result, error)
}

// Lister is a [Store] that can say which sessions there are; see [Sessions], which is easier to use.
type Lister interface {
	// Slots is how many slots there are.
	Slots(ctx context.Context) (int, error)
	// List lists sessions of one slot.
	List(ctx context.Context, l *replica.List) (replica.Result, error)
}

// AppDefault is the application that sessions belong to when none is named.
const AppDefault = "default"

// appNamer is the optional part of a Store that knows which application it was opened for.
type appNamer interface{ App() string }

// appOf is the application that a manager over store uses when its configuration names none.
func appOf(store Store) string {
	if n, ok := store.(appNamer); ok && n.App() != "" {
		return n.App()
	}
	return AppDefault
}

// answer folds the two ways in which a store says no into one error.
func answer(res replica.Result, err error) (replica.Result, error) {
	if err != nil {
		return res, err
	}
	return res, res.Err()
}
