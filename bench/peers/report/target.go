package report

import (
	"math"
	"strconv"
)

// Target is what a figure, or a ratio of two, should be.
type Target struct {
	Name     string
	AtMost   bool // else at least
	Limit    float64
	Moonshot float64 // where there is more to reach for; zero: nothing
	Unit     string
	value    func(r *Results) (float64, bool)
}

// Verdict is what became of a target.
type Verdict string

// The verdicts.
const (
	Met      Verdict = "met"
	Moonshot Verdict = "moonshot"
	Missed   Verdict = "missed"
	Absent   Verdict = "not measured"
)

// Judgement is a target and what was measured.
type Judgement struct {
	Target  Target
	Value   float64
	Verdict Verdict
}

// Judge compares results with all targets.
func (r *Results) Judge() []Judgement {
	var all []Judgement
	for _, t := range targets() {
		value, ok := t.value(r)
		all = append(all, Judgement{t, value, t.verdict(value, ok)})
	}
	return all
}

// MissedTargets are those that were measured and missed.
func (r *Results) MissedTargets() (missed []Judgement) {
	for _, j := range r.Judge() {
		if j.Verdict == Missed {
			missed = append(missed, j)
		}
	}
	return missed
}

func (t Target) verdict(value float64, measured bool) Verdict {
	switch {
	case !measured || math.IsNaN(value):
		return Absent
	case !t.keeps(value, t.Limit):
		return Missed
	case t.Moonshot != 0 && t.keeps(value, t.Moonshot):
		return Moonshot
	}
	return Met
}

func (t Target) keeps(value, limit float64) bool {
	if t.AtMost {
		return value <= limit
	}
	return value >= limit
}

// Asked is the target for a reader.
func (t Target) Asked() string {
	sign := "≥ "
	if t.AtMost {
		sign = "≤ "
	}
	return sign + number(t.Limit) + t.Unit
}

// Measured is the value for a reader.
func (j Judgement) Measured() string {
	if j.Verdict == Absent {
		return "–"
	}
	return number(j.Value) + j.Target.Unit
}

// number has three significant digits.
func number(v float64) string {
	if math.Abs(v) >= 100 {
		return whole(v)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// least is a target whose figure in one mode should be at least limit times that of the other.
func least(name, mode, other, workload, figure string, limit, moonshot float64) Target {
	return Target{Name: name, Limit: limit, Moonshot: moonshot, Unit: " ×", value: ratio(mode, other, workload, figure)}
}

// most is the same for at most.
func most(name, mode, other, workload, figure string, limit, moonshot float64) Target {
	t := least(name, mode, other, workload, figure, limit, moonshot)
	t.AtMost = true
	return t
}

// bound is a target of a figure itself, which is divided by scale.
func bound(name, mode, workload, figure string, limit, moonshot, scale float64, unit string) Target {
	return Target{Name: name, AtMost: true, Limit: limit, Moonshot: moonshot, Unit: unit, value: func(r *Results) (float64, bool) {
		v, ok := r.Get(mode, workload, figure)
		return v / scale, ok
	}}
}

func ratio(mode, other, workload, figure string) func(*Results) (float64, bool) {
	return func(r *Results) (float64, bool) {
		a, ok := r.Get(mode, workload, figure)
		b, okOther := r.Get(other, workload, figure)
		return a / b, ok && okOther && b != 0
	}
}

// spread is a target of two figures of one workload.
func spread(name, mode, workload, figure, base string, limit float64) Target {
	return Target{Name: name, AtMost: true, Limit: limit, Unit: " ×", value: func(r *Results) (float64, bool) {
		a, ok := r.Get(mode, workload, figure)
		b, okBase := r.Get(mode, workload, base)
		return a / b, ok && okBase && b != 0
	}}
}
