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
	errDead   = errors.New("it is dead already")
)

// wound is a fault under way.
type wound struct {
	kind  string        // as the history calls it
	from  time.Duration // zero: when it was begun
	whom  []string
	note  string
	sides [][]string // of a split; nil: nobody is known to be on one side
	split bool
	// tell, if there is one, is asked what else there is to say once the fault has ended.
	tell func() string
	// missed reports whether the fault is known to have hurt nothing; nil: that is so if it dropped no packets.
	missed func(dropped uint64) bool
	end    func(ctx context.Context) (dropped uint64, err error)
}

// play does those faults of a schedule that are due within length, which then are over too, unless they come late. When ctx is
// done it ends those under way and returns. Those that may lose a node come one after another, each when the one before is mended.
func (s *stage) play(ctx context.Context, all Schedule, length time.Duration) {
	var parts sync.WaitGroup
	defer parts.Wait()
	var severe Schedule
	for _, step := range all {
		if step.At >= length {
			s.skip(step, errEnded)
			continue
		}
		step.For = min(step.For, length-step.At)
		if !isMild[step.Kind] {
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
		if step.Kind == Rolling {
			s.roll(ctx, step)
		} else {
			s.inflict(ctx, step)
		}
	}
}

// roll restarts one node after the other, each when the one before has its copies again.
func (s *stage) roll(ctx context.Context, step Step) {
	for _, m := range s.members {
		one := Step{At: step.At, Kind: Rolling, Whom: []string{m.Name}, For: step.For}
		if err := s.settle(ctx, wholeLimit); err != nil {
			if ctx.Err() != nil {
				err = errEnded
			}
			s.skip(one, err)
			continue
		}
		s.inflict(ctx, one)
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
	if step.Kind == Kill || step.Kind == Restart || step.Kind == Rolling { // it takes its list along
		s.collect(ctx, s.member(step.Whom[0]))
	}
	from, underWay, asked := s.now(), s.recorder.UnderWay(), s.tally.asked.Load()
	w, err := s.begin(ctx, step)
	if err != nil {
		s.skip(step, err)
		return
	}
	begun := s.now()
	s.say("%7.1fs  %v, %d operations under way", from.Seconds(), step, underWay)
	var within sync.WaitGroup
	defer within.Wait()
	if w.split {
		within.Go(func() { s.within(ctx, step) }) // ends with its fault
	}
	defer s.pulse.during(step)()
	wait(ctx, step.For)
	ending := s.now()
	dropped, err := w.end(context.WithoutCancel(ctx))
	f := history.Fault{Kind: w.kind, Whom: w.whom, From: from, Until: s.now(), Dropped: int64(dropped), InFlight: underWay,
		Begun: int(s.tally.asked.Load() - asked), Note: w.note}
	if w.from > 0 {
		f.From = w.from
	}
	if err != nil && w.kind == history.Kill {
		f.Until = 0 // it is not back
	}
	if w.tell != nil {
		f.Note = join(f.Note, w.tell())
	}
	if w.split {
		s.heal(history.Split{From: from, Parted: begun, Until: ending, Sides: w.sides})
	}
	if err != nil {
		f.Note = join(f.Note, err.Error())
	}
	f.Missed = w.missed == nil && f.Dropped == 0 || w.missed != nil && w.missed(dropped)
	s.note(s.recorder.Fault(f))
	s.say("%7.1fs  %s over: %s", s.now().Seconds(), step.Kind, bitOf(&f))
}

// join puts two notes together.
func join(note, more string) string {
	return strings.TrimSuffix(strings.TrimPrefix(note+"; "+more, "; "), "; ")
}

// clean are the splits in which nobody merges: what a node lists in one does not grow any more.
var clean = []Kind{Cut, Isolate, Pull}

// within does the fault of a process that a split has in its middle third.
func (s *stage) within(ctx context.Context, split Step) {
	if split.With.Kind == "" {
		return
	}
	third := split.For / 3
	step := Step{At: split.At + third, Kind: split.With.Kind, Whom: []string{split.With.Whom}, For: third}
	if !wait(ctx, third) {
		s.skip(step, errEnded)
		return
	}
	if !slices.Contains(clean, split.Kind) && step.Kind != Pause {
		s.note(s.recorder.Unlisted(fmt.Sprintf("%s in a %s at %.3f s, while nodes may have merged", step.Kind, split.Kind, s.now().Seconds())))
	}
	s.inflict(ctx, step)
}

// bitOf says how a fault has bitten.
func bitOf(f *history.Fault) string {
	text := fmt.Sprintf("%d packets, %d operations under way as it began and %d begun meanwhile", f.Dropped, f.InFlight, f.Begun)
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
	err := errors.New("nothing was asked yet")
	for _, id := range s.asked.busiest() {
		where, lookErr := s.control.Locate(ctx, id)
		if lookErr != nil {
			err = lookErr
			continue
		}
		if slices.Contains(nodeNames(len(s.members)), where.Primary.Name) { // else one that leaves anyway
			step.Whom = []string{where.Primary.Name}
			return step, nil
		}
		err = fmt.Errorf("slot %d has the primary %q", where.Slot, where.Primary.Name)
	}
	return step, fmt.Errorf("%w: %w", errNobody, err)
}

// begin does a fault.
func (s *stage) begin(ctx context.Context, step Step) (wound, error) {
	switch step.Kind {
	case Kill:
		return s.kill(s.member(step.Whom[0]))
	case Pause:
		return s.pause(s.member(step.Whom[0]))
	case Restart, Rolling:
		return s.restart(s.member(step.Whom[0]), step.Kind), nil
	case Join:
		return s.join(ctx, s.guest(step.Whom[0]))
	case Skew:
		return s.skew(ctx, s.member(step.Whom[0]), step)
	case StopReading:
		return s.stopReading(ctx)
	}
	return s.disconnect(step)
}

// done is the missed of faults that are known to have happened.
func done(uint64) bool { return false }

func (s *stage) kill(m *member) (wound, error) {
	if m.Kill() == 0 {
		return wound{}, errDead
	}
	return wound{kind: history.Kill, whom: []string{m.Name}, missed: done, end: func(ctx context.Context) (uint64, error) {
		return 0, s.revive(ctx, m)
	}}, nil
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
	return wound{kind: history.Pause, whom: []string{m.Name}, missed: done,
		end: func(context.Context) (uint64, error) { return 0, m.Resume() }}, nil
}

// restart tells a node to leave in good order. What it has not handed over when it must end is lost with it: then it is a kill.
func (s *stage) restart(m *member, kind Kind) wound {
	w := wound{kind: string(kind), whom: []string{m.Name}, missed: done}
	whole := false
	if w.note, whole = drain(m); !whole {
		w.kind, w.from = history.Kill, s.now()
	}
	w.end = func(ctx context.Context) (uint64, error) { return 0, s.revive(ctx, m) }
	return w
}

// drain ends a process in good order. whole: it has handed everything over.
func drain(m *member) (note string, whole bool) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), drainLimit)
	defer cancel()
	err := m.Terminate(ctx)
	if err != nil || time.Since(began) > drainLimit/2 {
		m.Kill()
		return fmt.Sprintf("it did not hand everything over: %v", err), false
	}
	return fmt.Sprintf("drained for %.1f s", time.Since(began).Seconds()), true
}
