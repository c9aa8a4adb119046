package chaos

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/sessnode/sessnode/chaos/history"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

func TestOutcomesOfErrors(t *testing.T) {
	both := func(errs ...error) error { return fmt.Errorf("wrapped: %w", errors.Join(errs...)) }
	for _, c := range []struct {
		name string
		err  error
		want history.Outcome
		gone history.Gone
	}{
		{"none", nil, history.OK, history.Here},
		{"destroyed", both(replica.ErrDestroyed), history.Refused, history.Destroyed},
		{"not found", both(replica.ErrNotFound), history.Refused, history.NotFound},
		{"changed", both(replica.ErrChanged), history.Refused, history.Here},
		{"lock lost", both(replica.ErrLockLost), history.Refused, history.Here},
		{"too late", both(replica.ErrTooLate), history.Failed, history.Here},
		{"overloaded", both(client.ErrOverloaded), history.Failed, history.Here},
		{"no primary", both(replica.ErrUnavailable), history.Failed, history.Here},
		{"deadline", both(context.DeadlineExceeded, replica.ErrUnavailable), history.Unknown, history.Here},
		{"canceled", both(context.Canceled), history.Unknown, history.Here},
		{"too few copies", both(replica.ErrNotEnoughCopies), history.Unknown, history.Here},
		{"outcome unknown", both(client.ErrOutcomeUnknown, client.ErrClosed), history.Unknown, history.Here},
		{"outcome unknown after a refusal", both(client.ErrOutcomeUnknown, replica.ErrDestroyed), history.Unknown, history.Here},
		{"anything else", errors.New("surprise"), history.Unknown, history.Here},
	} {
		got := answerOf(c.err)
		if got.Outcome != c.want || got.Gone != c.gone {
			t.Errorf("%s: %q, gone %q; want %q, gone %q", c.name, got.Outcome, got.Gone, c.want, c.gone)
		}
	}
}

func TestThatThereIsNoSessionAnswersARead(t *testing.T) {
	if got := readOf(replica.ErrDestroyed); got.Outcome != history.OK || got.Gone != history.Destroyed {
		t.Errorf("%+v", got)
	}
	if got := readOf(fmt.Errorf("%w after %w", context.DeadlineExceeded, replica.ErrNotFound)); got.Outcome != history.Unknown || got.Gone != history.Here {
		t.Errorf("a read that ended with the time: %+v", got)
	}
}

func TestValuesComeBackWhole(t *testing.T) {
	for _, value := range []string{"", "v1", "v12345"} {
		for _, size := range []int{0, 1, 7, 4096} {
			stored := encode(value, size)
			if got := decode(stored); got != value {
				t.Errorf("%q in %d bytes comes back as %q", value, size, got)
			}
			if len(stored) > 3 {
				stored[len(stored)-1] ^= 1
				if got := decode(stored); got == value {
					t.Errorf("%q in %d bytes comes back although it was damaged", value, size)
				}
			}
		}
	}
	if got := len(encode("v1", 64<<10)); got != 64<<10 {
		t.Errorf("%d bytes, want 65536", got)
	}
}
