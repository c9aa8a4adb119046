package bench

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
	"time"
)

// Verdict says whether a figure is what was asked for.
type Verdict string

// The verdicts.
const (
	Met    Verdict = "met"
	Missed Verdict = "missed"
	Shown  Verdict = ""             // no target
	Absent Verdict = "not measured" // the nodes do not tell
)

// Figure is one number that a scenario measured.
type Figure struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit,omitempty"`
	Target  string  `json:"target,omitempty"` // such as "< 500"; in Unit
	Verdict Verdict `json:"verdict,omitempty"`
}

// Measured is the value as people read it.
func (f Figure) Measured() string {
	if f.Verdict == Absent {
		return "–"
	}
	digits := 0
	if f.Value != math.Trunc(f.Value) && math.Abs(f.Value) < 100 {
		digits = 2
	}
	text := strconv.FormatFloat(f.Value, 'f', digits, 64)
	if f.Unit != "" {
		text += " " + f.Unit
	}
	return text
}

// Result is what came out of one run of a scenario.
type Result struct {
	Scenario string    `json:"scenario"`
	Began    time.Time `json:"began"`
	Seconds  float64   `json:"seconds"` // that it took
	Version  string    `json:"version,omitempty"`
	Machine  string    `json:"machine,omitempty"`
	Busy     Busy      `json:"busy"`
	Figures  []Figure  `json:"figures"`
	Faults   []string  `json:"faults,omitempty"` // the first few requests that failed or were answered wrongly
}

// Missed counts the figures that missed their target.
func (r *Result) Missed() int {
	missed := 0
	for _, f := range r.Figures {
		if f.Verdict == Missed {
			missed++
		}
	}
	return missed
}

// Print writes the figures as a table.
func (r *Result) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\tmeasured\ttarget\tverdict\n", r.Scenario)
	for _, f := range r.Figures {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", f.Name, f.Measured(), f.Target, f.Verdict)
	}
	for _, fault := range r.Faults {
		fmt.Fprintf(t, "  ! %s\n", fault)
	}
	fmt.Fprintf(t, "  %v\n", r.Busy)
	return t.Flush()
}

// show adds a figure without a target.
func (r *Result) show(name string, value float64, unit string) {
	r.Figures = append(r.Figures, Figure{Name: name, Value: value, Unit: unit})
}

// absent adds a figure that could not be measured.
func (r *Result) absent(name, target string) {
	r.Figures = append(r.Figures, Figure{Name: name, Target: target, Verdict: Absent})
}

// under adds a figure that must be less than limit.
func (r *Result) under(name string, value float64, unit string, limit float64) {
	r.judge(name, value, unit, "<", limit, value < limit)
}

// atMost adds a figure that must not pass limit.
func (r *Result) atMost(name string, value float64, unit string, limit float64) {
	r.judge(name, value, unit, "≤", limit, value <= limit)
}

// atLeast adds a figure that must reach limit.
func (r *Result) atLeast(name string, value float64, unit string, limit float64) {
	r.judge(name, value, unit, "≥", limit, value >= limit)
}

// none adds a count that must be zero.
func (r *Result) none(name string, count int) {
	r.judge(name, float64(count), "", "=", 0, count == 0)
}

func (r *Result) judge(name string, value float64, unit, sign string, limit float64, ok bool) {
	verdict := Missed
	if ok {
		verdict = Met
	}
	if math.IsNaN(value) { // nothing was measured, and JSON has no word for it
		value = 0
	}
	target := sign + " " + Figure{Value: limit, Unit: unit}.Measured()
	r.Figures = append(r.Figures, Figure{name, value, unit, target, verdict})
}

// ms is a duration in milliseconds, to a hundredth.
func ms(d time.Duration) float64 { return math.Round(float64(d)/1e4) / 100 }

// seconds is a duration in seconds, to a hundredth.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*100) / 100 }
