package bench

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Replace is results with r in the place of an earlier one of the same scenario, in the order of Scenarios.
func Replace(results []Result, r Result) []Result {
	all := slices.DeleteFunc(slices.Clone(results), func(old Result) bool { return old.Scenario == r.Scenario })
	all = append(all, r)
	place := func(r Result) int {
		return slices.IndexFunc(Scenarios(), func(s Scenario) bool { return s.Name == r.Scenario })
	}
	slices.SortStableFunc(all, func(a, b Result) int { return place(a) - place(b) })
	return all
}

const reportHead = `# Benchmarks

Written by ` + "`make figures`" + `; do not edit. Nodes are real ` + "`sessnode serve`" + ` processes on loopback with default settings, and share the
machine with the load, which goes through the client library: each request reads a session's counter and commits one more.
Requests are due at a fixed rate, and a latency counts from when the request was due. Every answer is checked; at the end
every session is read once more. A verdict compares with the target, not with another product.

To repeat all of it: ` + "`make figures`" + `; one scenario: ` + "`make build && bin/sessnode bench NAME`" + `. On a busy machine latencies mean little.
`

// Report writes results as Markdown.
func Report(w io.Writer, results []Result) error {
	var b bytes.Buffer
	b.WriteString(reportHead)
	for _, r := range results {
		i := slices.IndexFunc(Scenarios(), func(s Scenario) bool { return s.Name == r.Scenario })
		if i < 0 {
			return fmt.Errorf("figures of an unknown scenario %q: measure again with this version", r.Scenario)
		}
		section(&b, Scenarios()[i], r)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func section(b *bytes.Buffer, s Scenario, r Result) {
	fmt.Fprintf(b, "\n## %s: `sessnode bench %s`\n%s\n\n", s.Title, s.Name, s.Text)
	fmt.Fprintf(b, "| | measured | target | verdict |\n|---|---|---|---|\n")
	for _, f := range r.Figures {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", f.Name, f.Measured(), f.Target, f.Verdict)
	}
	for _, fault := range r.Faults {
		fmt.Fprintf(b, "\nFault: %s\n", strings.ReplaceAll(fault, "|", "\\|"))
	}
	fmt.Fprintf(b, "\n%s, %.0f s; sessnode %s; %s; %v.\n", r.Began.UTC().Format("2006-01-02 15:04 MST"), r.Seconds, r.Version, r.Machine, r.Busy)
}
