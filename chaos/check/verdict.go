package check

import (
	"fmt"

	"github.com/sessnode/sessnode/chaos/history"
)

// Guarantee names a promise to the user.
type Guarantee string

// The guarantees that checkers judge.
const (
	G1  Guarantee = "G1"
	G2  Guarantee = "G2"
	G3  Guarantee = "G3"
	G4  Guarantee = "G4"
	G5  Guarantee = "G5"
	G6  Guarantee = "G6"
	G9  Guarantee = "G9"
	G12 Guarantee = "G12"
	// NoGuarantee is that of a verdict about limits that the user set.
	NoGuarantee Guarantee = ""
)

var titles = map[Guarantee]string{
	G1: "honest acknowledgement", G2: "a destroyed session stays destroyed", G3: "fencing", G4: "per-session order",
	G5: "heal without loss", G6: "exactly once", G9: "expiry", G12: "rejoin",
}

// Title is the guarantee in words; empty for NoGuarantee.
func (g Guarantee) Title() string { return titles[g] }

// Result is how a judgement ended.
type Result string

// The results.
const (
	OK        Result = "ok"
	Violated  Result = "violated"
	Undecided Result = "undecided"        // no violation was found, and not everything could be judged; Open says why
	Nothing   Result = "nothing to judge" // the history has no operation that the checker is about
)

// What a verdict keeps; the rest is only counted.
const (
	violationsMax = 20
	operationsMax = 8
	openMax       = 10
)

// Violation is one thing that no correct store does.
type Violation struct {
	Text       string              `json:"text"`
	Operations []history.Operation `json:"operations"` // those concerned, at most 8
}

// Verdict is what one checker found.
type Verdict struct {
	Guarantee  Guarantee   `json:"guarantee,omitempty"`
	Check      string      `json:"check"`
	Result     Result      `json:"result"`
	Looked     int         `json:"looked"`               // operations, or other facts, judged
	Excused    int         `json:"excused,omitempty"`    // broken by more crashes than the copies allow for
	Found      int         `json:"found,omitempty"`      // violations
	Violations []Violation `json:"violations,omitempty"` // the first 20
	Open       []string    `json:"open,omitempty"`       // what could not be judged, and why; the first 10
}

// String is the verdict in one line.
func (v *Verdict) String() string {
	name := v.Check
	if v.Guarantee != NoGuarantee {
		name = fmt.Sprintf("%s %s (%s)", v.Guarantee, v.Guarantee.Title(), v.Check)
	}
	switch v.Result {
	case Violated:
		return fmt.Sprintf("%s: %s %d times, first: %s", name, v.Result, v.Found, v.Violations[0].Text)
	case Undecided:
		return fmt.Sprintf("%s: %s: %s", name, v.Result, v.Open[0])
	case Nothing:
		return fmt.Sprintf("%s: %s", name, v.Result)
	}
	return fmt.Sprintf("%s: %s, %d looked at", name, v.Result, v.Looked)
}

// violated adds a violation; operations that are nil are left out.
func (v *Verdict) violated(text string, ops ...*history.Operation) {
	v.Found++
	if v.Found > violationsMax {
		return
	}
	broken := Violation{Text: text}
	for _, o := range ops {
		if o != nil && len(broken.Operations) < operationsMax {
			broken.Operations = append(broken.Operations, *o)
		}
	}
	v.Violations = append(v.Violations, broken)
}

// open notes something that cannot be judged.
func (v *Verdict) open(format string, args ...any) {
	if len(v.Open) < openMax {
		v.Open = append(v.Open, fmt.Sprintf(format, args...))
	}
}

// done is the verdict with its result.
func (v *Verdict) done() Verdict {
	switch {
	case v.Found > 0:
		v.Result = Violated
	case len(v.Open) > 0:
		v.Result = Undecided
	case v.Looked == 0:
		v.Result = Nothing
	default:
		v.Result = OK
	}
	return *v
}

// say describes an operation as an operator reads it.
func say(o *history.Operation) string {
	what := string(o.Kind)
	switch {
	case o.Attr != "" && o.Input != "":
		what += fmt.Sprintf(" %s=%s", o.Attr, o.Input)
	case o.Attr != "":
		what += " " + o.Attr
	}
	name := ""
	if o.ID > 0 {
		name = fmt.Sprintf("operation %d, ", o.ID)
	}
	return fmt.Sprintf("%s by %s (%s%.3f–%.3f s)", what, o.Client, name, o.Invoked.Seconds(), o.Returned.Seconds())
}
