package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/sessnode/sessnode/chaos/check"
	"github.com/sessnode/sessnode/chaos/history"
)

// The files of a run, in its directory.
const (
	HistoryFile  = "history.jsonl"
	VerdictsFile = "verdicts.json"
	ScheduleFile = "schedule.txt"
	ReportFile   = "report.html"
)

// Result is what came out of a run.
type Result struct {
	Run          history.Run        `json:"run"`
	Network      string             `json:"network,omitempty"`
	Schedule     Schedule           `json:"schedule,omitempty"`
	Verdicts     []check.Verdict    `json:"verdicts"`
	Availability check.Availability `json:"availability"`
	Skipped      []string           `json:"skipped,omitempty"`  // faults that were not done, and why
	Troubles     []string           `json:"troubles,omitempty"` // what else went wrong
	Early        bool               `json:"early,omitempty"`    // the load was ended before its time
	LeftOut      int64              `json:"left_out,omitempty"` // actions that came due with too many under way
	CutAnswers   int                `json:"cut_answers,omitempty"`
	Stalls       int                `json:"stalls,omitempty"`  // times that the machine did not let this process run for long
	Stalled      time.Duration      `json:"stalled,omitempty"` // the longest of them
	Took         time.Duration      `json:"took"`
	Logs         string             `json:"logs,omitempty"` // directory of the nodes' logs, if they were kept

	history *history.History
}

// Violations counts the verdicts that are violations.
func (r *Result) Violations() int { return r.count(check.Violated) }

// Undecided counts the verdicts that are none: something could not be judged.
func (r *Result) Undecided() int { return r.count(check.Undecided) }

func (r *Result) count(wanted check.Result) int {
	n := 0
	for i := range r.Verdicts {
		if r.Verdicts[i].Result == wanted {
			n++
		}
	}
	return n
}

// bit reports whether any fault has hurt anything.
func (r *Result) bit() bool {
	return slices.ContainsFunc(r.history.Faults, func(f history.Fault) bool { return f.Bit() })
}

// JudgeHistory judges a history that was saved. There is no schedule in the result.
func JudgeHistory(h *history.History, l check.Limits) (*Result, error) {
	j, err := check.New(h, l)
	if err != nil {
		return nil, err
	}
	return &Result{Run: h.Run, Verdicts: j.All(), Availability: j.Availability(), history: h}, nil
}

// Save writes history, verdicts, schedule and report into a directory.
func (r *Result) Save(dir string) error {
	return errors.Join(
		write(filepath.Join(dir, HistoryFile), r.history.Save),
		write(filepath.Join(dir, VerdictsFile), func(w io.Writer) error {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			return e.Encode(r)
		}),
		write(filepath.Join(dir, ScheduleFile), func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "# seed %d\n%v", r.Run.Seed, r.Schedule)
			return err
		}),
		write(filepath.Join(dir, ReportFile), r.Report),
	)
}

// write makes a file of what is written to it.
func write(name string, put func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(put(f), f.Close())
}

// Print writes the result for people.
func (r *Result) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	r.printVerdicts(t)
	r.printFaults(t)
	r.printService(t)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, v := range r.Verdicts {
		printDetails(w, &v)
	}
	r.printDoubts(w)
	_, err := fmt.Fprintln(w, r.Summary())
	return err
}

