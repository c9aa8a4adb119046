package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/sessnode/sessnode/chaos/history"
)

// register is one attribute and what was done to it outside of splits, in pieces that are judged on their own.
type register struct {
	name   string
	looked int                  // steps that lie outside of splits as a whole
	pieces [][]step             // those that are not known to be allowed
	all    []*history.Operation // every write that may have taken effect, and every read
	finals []*history.Operation
}

// step is an operation as the search sees it.
type step struct {
	op   *history.Operation // nil for the value at the beginning of a piece
	in   action
	call time.Duration
	end  time.Duration // never: it may take effect at any later moment, or not at all
}

// action is what a step does to the variable.
type action struct {
	write, read, forget bool
	value               string // empty: there is none
}

// state is the variable.
type state struct {
	known bool
	value string
}

// model is a variable that may be unknown until the first action.
var model = porcupine.Model{
	Init: func() any { return state{known: true} },
	Step: func(before, input, _ any) (bool, any) {
		s, a := before.(state), input.(action)
		switch {
		case a.forget:
			return true, state{}
		case a.write || !s.known:
			return true, state{true, a.value}
		}
		return s.value == a.value, s
	},
}

// registers is the registers of one session.
func (j *Judge) registers(s *session) []*register {
	byAttr := make(map[string][]*history.Operation)
	written := make(map[string]bool)
	for _, o := range s.ops {
		switch {
		case o.Kind == history.Read && o.Outcome == history.OK:
		case (o.Kind == history.Write || o.Kind == history.Create && o.Attr != "") && o.MayCount():
			written[o.Attr] = true
		default:
			continue
		}
		byAttr[o.Attr] = append(byAttr[o.Attr], o)
	}
	var all []*register
	for _, attr := range sortedKeys(byAttr) {
		if written[attr] && !s.counters()[attr] {
			all = append(all, j.register(s, attr, byAttr[attr]))
		}
	}
	return all
}

// register prepares the judgement of one attribute: its operations and final reads, cut at splits and crashes.
func (j *Judge) register(s *session, attr string, ops []*history.Operation) *register {
	r := &register{name: fmt.Sprintf("%s of session %s", attr, s.name), all: ops}
	for _, f := range s.finals {
		o := asOperation(f)
		o.Kind, o.Attr, o.Output = history.Read, attr, f.Attrs[attr]
		r.finals = append(r.finals, o)
	}
	breaks := j.breaks(ops)
	from := time.Duration(0)
	for i := 0; i <= len(breaks); i++ {
		until := never
		if i < len(breaks) {
			until = breaks[i].from
		}
		steps := j.between(r, from, until)
		if i > 0 {
			steps = append([]step{{in: action{forget: true}, call: -1, end: -1}}, steps...)
		}
		r.pieces = append(r.pieces, pieces(steps)...)
		if i < len(breaks) {
			from = breaks[i].until
		}
	}
	return r
}

// gap is a time in which nothing is asked of a register.
type gap struct{ from, until time.Duration }

// breaks is when a register may change without a write, ascending and apart: splits, and crashes and pauses
// after which nobody may hold an acknowledged write.
func (j *Judge) breaks(ops []*history.Operation) []gap {
	var all []gap
	for _, w := range j.windows {
		all = append(all, gap{w.from, w.settled})
	}
	over := time.Duration(0) // all harms until the one looked at
	for _, h := range j.harms {
		over = max(over, h.over)
		away := func(o *history.Operation) bool {
			return o.Kind != history.Read && o.Outcome == history.OK && j.away(o, h.at)
		}
		if slices.ContainsFunc(ops, away) {
			all = append(all, gap{h.at, later(over, j.limits.Restore)})
		}
	}
	slices.SortFunc(all, func(a, b gap) int { return int(a.from - b.from) })
	var apart []gap
	for _, g := range all {
		if last := len(apart) - 1; last >= 0 && g.from <= apart[last].until {
			apart[last].until = max(apart[last].until, g.until)
			continue
		}
		apart = append(apart, g)
	}
	return apart
}

