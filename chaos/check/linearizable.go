package check

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/sessnode/sessnode/chaos/history"
)

// Linearizable judges G4: outside of splits each register, an attribute that is written and read as a whole, behaves like
// one variable that every operation reaches at one moment between its call and its answer. A write of unknown outcome may
// reach it once at any later moment, or never. Final reads count as reads. What a register is after a split, or after more
// crashes and pauses than there are copies, the next read says. If the search takes longer than Limits.Search, the register
// is undecided.
func (j *Judge) Linearizable() Verdict {
	v := &Verdict{Guarantee: G4, Check: "linearizable"}
	var all []*register
	for _, s := range j.sessions {
		if len(s.mayCount(history.Destroy)) == 0 && !s.expires() {
			all = append(all, j.registers(s)...)
		}
	}
	var pending []*register
	for _, r := range all {
		v.Looked += r.looked
		r.strangers(v)
		if len(r.pieces) > 0 {
			pending = append(pending, r)
		}
	}
	search(v, pending, j.limits.Search)
	return v.done()
}

// search looks for an order of every piece of some registers within a time. All of them share a third of it; those of
// which nothing is known by then share another.
func search(v *Verdict, registers []*register, limit time.Duration) {
	const parts = 3 // the third is for explanations
	hard := seek(v, registers, limit/parts)
	for _, r := range seek(v, hard, limit/parts) {
		v.open("register %s: the search for an order of its %d operations took too long: %s",
			r.name, r.looked, "raise the limit on the search, or let fewer clients use one register")
	}
}

// seek gives each register its share of a time, and returns those of which nothing is known after it.
func seek(v *Verdict, registers []*register, limit time.Duration) (open []*register) {
	share := limit / time.Duration(max(len(registers), 1))
	for _, r := range registers {
		switch order(r.pieces, share) {
		case porcupine.Ok:
		case porcupine.Illegal:
			r.explain(v, share)
		default:
			open = append(open, r)
		}
	}
	return open
}

// order looks for an order of each of some pieces, which do not concern each other.
func order(pieces [][]step, limit time.Duration) porcupine.CheckResult {
	parts := make([][]porcupine.Operation, len(pieces))
	for i, piece := range pieces {
		for _, s := range piece {
			parts[i] = append(parts[i], porcupine.Operation{Input: s.in, Call: int64(s.call), Return: int64(s.end)})
		}
	}
	m := model
	m.Partition = func([]porcupine.Operation) [][]porcupine.Operation { return parts }
	return porcupine.CheckOperationsTimeout(m, nil, max(limit, time.Millisecond))
}

// explain reports the first answer that no order allows, in the first piece that has none.
func (r *register) explain(v *Verdict, limit time.Duration) {
	piece := r.pieces[0]
	for _, p := range r.pieces {
		if order([][]step{p}, limit/time.Duration(len(r.pieces))) == porcupine.Illegal {
			piece = p
			break
		}
	}
	var ended []step
	for _, s := range piece {
		if s.end < never && s.op != nil {
			ended = append(ended, s)
		}
	}
	slices.SortStableFunc(ended, func(a, b step) int { return int(a.end - b.end) })
	at := sort.Search(len(ended), func(i int) bool {
		return order([][]step{until(piece, ended[i].end)}, limit/16) == porcupine.Illegal
	})
	if at == len(ended) {
		v.violated(fmt.Sprintf("register %s: no order of its operations explains them", r.name))
		return
	}
	last := ended[at]
	ops := []*history.Operation{last.op}
	for _, s := range slices.Backward(piece) { // the nearest before it
		if s.op != nil && s.op != last.op && s.call <= last.end {
			ops = append(ops, s.op)
		}
	}
	v.violated(fmt.Sprintf("register %s: %s with %q, and no order of the operations until then allows it",
		r.name, say(last.op), last.in.value), ops...)
}

// until is what had been called of a piece by a moment. What had not ended by then may take effect or not.
func until(piece []step, by time.Duration) []step {
	var begun []step
	for _, s := range piece {
		if s.call > by || s.end > by && s.in.read {
			continue
		}
		if s.end > by {
			s.end = never
		}
		begun = append(begun, s)
	}
	return begun
}
