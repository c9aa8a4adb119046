package check

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sessnode/sessnode/chaos/history"
)

// How many random runs the properties are tried on.
const (
	seeds   = 40
	mutated = 20 // by each mutation
)

func TestNothingIsHeldAgainstACorrectStore(t *testing.T) {
	conflicts := 0
	for seed := range uint64(seeds) {
		h := simulate(seed)
		conflicts += len(h.Conflicts)
		for _, v := range judgeOf(t, h).All() {
			if v.Result != OK && v.Check != "available" {
				t.Errorf("seed %d: %s", seed, v.String())
			}
		}
	}
	if conflicts < seeds {
		t.Errorf("only %d conflicts in %d runs: the splits did not bite", conflicts, seeds)
	}
}

// mutation makes a valid history one that no correct store produces. It reports false if there is nothing to change.
type mutation struct {
	name  string
	check func(*Judge) Verdict // that must find it
	says  string               // in one of the violations
	apply func(m *mutant) bool
}

// mutant is a valid history about to be changed.
type mutant struct {
	h    *history.History
	j    *Judge // of the valid history
	dice *rand.Rand
}

// pick is one of the operations that a condition holds for, or nil.
func (m *mutant) pick(is func(o *history.Operation) bool) *history.Operation {
	var all []*history.Operation
	for i := range m.h.Operations {
		if o := &m.h.Operations[i]; is(o) {
			all = append(all, o)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[m.dice.IntN(len(all))]
}

// session is what the judge has indexed of one.
func (m *mutant) session(o *history.Operation) *session { return m.j.byName[o.Session] }

// undestroyed reports whether nobody may have ended the session of an operation.
func (m *mutant) undestroyed(o *history.Operation) bool {
	return len(m.session(o).mayCount(history.Destroy)) == 0
}

// eachFinal changes the final reads of a session.
func (m *mutant) eachFinal(session string, change func(f *history.Final)) {
	for i := range m.h.Finals {
		if f := &m.h.Finals[i]; f.Session == session && f.Gone == history.Here {
			f.Attrs = maps.Clone(f.Attrs)
			change(f)
		}
	}
}

// append adds an operation at the end of the run.
func (m *mutant) append(o history.Operation) {
	o.ID = len(m.h.Operations) + 1
	o.Invoked, o.Returned = m.h.Run.Length, m.h.Run.Length+1
	m.h.Operations = append(m.h.Operations, o)
}

// before is the acknowledged operation of a kind, on the same session, that a read outside of splits has to know of.
func (m *mutant) before(o *history.Operation, is func(a *history.Operation) bool) *history.Operation {
	if m.j.inSplit(o.Invoked, o.Returned) {
		return nil
	}
	for _, a := range m.session(o).ops {
		if a.Outcome == history.OK && a.Returned < o.Invoked && is(a) && !m.j.inSplit(a.Invoked, o.Returned) {
			return a
		}
	}
	return nil
}

var mutations = []mutation{
	{"an acknowledged element is dropped", (*Judge).Lost, "is not there at the end", func(m *mutant) bool {
		o := m.pick(func(o *history.Operation) bool {
			return o.Kind == history.Add && o.Outcome == history.OK && m.undestroyed(o) && !m.j.splitTouched(o)
		})
		if o != nil {
			m.eachFinal(o.Session, func(f *history.Final) { delete(f.Attrs, o.Attr) })
		}
		return o != nil
	}},
	{"an element of a split is dropped", (*Judge).Healed, "without being listed", func(m *mutant) bool {
		o := m.pick(func(o *history.Operation) bool {
			return o.Kind == history.Add && o.Outcome == history.OK && m.undestroyed(o) && m.j.splitTouched(o)
		})
		if o != nil {
			m.eachFinal(o.Session, func(f *history.Final) { delete(f.Attrs, o.Attr) })
		}
		return o != nil
	}},
	{"a conflict is kept quiet", (*Judge).Healed, "losses are listed", func(m *mutant) bool {
		w := m.j.windows
		rivals := func(a, b *history.Operation) bool {
			return slices.ContainsFunc(w, func(w window) bool {
				return w.holds(a) && w.holds(b) && w.side(a) >= 0 && w.side(b) >= 0 && w.side(a) != w.side(b)
			})
		}
		o := m.pick(func(o *history.Operation) bool {
			return o.Kind == history.Write && o.Outcome == history.OK && slices.ContainsFunc(m.session(o).ops, func(b *history.Operation) bool {
				return b.Kind == history.Write && b.Attr == o.Attr && b.Outcome == history.OK && rivals(o, b)
			})
		})
		if o == nil {
			return false
		}
		m.h.Conflicts = slices.DeleteFunc(m.h.Conflicts, func(c history.Conflict) bool { return c.Attr == o.Attr && c.Names(o.Session) })
		return true
	}},
	{"an element that stands is listed", (*Judge).Healed, "as given up", func(m *mutant) bool {
		o := m.pick(func(o *history.Operation) bool {
			return o.Kind == history.Add && o.Outcome == history.OK && m.undestroyed(o)
		})
		if o != nil {
			m.h.Conflicts = append(m.h.Conflicts, history.Conflict{Node: "n1", Session: o.Session, Attr: o.Attr, Lost: o.Stamp, Kept: "999999"})
		}
		return o != nil
	}},
	{"an increment is counted twice", (*Judge).Counters, "counted twice", func(m *mutant) bool {
		o := m.pick(func(o *history.Operation) bool { return o.Kind == history.Increment && o.Outcome == history.OK })
		if o == nil {
			return false
		}
		_, high := m.j.bounds(m.session(o).writes()[o.Attr], m.j.listed(m.session(o), o.Attr) > 0)
		m.eachFinal(o.Session, func(f *history.Final) { f.Attrs[o.Attr] = strconv.Itoa(high + 1) })
		return true
	}},
	{"two increments make one", (*Judge).Counters, "one of them is lost", func(m *mutant) bool {
		var a *history.Operation
		o := m.pick(func(o *history.Operation) bool { return o.Kind == history.Increment && o.Outcome == history.OK })
		if o != nil {
			a = m.before(o, func(a *history.Operation) bool { return a.Kind == history.Increment })
		}
		if a != nil {
			o.Output = a.Output
		}
		return a != nil
	}},
	{"all increments are lost", (*Judge).Counters, "increments are lost", func(m *mutant) bool {
		o := m.pick(func(o *history.Operation) bool {
			return o.Kind == history.Increment && o.Outcome == history.OK && !m.j.splitTouched(o)
		})
		if o != nil {
			m.eachFinal(o.Session, func(f *history.Final) { f.Attrs[o.Attr] = "0" })
		}
		return o != nil
	}},
	{"a session is brought back", (*Judge).Resurrected, "came back", func(m *mutant) bool {
		o := m.pick(func(o *history.Operation) bool { return o.Kind == history.Destroy && o.Outcome == history.OK })
		if o != nil {
			m.append(history.Operation{
				Call:   history.Call{Client: "late", Kind: history.Add, Session: o.Session, Attr: "x"},
				Answer: history.Answer{Outcome: history.OK},
			})
		}
		return o != nil
	}},
	{"a session is back at the end", (*Judge).Resurrected, "has it at the end", func(m *mutant) bool {
		i := slices.IndexFunc(m.h.Finals, func(f history.Final) bool {
			return f.Gone == history.Destroyed && len(m.j.byName[f.Session].ends()) > 0
		})
		if i >= 0 {
			m.h.Finals[i].Gone = history.Here
		}
		return i >= 0
	}},
	{"tokens are reordered", (*Judge).Locks, "was granted after token", func(m *mutant) bool {
		var a *history.Operation
		o := m.pick(func(o *history.Operation) bool { return o.Kind == history.Lock && o.Outcome == history.OK })
		if o != nil {
			a = m.before(o, func(a *history.Operation) bool { return a.Kind == history.Lock })
		}
		if a != nil {
			o.Granted, a.Granted = a.Granted, o.Granted
		}
		return a != nil
	}},
	{"the resource takes an old token", (*Judge).Locks, "after it had accepted", func(m *mutant) bool {
		o := m.pick(func(o *history.Operation) bool {
			return o.Kind == history.Use && o.Outcome == history.OK && slices.ContainsFunc(m.session(o).ops, func(b *history.Operation) bool {
				return b.Kind == history.Use && b.Outcome == history.OK && b.Token > o.Token
			})
		})
		if o != nil {
			m.append(*o)
		}
		return o != nil
	}},
	{"a load is stale", (*Judge).Stale, "a later load does not show it", func(m *mutant) bool {
		var a *history.Operation
		o := m.pick(func(o *history.Operation) bool {
			return o.Kind == history.Load && o.Outcome == history.OK && o.Gone == history.Here && m.undestroyed(o) && !m.session(o).expires()
		})
		if o != nil {
			a = m.before(o, func(a *history.Operation) bool { return a.Kind == history.Add })
		}
		if a != nil {
			o.Seen = maps.Clone(o.Seen)
			delete(o.Seen, a.Attr)
		}
		return a != nil
	}},
	{"a counter goes back", (*Judge).Stale, "went back", func(m *mutant) bool {
		var a *history.Operation
		o := m.pick(func(o *history.Operation) bool {
			return o.Kind == history.Read && o.Outcome == history.OK && o.Attr == "n"
		})
		if o != nil {
			a = m.before(o, func(a *history.Operation) bool { return a.Kind == history.Increment })
		}
		if a != nil {
			n, _ := strconv.Atoi(a.Output)
			o.Output = strconv.Itoa(n - 1)
		}
		return a != nil
	}},
	{"a register goes back", (*Judge).Linearizable, "no order of", func(m *mutant) bool {
		isWrite := func(attr string) func(o *history.Operation) bool {
			return func(o *history.Operation) bool { return o.Kind == history.Write && o.Attr == attr }
		}
		var old, newer *history.Operation
		o := m.pick(func(o *history.Operation) bool {
			return o.Kind == history.Read && o.Outcome == history.OK && o.Attr != "n"
		})
		if o != nil {
			newer = m.before(o, func(a *history.Operation) bool { return isWrite(o.Attr)(a) && m.before(a, isWrite(o.Attr)) != nil })
		}
		if newer != nil {
			old = m.before(newer, isWrite(o.Attr))
			o.Output = old.Input
		}
		return newer != nil
	}},
	{"a session expires early", (*Judge).Expiry, "should have lived", func(m *mutant) bool {
		o := m.pick(func(o *history.Operation) bool {
			if o.Kind != history.Load || o.Outcome != history.OK || o.Gone != history.Here || !m.session(o).expires() {
				return false
			}
			known := func(a *history.Operation) bool { return a.Returned <= o.Invoked && m.j.binds(a, o) }
			return m.before(o, isAccess) != nil && o.Returned < m.session(o).lives(known)
		})
		if o != nil {
			o.Gone, o.Seen = history.NotFound, nil
		}
		return o != nil
	}},
	{"a session never expires", (*Judge).Expiry, "should have expired", func(m *mutant) bool {
		i := slices.IndexFunc(m.h.Finals, func(f history.Final) bool {
			s := m.j.byName[f.Session]
			unlimited := func(o *history.Operation) bool { return m.j.latest(o) == never }
			return f.Gone == history.NotFound && s.expires() && !slices.ContainsFunc(s.ops, unlimited)
		})
		if i >= 0 {
			m.h.Finals[i].Gone = history.Here
		}
		return i >= 0
	}},
	{"one node has another answer", (*Judge).Converged, "says otherwise", func(m *mutant) bool {
		f := &m.h.Finals[m.dice.IntN(len(m.h.Finals))]
		f.Attrs = map[string]string{"other": "1"}
		return true
	}},
}

func TestEveryMutationIsFoundByItsChecker(t *testing.T) {
	var valid []*history.History
	for seed := range uint64(mutated) {
		valid = append(valid, simulate(seed))
	}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			applied := 0
			for seed, v := range valid {
				h := *v
				h.Operations, h.Finals, h.Conflicts = slices.Clone(v.Operations), slices.Clone(v.Finals), slices.Clone(v.Conflicts)
				if !m.apply(&mutant{&h, judgeOf(t, &h), rand.New(rand.NewPCG(uint64(seed), 1))}) {
					continue
				}
				applied++
				verdict := m.check(judgeOf(t, &h))
				if !slices.ContainsFunc(verdict.Violations, func(v Violation) bool { return strings.Contains(v.Text, m.says) }) {
					t.Errorf("seed %d: not found: %s", seed, verdict.String())
				}
			}
			if applied < mutated/4 {
				t.Errorf("it could be applied to %d of %d runs only", applied, mutated)
			}
		})
	}
}

func judgeOf(t *testing.T, h *history.History) *Judge {
	t.Helper()
	j, err := New(h, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return j
}
