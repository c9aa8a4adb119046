package history

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrInvalid is wrapped by the errors about a history that contradicts itself.
var ErrInvalid = errors.New("invalid history")

// History is a whole run. Each list is in the order in which it was recorded; operations ascend by their ids.
type History struct {
	Run        Run
	Operations []Operation
	Faults     []Fault
	Splits     []Split
	Conflicts  []Conflict
	Finals     []Final
	// Unlisted are reasons why Conflicts may lack some: a node that was killed takes its list along, and a full list drops
	// the oldest. Empty: the list is whole.
	Unlisted []string
}

// Validate reports the first event that cannot have been.
func (h *History) Validate() error {
	last := 0
	for i := range h.Operations {
		o := &h.Operations[i]
		if err := o.validate(); err != nil {
			return err
		}
		if o.ID <= last {
			return fmt.Errorf("%w: operation %d after %d: ids must ascend", ErrInvalid, o.ID, last)
		}
		last = o.ID
	}
	for i := range h.Faults {
		if f := &h.Faults[i]; !isInterval(f.From, f.Until, true) {
			return fmt.Errorf("%w: fault %q from %v until %v", ErrInvalid, f.Kind, f.From, f.Until)
		}
	}
	for i := range h.Splits {
		s := &h.Splits[i]
		if !isInterval(s.From, s.Until, true) || s.Merged != 0 && (s.Until == 0 || s.Merged < s.Until) {
			return fmt.Errorf("%w: split from %v until %v, merged at %v", ErrInvalid, s.From, s.Until, s.Merged)
		}
		if s.Parted != 0 && s.Parted < s.From || s.Until != 0 && s.Parted > s.Until {
			return fmt.Errorf("%w: split from %v until %v, parted at %v", ErrInvalid, s.From, s.Until, s.Parted)
		}
	}
	for i := range h.Finals {
		if f := &h.Finals[i]; !isInterval(f.Invoked, f.Returned, false) || !slices.Contains(goings, f.Gone) {
			return fmt.Errorf("%w: final read of %s, gone %q, from %v until %v", ErrInvalid, f.Session, f.Gone, f.Invoked, f.Returned)
		}
	}
	return nil
}

func (o *Operation) validate() error {
	switch {
	case !slices.Contains(kinds, o.Kind):
		return fmt.Errorf("%w: operation %d is of the unknown kind %q", ErrInvalid, o.ID, o.Kind)
	case !slices.Contains(outcomes, o.Outcome):
		return fmt.Errorf("%w: operation %d has the unknown outcome %q", ErrInvalid, o.ID, o.Outcome)
	case !slices.Contains(goings, o.Gone):
		return fmt.Errorf("%w: operation %d found its session %q", ErrInvalid, o.ID, o.Gone)
	case o.Session == "" && o.Kind != List:
		return fmt.Errorf("%w: operation %d, %s, names no session", ErrInvalid, o.ID, o.Kind)
	case !isInterval(o.Invoked, o.Returned, false):
		return fmt.Errorf("%w: operation %d from %v until %v", ErrInvalid, o.ID, o.Invoked, o.Returned)
	}
	return nil
}

// isInterval reports whether a time comes after another; until may be zero for never if it may be open.
func isInterval(from, until time.Duration, open bool) bool {
	return from >= 0 && (from <= until || open && until == 0)
}