func (r *Result) printVerdicts(w io.Writer) {
	fmt.Fprintln(w, "GUARANTEE\tCHECK\tVERDICT\tLOOKED AT\tVIOLATIONS\tEXCUSED")
	for _, v := range r.Verdicts {
		name := "limits on gaps"
		if v.Guarantee != check.NoGuarantee {
			name = fmt.Sprintf("%s %s", v.Guarantee, v.Guarantee.Title())
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\n", name, v.Check, v.Result, v.Looked, v.Found, v.Excused)
	}
}

func (r *Result) printFaults(w io.Writer) {
	fmt.Fprintln(w, "\nFAULT\tWHOM\tFROM\tUNTIL\tLONGEST GAP\tHOW IT BIT")
	for _, f := range r.Availability.Faults {
		fmt.Fprintf(w, "%s\t%s\t%.1f s\t%.1f s\t%s\t%s\n", f.Fault.Kind, shortList(f.Fault.Whom), f.Fault.From.Seconds(),
			f.Fault.Until.Seconds(), gapText(f.Longest), bitOf(&f.Fault))
	}
}

func (r *Result) printService(w io.Writer) {
	fmt.Fprintln(w, "\nWORKLOAD\tASKED\tANSWERED\tLONGEST GAP")
	for _, s := range r.Availability.Workloads {
		fmt.Fprintf(w, "%s\t%d\t%.2f %%\t%s\n", s.Workload, s.Asked, 100*float64(s.Answered)/float64(max(s.Asked, 1)), gapText(s.Longest))
	}
}

func gapText(g check.Gap) string {
	switch {
	case g.Length == 0:
		return "-"
	case g.Ended:
		return fmt.Sprintf("%.2f s", g.Length.Seconds())
	}
	return fmt.Sprintf("%.2f s, to the end", g.Length.Seconds())
}

// shortList is names, the first few of many.
func shortList(names []string) string {
	const shown = 3
	text := ""
	for i, name := range names {
		if i == shown {
			return fmt.Sprintf("%s and %d more", text, len(names)-shown)
		}
		if i > 0 {
			text += ", "
		}
		text += name
	}
	return text
}

// printDetails writes the first violations, or what could not be judged.
func printDetails(w io.Writer, v *check.Verdict) {
	const shown = 3
	if v.Result == check.Violated {
		fmt.Fprintf(w, "\nVIOLATED %s (%s), %d times:\n", v.Guarantee, v.Check, v.Found)
	}
	for i, broken := range v.Violations {
		if i < shown {
			fmt.Fprintf(w, "  %s\n", broken.Text)
		}
	}
	if len(v.Open) > 0 {
		fmt.Fprintf(w, "\nUNDECIDED %s (%s):\n", v.Guarantee, v.Check)
	}
	for i, why := range v.Open {
		if i < shown {
			fmt.Fprintf(w, "  %s\n", why)
		}
	}
}

// printDoubts says what makes the verdicts weaker than they look.
func (r *Result) printDoubts(w io.Writer) {
	fmt.Fprintln(w)
	for _, text := range r.doubts() {
		fmt.Fprintf(w, "! %s\n", text)
	}
}

func (r *Result) doubts() []string {
	all := append([]string(nil), r.Troubles...)
	for _, v := range r.Verdicts {
		if v.Result == check.Nothing && v.Guarantee != check.NoGuarantee {
			all = append(all, fmt.Sprintf("%s (%s): there was NOTHING TO JUDGE", v.Guarantee, v.Check))
		}
	}
	for _, f := range r.Availability.Faults {
		if !f.Fault.Bit() {
			all = append(all, fmt.Sprintf("%s of %s at %.1f s did not bite", f.Fault.Kind, shortList(f.Fault.Whom), f.Fault.From.Seconds()))
		}
	}
	for _, text := range r.Skipped {
		all = append(all, "left out: "+text)
	}
	if r.LeftOut > 0 {
		all = append(all, fmt.Sprintf("%d actions were left out, because %d were under way", r.LeftOut, underWayMax))
	}
	if r.CutAnswers > 0 {
		all = append(all, fmt.Sprintf("what %d reads saw did not fit into the history", r.CutAnswers))
	}
	if r.Stalls > 0 {
		all = append(all, fmt.Sprintf("the machine was too busy to let this process run, %d times, for up to %v: nodes may have taken each "+
			"other for dead without any fault", r.Stalls, r.Stalled.Round(time.Millisecond)))
	}
	if r.Early {
		all = append(all, fmt.Sprintf("the run was ended early, after %.1f s", r.Run.Length.Seconds()))
	}
	return all
}

// Summary is the result in a sentence.
func (r *Result) Summary() string {
	again := fmt.Sprintf("seed %d", r.Run.Seed)
	switch violated, undecided := r.Violations(), r.Undecided(); {
	case violated > 0:
		return fmt.Sprintf("VIOLATION: %d of %d checks found one (%s)", violated, len(r.Verdicts), again)
	case undecided > 0:
		return fmt.Sprintf("no violation found, but %d of %d checks are UNDECIDED (%s)", undecided, len(r.Verdicts), again)
	}
	return fmt.Sprintf("no violation (%s)", again)
}
