package node

import (
	"errors"
	"testing"

	"github.com/sessnode/sessnode/replica"
)

// TestRefusalAfterAnUnsureAttempt: a local commit that another node may have taken is not refused by what the next one says.
func TestRefusalAfterAnUnsureAttempt(t *testing.T) {
	commit, load := &replica.Request{Commit: &replica.Commit{}}, &replica.Request{Load: &replica.Load{}}
	for _, c := range []struct {
		name    string
		m       *replica.Request
		r       replica.Result
		unsure  bool
		unknown bool
	}{
		{"refused at once", commit, replica.Result{Status: replica.StatusChanged}, false, false},
		{"refused after a doubt", commit, replica.Result{Status: replica.StatusChanged}, true, true},
		{"done after a doubt", commit, replica.Result{}, true, false},
		{"nobody would take it", commit, replica.Result{Status: replica.StatusBadRequest}, true, false},
		{"unsure itself", commit, replica.Result{Status: replica.StatusUnavailable, Unsure: true}, false, true},
		{"a load", load, replica.Result{Status: replica.StatusNotFound}, true, false},
	} {
		_, err := final(c.m, c.r, c.unsure)
		if errors.Is(err, replica.ErrOutcomeUnknown) != c.unknown || (err == nil) != (c.r.Status == replica.StatusOK) {
			t.Errorf("%s: %v, want unknown %v", c.name, err, c.unknown)
		}
		if errors.Is(err, replica.ErrChanged) && c.unknown {
			t.Errorf("%s: %v is replica.ErrChanged, at which others would try again", c.name, err)
		}
	}
}
