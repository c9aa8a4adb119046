package load

import (
	"context"
	"errors"
)

// ErrWrong is wrapped by answers that no correct product gives: a lost value, a session that is gone, a missing copy.
var ErrWrong = errors.New("wrong answer")

// ErrShort is wrapped by what acknowledges a change on fewer copies than asked for. The change holds and the request does
// not count.
var ErrShort = errors.New("too few copies")

// Product keeps sessions, each on two nodes before a change of it counts. A generator process has one, for all of its
// callers.
type Product interface {
	// Create makes a session with a first version and returns its id.
	Create(ctx context.Context, shape Shape, version uint64) (id string, err error)
	// Caller makes requests for sessions of a pool, one at a time.
	Caller(pool *Pool, way Way) Caller
	// Home is which generator, the first being 0, answers requests for a session without asking another process.
	// Negative: none does.
	Home(id string) int
	Close() error
}

// Way is how requests are made.
type Way struct {
	// ToHome: a product whose servers differ in how soon they answer for a session sends a request to the one that it was
	// told. Otherwise to one after another.
	ToHome bool
	// Durability is that of sessnode's commits; its zero value is the default, and that of every other product.
	Durability uint8
}

// Pool is sessions of one shape. They are named by their number on the board.
type Pool struct {
	Shape Shape
	Board *Board
	IDs   []string
}

// Caller makes one product's requests, one at a time. What it returns must be true of two copies when it returns.
type Caller interface {
	// Cart reads the version that a session has and changes it to next.
	Cart(ctx context.Context, session int, next uint64) (read uint64, err error)
	// Browse reads the version that a session has.
	Browse(ctx context.Context, session int) (read uint64, err error)
	// Login creates a session, goes on with it under a new id, and destroys it.
	Login(ctx context.Context) error
}