// later is a moment after another; there is none after never.
func later(at, by time.Duration) time.Duration {
	if at == never {
		return never
	}
	return at + by
}

// between is the steps that lie in an interval.
func (j *Judge) between(r *register, from, until time.Duration) []step {
	var steps, partly []step
	for _, o := range append(slices.Clone(r.all), r.finals...) {
		latest := j.latest(o)
		switch {
		case o.Outcome == history.OK && o.Invoked >= from && latest < until:
			steps = append(steps, step{o, actionOf(o), o.Invoked, latest})
		case o.Kind != history.Read && latest >= from && o.Invoked < until:
			partly = append(partly, step{o, actionOf(o), max(o.Invoked, from), never})
		}
	}
	r.looked += len(steps)
	steps = append(steps, needed(partly, steps)...)
	slices.SortStableFunc(steps, func(a, b step) int { return int(a.call - b.call) })
	return steps
}

func actionOf(o *history.Operation) action {
	switch {
	case o.Kind != history.Read:
		return action{write: true, value: o.Input}
	case o.Gone != history.Here:
		return action{read: true}
	}
	return action{read: true, value: o.Output}
}

// needed is those of the writes that may have taken effect in an interval, or not, without which its reads cannot be
// explained: somebody read their value. Such a write has happened by the time that the first of these reads had ended,
// unless another write has the same value. What nobody read is as good as never written.
func needed(partly, steps []step) []step {
	writes, firstRead := make(map[string]int), make(map[string]time.Duration)
	for _, s := range slices.Concat(steps, partly) {
		if s.in.write {
			writes[s.in.value]++
		} else if at, ok := firstRead[s.in.value]; !ok || s.end < at {
			firstRead[s.in.value] = s.end
		}
	}
	var found []step
	for _, s := range partly {
		at, read := firstRead[s.in.value]
		if !read {
			continue
		}
		if writes[s.in.value] == 1 && at >= s.call {
			s.end = at
		}
		found = append(found, s)
	}
	return found
}

// pieces cuts steps after each one that overlaps no other: what it read or wrote is the value with which the next piece
// begins. A piece without any overlap has one order, and is left out if that is allowed.
func pieces(steps []step) [][]step {
	var all [][]step
	end := time.Duration(-1) // of all steps before the one looked at
	var piece []step
	for i, s := range steps {
		alone := s.call > end && (i+1 == len(steps) || steps[i+1].call > s.end) && !s.in.forget
		end = max(end, s.end)
		piece = append(piece, s)
		if alone || i+1 == len(steps) {
			if !allowed(piece) {
				all = append(all, piece)
			}
			piece = []step{{in: action{write: true, value: s.in.value}, call: s.call, end: s.end}}
		}
	}
	return all
}

// allowed reports whether no steps of a piece overlap and each does what it may.
func allowed(piece []step) bool {
	now, end := model.Init(), time.Duration(-2)
	for _, s := range piece {
		ok, next := model.Step(now, s.in, nil)
		if !ok || s.call <= end {
			return false
		}
		now, end = next, s.end
	}
	return true
}

// strangers reports values that were read, in a split or not, and that nobody had tried to write by then.
func (r *register) strangers(v *Verdict) {
	written := make(map[string]time.Duration)
	for _, o := range r.all {
		if first, ok := written[o.Input]; o.Kind != history.Read && (!ok || o.Invoked < first) {
			written[o.Input] = o.Invoked
		}
	}
	for _, o := range append(slices.Clone(r.all), r.finals...) {
		if o.Kind != history.Read || o.Output == "" {
			continue
		}
		if at, ok := written[o.Output]; !ok || at > o.Returned {
			v.violated(fmt.Sprintf("register %s: %s showed %q, which nobody had written", r.name, say(o), o.Output), o)
		}
	}
}
