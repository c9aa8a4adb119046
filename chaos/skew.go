package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

const (
	skewLimit = 5 * time.Second        // until a node has seen what its clock shall be
	skewError = 100 * time.Millisecond // by which a clock may be off what it shall be, beside the time that the question takes
)

// skew makes a node's clock wrong. Its node says itself what time it has, so the fault is known to have bitten.
func (s *stage) skew(ctx context.Context, m *member, step Step) (wound, error) {
	rate := step.Rate
	if rate == 0 {
		rate = 1
	}
	if err := setClock(m, step.Off, rate); err != nil {
		return wound{}, err
	}
	off, err := s.awaitClock(ctx, m, step.Off)
	if err != nil {
		return wound{}, errors.Join(fmt.Errorf("its clock did not follow: %w", err), setClock(m, 0, 1))
	}
	w := wound{kind: string(Skew), whom: []string{m.Name}, missed: done}
	w.note = fmt.Sprintf("its clock is off by %v, and runs %v times as fast", off.Round(time.Millisecond), rate)
	w.end = func(ctx context.Context) (uint64, error) {
		if err := setClock(m, 0, 1); err != nil {
			return 0, err
		}
		if m.PID() != 0 { // else it reads that when it starts
			_, err := s.awaitClock(ctx, m, 0)
			return 0, err
		}
		return 0, nil
	}
	return w, nil
}

// setClock writes what a node reads. It is there whole or not at all.
func setClock(m *member, off time.Duration, rate float64) error {
	next := m.clock + ".next"
	text := fmt.Sprintf("%v %s\n", off, strconv.FormatFloat(rate, 'g', -1, 64))
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(next, m.clock)
}

// awaitClock waits until a node's time of day is off by so much, and returns by how much it is.
func (s *stage) awaitClock(ctx context.Context, m *member, want time.Duration) (off time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, skewLimit)
	defer cancel()
	for wait(ctx, lookAgain) {
		var st state
		asked := time.Now()
		if err = s.ask(ctx, m, "status", &st); err != nil {
			continue
		}
		took := time.Since(asked)
		off = st.Clock.Sub(asked.Add(took / 2))
		if (off - want).Abs() <= skewError+took {
			return off, nil
		}
		err = fmt.Errorf("it is off by %v", off)
	}
	return 0, cmp.Or(err, ctx.Err())
}
