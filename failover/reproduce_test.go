package failover_test

import (
	"slices"
	"testing"
)

// TestReplayReproduces: a seed means one run, message by message, whatever else runs beside it.
func TestReplayReproduces(t *testing.T) {
	for seed := range uint64(6) {
		first, again := replay(t, seed, 4000, false), replay(t, seed, 4000, true)
		if first.sum != again.sum || first.steps != again.steps || first.virtual != again.virtual {
			t.Errorf("seed %d: %d steps in %v with sum %x, then %d in %v with %x", seed, first.steps, first.virtual, first.sum,
				again.steps, again.virtual, again.sum)
		}
		if !slices.Equal(first.history, again.history) {
			t.Errorf("seed %d tells %q, then %q", seed, first.history, again.history)
		}
	}
	if one, other := replay(t, 1, 4000, false), replay(t, 4, 4000, false); one.sum == other.sum {
		t.Error("two seeds are one run")
	}
}
