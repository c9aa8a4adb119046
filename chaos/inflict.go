package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// Why a fault is left out.
var (
	errNobody = errors.New("nobody is known to be that")
	errEnded  = errors.New("the load had ended")
)

// wound is a fault under way.
type wound struct {
	kind  string // as the history calls it
	whom  []string
	note  string
	sides [][]string // of a split; nil: nobody is known to be on one side
	split bool
	end   func(ctx context.Context) (dropped uint64, err error)
	// later, if there is one, is called when the nodes are one cluster again. It ends what remains.
	later func(ctx context.Context) (dropped uint64, err error)
}

// play does the faults of a schedule until ctx is done, then ends those under way and returns. Those that may lose a node
// come one after another, each when the one before is mended.
func (s *stage) play(ctx context.Context, all Schedule) {
	var parts sync.WaitGroup
	defer parts.Wait()
	var severe Schedule
	for _, step := range all {
		if !step.isMild() {
			severe = append(severe, step)
			continue
		}
		parts.Go(func() { // ends with its fault
			if !wait(ctx, step.At-s.now()) {
				s.skip(step, errEnded)
				return
			}
			s.inflict(ctx, step)
		})
	}
	for _, step := range severe {
		if !wait(ctx, step.At-s.now()) {
			s.skip(step, errEnded)
			continue
		}
		if err := s.settle(ctx, wholeLimit); err != nil {
			if ctx.Err() != nil {
				err = errEnded
			}
			s.skip(step, err)
			continue
		}
		s.inflict(ctx, step)
	}
}

func (s *stage) skip(step Step, err error) {
	s.say("%7.1fs  LEFT OUT: %v: %v", s.now().Seconds(), step, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skipped = append(s.skipped, fmt.Sprintf("%v: %v", step, err))
}

// inflict does one fault, for as long as it says or until ctx is done, and records it.
func (s *stage) inflict(ctx context.Context, step Step) {
	step, err := s.resolve(ctx, step)
	if err != nil {
		s.skip(step, err)
		return
	}
	if step.Kind == Kill || step.Kind == Restart { // it takes its list along
		s.collect(ctx, s.member(step.Whom[0]))
	}
	from, underWay := s.now(), s.recorder.UnderWay()
	w, err := s.begin(step)
	if err != nil {
		s.skip(step, err)
		return
	}
	s.say("%7.1fs  %v, %d operations under way", from.Seconds(), step, underWay)
	defer s.pulse.during(step)()
	wait(ctx, step.For)
	whole := context.WithoutCancel(ctx)
	dropped, err := w.end(whole)
	f := history.Fault{Kind: w.kind, Whom: w.whom, From: from, Until: s.now(), Dropped: int64(dropped), InFlight: underWay, Note: w.note}
	if err != nil && w.kind == history.Kill {
		f.Until = 0 // it is not back
	}
	if w.split {
		s.heal(history.Split{From: from, Until: f.Until, Sides: w.sides})
	}
	if w.later != nil {
		if settleErr := s.settle(whole, wholeLimit); settleErr != nil {
			f.Note = strings.TrimPrefix(f.Note+"; "+settleErr.Error(), "; ")
		}
		more, laterErr := w.later(whole)
		f.Dropped, err = f.Dropped+int64(more), errors.Join(err, laterErr)
	}
	if err != nil {
		f.Note = strings.TrimPrefix(f.Note+"; "+err.Error(), "; ")
	}
	s.note(s.recorder.Fault(f))
	s.say("%7.1fs  %s over: %s", s.now().Seconds(), step.Kind, bitOf(&f))
}

// bitOf says how a fault has bitten.
func bitOf(f *history.Fault) string {
	text := fmt.Sprintf("%d packets, %d operations under way as it began", f.Dropped, f.InFlight)
	if f.Note != "" {
		text += ", " + f.Note
	}
	if !f.Bit() {
		text += ": IT DID NOT BITE"
	}
	return text
}

// resolve puts names in the place of those that stand for others.
func (s *stage) resolve(ctx context.Context, step Step) (Step, error) {
	if len(step.Whom) != 1 || step.Whom[0] != BusyPrimary {
		return step, nil
	}
	id := s.asked.busiest()
	if id == "" {
		return step, fmt.Errorf("%w: nothing was asked yet", errNobody)
	}
	where, err := s.control.Locate(ctx, id)
	if err != nil || !slices.Contains(nodeNames(len(s.members)), where.Primary.Name) {
		return step, fmt.Errorf("%w: slot %d has no known primary: %w", errNobody, where.Slot, err)
	}
	step.Whom = []string{where.Primary.Name}
	return step, nil
}

// begin does a fault.
func (s *stage) begin(step Step) (wound, error) {
	switch step.Kind {
	case Kill:
		return s.kill(s.member(step.Whom[0])), nil
	case Pause:
		return s.pause(s.member(step.Whom[0]))
	case Restart:
		return s.restart(s.member(step.Whom[0])), nil
	}
	return s.disconnect(step)
}

func (s *stage) kill(m *member) wound {
	m.Kill()
	return wound{kind: history.Kill, whom: []string{m.Name}, end: func(ctx context.Context) (uint64, error) {
		return 0, s.revive(ctx, m)
	}}
}

// revive starts a node again and waits until it is ready.
func (s *stage) revive(ctx context.Context, m *member) error {
	if err := m.Start(); err != nil {
		return err
	}
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for until := time.Now().Add(startLimit); time.Now().Before(until); {
		var st state
		if err := s.ask(ctx, m, "status", &st); err == nil && st.Ready {
			return nil
		}
		if m.Died() {
			return s.died()
		}
		<-again.C
	}
	return fmt.Errorf("%s was not ready again within %v", m.Name, startLimit)
}

func (s *stage) pause(m *member) (wound, error) {
	if err := m.Pause(); err != nil {
		return wound{}, err
	}
	return wound{kind: history.Pause, whom: []string{m.Name}, end: func(context.Context) (uint64, error) { return 0, m.Resume() }}, nil
}

// restart tells a node to leave in good order. What it has not handed over when it must end is lost with it: then it is a kill.
func (s *stage) restart(m *member) wound {
	w := wound{kind: string(Restart), whom: []string{m.Name}}
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), drainLimit)
	defer cancel()
	err := m.Terminate(ctx)
	w.note = fmt.Sprintf("drained for %.1f s", time.Since(began).Seconds())
	if err != nil || time.Since(began) > drainLimit/2 {
		m.Kill()
		w.kind, w.note = history.Kill, fmt.Sprintf("it did not hand everything over: %v", err)
	}
	w.end = func(ctx context.Context) (uint64, error) { return 0, s.revive(ctx, m) }
	return w
}
