package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sessnode/sessnode/chaos/lab"
)

// hand does to a cluster what orders say, one after another.
type hand struct {
	*stage        // once up is closed
	name, network string
	dir           string
	pid           int
	up            chan struct{} // closed when orders can be done
	over          chan struct{} // closed when the lab ends
	turn          chan struct{} // holds one: somebody changes something

	mu    sync.Mutex // guards what follows
	under []*held
}

// held is a fault that holds until somebody ends it.
type held struct {
	step   Step
	since  time.Time
	wound  wound
	faults []*lab.Fault // of the network, that it consists of
}

// handle answers one request.
func (h *hand) handle(ctx context.Context, request []byte) []byte {
	var a Answer
	o, err := parseOrder(request)
	if err == nil {
		a, err = h.obey(ctx, o)
	}
	if err != nil {
		a.Error, a.Bad = err.Error(), errors.Is(err, ErrOrder)
	}
	text, err := json.Marshal(a)
	if err != nil {
		return []byte(`{"error":"the answer cannot be written"}`)
	}
	return text
}

// obey does an order when the cluster is up, and waits if it says so.
func (h *hand) obey(ctx context.Context, o Order) (a Answer, err error) {
	select {
	case <-h.up:
	case <-h.over:
		return a, errors.New("the lab is ending")
	case <-ctx.Done():
		return a, fmt.Errorf("the cluster is not up yet: %w", ctx.Err())
	}
	if o.Do == Show {
		s := h.show(ctx)
		return Answer{Lab: &s}, nil
	}
	if a.Said, err = h.inTurn(ctx, o); err != nil || !o.Wait {
		return a, err
	}
	began := time.Now()
	err = h.awaitWhole(ctx, wholeLimit)
	if err == nil {
		a.Said = append(a.Said, fmt.Sprintf("the nodes are one cluster with all copies, after %.1f s", time.Since(began).Seconds()))
	}
	return a, err
}

// inTurn does an order when those before it are done, and tells whoever watches the lab.
func (h *hand) inTurn(ctx context.Context, o Order) ([]string, error) {
	select {
	case h.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("another order is still being done: %w", ctx.Err())
	}
	defer func() { <-h.turn }()
	said, err := h.do(ctx, o)
	for _, line := range said {
		h.say("%s", line)
	}
	return said, err
}

// do does an order that changes something, and says what it did. The caller has the turn.
func (h *hand) do(ctx context.Context, o Order) ([]string, error) {
	switch o.Do {
	case Heal:
		return h.heal(ctx, o.Whom)
	case Resume, Start:
		names, err := fullNames(o.Whom, len(h.members))
		if err != nil {
			return nil, err
		}
		if len(names) != 1 || !slices.Contains(nodeNames(len(h.members)), names[0]) {
			return nil, fmt.Errorf("%w: name one node", ErrOrder)
		}
		if o.Do == Start {
			return h.start(h.member(names[0]))
		}
		f := h.holds(names[0], Pause)
		if f == nil {
			return nil, fmt.Errorf("%w: %s is not paused", ErrOrder, names[0])
		}
		return h.end(ctx, f)
	}
	step, err := o.step(len(h.members))
	if err == nil {
		err = h.admits(&step)
	}
	if err != nil {
		return nil, err
	}
	return h.hurtBy(ctx, step)
}

// admits says why a fault cannot begin now.
func (h *hand) admits(s *Step) error {
	if !slices.Contains([]Kind{Kill, Pause, Pull}, s.Kind) {
		return nil
	}
	m := h.member(s.Whom[0])
	switch {
	case s.Kind != Pull && m.PID() == 0:
		return fmt.Errorf("%w: %s is dead: start it first", ErrOrder, m.Name)
	case s.Kind != Kill && h.holds(m.Name, s.Kind) != nil:
		return fmt.Errorf("%w: %s is under %s already", ErrOrder, m.Name, s.Kind)
	}
	return nil
}

// hurtBy begins a fault as a run does, and keeps it.
func (h *hand) hurtBy(ctx context.Context, step Step) ([]string, error) {
	before := h.lab.Faults()
	w, err := h.begin(ctx, step)
	if err != nil {
		return nil, err
	}
	f := &held{step: step, since: time.Now(), wound: w}
	f.faults = slices.DeleteFunc(h.lab.Faults(), func(l *lab.Fault) bool { return slices.Contains(before, l) })
	h.mu.Lock()
	defer h.mu.Unlock()
	if step.Kind == Kill { // whoever is dead is not paused
		h.under = slices.DeleteFunc(h.under, func(f *held) bool { return f.step.Kind == Pause && f.concerns(step.Whom) })
	}
	h.under = append(h.under, f)
	return []string{step.sentence()}, nil
}

// holding are the faults that hold.
func (h *hand) holding() []*held {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.under)
}

// holds is a fault of that kind of a node, nil if there is none.
func (h *hand) holds(node string, kind Kind) *held {
	for _, f := range h.holding() {
		if f.step.Kind == kind && f.concerns([]string{node}) {
			return f
		}
	}
	return nil
}

// concerns reports whether a fault names one of some places.
func (f *held) concerns(names []string) bool {
	return slices.ContainsFunc(slices.Concat(f.step.Whom, f.step.Against), func(name string) bool { return slices.Contains(names, name) })
}

func (h *hand) forget(f *held) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.under = slices.DeleteFunc(h.under, func(other *held) bool { return other == f })
}

// end ends a fault, but for the death of a node. One that cannot be ended is kept.
func (h *hand) end(ctx context.Context, f *held) ([]string, error) {
	bitten, err := f.wound.end(ctx)
	if err != nil {
		return nil, fmt.Errorf("end %s: %w", f.step.sentence(), err)
	}
	h.forget(f)
	text := "ended: " + f.step.sentence()
	if len(f.faults) > 0 {
		text += fmt.Sprintf(", which bit %d packets", bitten)
	}
	return []string{text}, nil
}

// start starts a node that is dead, whoever ended it.
func (h *hand) start(m *member) ([]string, error) {
	if m.PID() != 0 {
		return nil, fmt.Errorf("%w: %s runs", ErrOrder, m.Name)
	}
	if err := m.Start(); err != nil {
		return nil, err
	}
	for _, kind := range []Kind{Kill, Pause} { // the latter if it died meanwhile
		if f := h.holds(m.Name, kind); f != nil {
			h.forget(f)
		}
	}
	return []string{"started " + m.Name}, nil
}

// heal ends the faults that concern some nodes, or all faults, and starts those of the nodes that are dead.
func (h *hand) heal(ctx context.Context, given []string) ([]string, error) {
	names, err := fullNames(given, len(h.members))
	if err != nil {
		return nil, err
	}
	all := len(names) == 0 || slices.Contains(names, Everybody)
	var said []string
	var errs []error
	note := func(lines []string, err error) {
		said, errs = append(said, lines...), append(errs, err)
	}
	for _, f := range h.holding() {
		if f.step.Kind != Kill && (all || f.concerns(names)) {
			note(h.end(ctx, f))
		}
	}
	for _, m := range h.members {
		if m.PID() == 0 && (all || slices.Contains(names, m.Name)) {
			note(h.start(m))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return said, err
	}
	if len(said) == 0 {
		said = []string{"there was nothing to heal"}
	}
	return said, nil
}
