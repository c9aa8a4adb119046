package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

const pageHead = `# Benchmarks

Written by ` + "`make figures`" + `; do not edit. First sessnode beside what a user would pick instead, then what happens to requests while
nodes die, join and restart.

Everything is a real process on loopback of one machine: servers, and the generators that make the requests, which share its
processors. Generators are the same program whatever keeps the sessions. Each request checks what it reads against what was
acknowledged last, and counts only when two nodes hold its change. Unless a mode says otherwise, no two requests in a row for
one session come from the same generator. In each round each product gets new servers and new sessions, the products take
turns, and after the round all values and copies are verified. Figures are medians of the rounds.

- *CPU* is the processor time of all processes, generators included, divided by the requests.
- *bytes* are what the loopback device carried, headers included, divided by the requests.
- *allocations* are those of the generators' processes; where a node is in the process, the node's too.
- With *open*, requests are due at half of the rate that 64 callers reached, whatever became of those before, and a latency
  counts from when the request was due.
- *GC pause* is how long the collector of garbage stops a process with a node in it. Each in its turn collects again and again
  while 1,500 requests/s are made.
- Redis and Olric keep a session as one value, in the plainest encoding there is: ten names and values with their lengths.

To repeat it: ` + "`make bench`" + `; a look within minutes: ` + "`make bench ARGS='-quick -only redis'`" + `; ` + "`make bench ARGS=-h`" + ` lists the rest. On a busy machine
figures mean little: look at the cores that others used, in the JSON of ` + "`-out`" + `.
`

// Page writes results as Markdown, with charts that are files beside it.
func (r *Results) Page(w io.Writer, modes, workloads []Label, curve bool) error {
	var s strings.Builder
	s.WriteString(pageHead)
	s.WriteString("\n## Targets\n\n| | measured | target | moonshot | |\n|---|---|---|---|---|\n")
	for _, j := range r.Judge() {
		fmt.Fprintf(&s, "| %s | %s | %s | %s | %s |\n", j.Target.Name, j.Measured(), j.Target.Asked(), j.Target.moonshot(), j.Verdict)
	}
	s.WriteString("\n## Pictures\n")
	charts := BarCharts()
	for _, file := range slices.Sorted(maps.Keys(charts)) {
		if len(r.rows(modes, charts[file].Workload)) > 0 {
			fmt.Fprintf(&s, "\n![%s](%s)\n", charts[file].Title, file)
		}
	}
	if curve {
		fmt.Fprintf(&s, "\n![Processor time per request on 3 to 15 nodes](%s)\n", NodesChart)
	}
	for _, workload := range workloads {
		r.section(&s, modes, workload)
	}
	s.WriteString("\n## Modes\n\n")
	for _, m := range modes {
		if _, measured := r.Modes[m.Name]; measured {
			fmt.Fprintf(&s, "- *%s*: %s\n", m.Name, m.Text)
		}
	}
	s.WriteString("\n## Settings\n\n")
	for _, line := range slices.Concat(r.settings(), r.Skipped, r.Notes) {
		fmt.Fprintf(&s, "- %s\n", line)
	}
	fmt.Fprintf(&s, "\n%s, %.0f s; %s; %s; %s.\n", r.Began.UTC().Format("2006-01-02 15:04 MST"), r.Seconds, r.Plan, r.Machine, strings.Join(r.Versions, "; "))
	_, err := io.WriteString(w, s.String())
	return err
}

func (t Target) moonshot() string {
	if t.Moonshot == 0 {
		return ""
	}
	t.Limit = t.Moonshot
	return t.Asked()
}

// section is the table of one workload.
func (r *Results) section(s *strings.Builder, modes []Label, workload Label) {
	rows := r.rows(modes, workload.Name)
	if len(rows) == 0 {
		return
	}
	head := heads(rows)
	fmt.Fprintf(s, "\n## %s\n%s.\n\n| %s |\n|%s\n", workload.Name, upper(workload.Text), strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, line := range cells(rows) {
		fmt.Fprintf(s, "| %s |\n", strings.Join(line, " | "))
	}
}

func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
