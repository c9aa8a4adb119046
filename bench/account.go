package bench

import (
	"errors"
	"fmt"
	"sync"
)

// account is what is known of one counter that is only ever raised, each time to a value never tried before.
type account struct {
	mu     sync.Mutex // guards the rest
	proven uint64     // the highest value acknowledged or read: nothing less may be read from now on
	tried  uint64     // the highest value ever sent: nothing more can be read. Invariant: proven <= tried.
}

// errWrong is wrapped by every answer that no correct store gives.
var errWrong = errors.New("wrong answer")

// floor is what a read that begins now must at least return.
func (a *account) floor() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.proven
}

// next is the value for a commit that is about to be sent.
func (a *account) next() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tried++
	return a.tried
}

// acknowledged notes that a commit of v was answered as done.
func (a *account) acknowledged(v uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.proven = max(a.proven, v)
}

// read judges a read of v that began when floor was.
func (a *account) read(floor, v uint64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case v < floor:
		return fmt.Errorf("%w: %d was read after %d had been acknowledged or read", errWrong, v, floor)
	case v > a.tried:
		return fmt.Errorf("%w: %d was read, and nobody wrote more than %d", errWrong, v, a.tried)
	}
	a.proven = max(a.proven, v)
	return nil
}
