package lab

import (
	"errors"
	"fmt"
)

// Errors that callers test.
var (
	// ErrUnsupported means that this machine, user or kind of network cannot do that; its text says which, and what can.
	ErrUnsupported = fmt.Errorf("the lab's network: %w", errors.ErrUnsupported)
	// ErrClosed means that the lab is closed.
	ErrClosed = errors.New("the lab is closed")
	// ErrPlace means that there is no place of that name, or that there is one already.
	ErrPlace = errors.New("bad place")
	// ErrDamage means that a fault makes no sense as it is described.
	ErrDamage = errors.New("bad fault")
	// ErrFull means that the lab has as many places, sockets or faults as it can.
	ErrFull = errors.New("the lab is full")
)
