package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Results are what one run measured.
type Results struct {
	Began    time.Time `json:"began"`
	Seconds  float64   `json:"seconds"`
	Machine  string    `json:"machine"`
	Plan     string    `json:"plan"`
	Versions []string  `json:"versions"`
	// Settings differ from the products' defaults.
	Settings []string `json:"settings"`
	// Skipped are products that are not installed, with the command that installs them.
	Skipped []string `json:"skipped,omitempty"`
	Notes   []string `json:"notes,omitempty"`
	// Modes is the medians over the rounds, by mode and workload.
	Modes map[string]map[string]Figures `json:"modes"`
	// Rounds is what Modes are the medians of.
	Rounds map[string]map[string][]Figures `json:"rounds"`
}

// Add keeps one round's figures of a workload in a mode.
func (r *Results) Add(mode, workload string, f Figures) {
	if r.Modes == nil {
		r.Modes, r.Rounds = map[string]map[string]Figures{}, map[string]map[string][]Figures{}
	}
	if r.Modes[mode] == nil {
		r.Modes[mode], r.Rounds[mode] = map[string]Figures{}, map[string][]Figures{}
	}
	r.Rounds[mode][workload] = append(r.Rounds[mode][workload], f)
	r.Modes[mode][workload] = median(r.Rounds[mode][workload])
}

// Get is one figure; ok is false if it was not measured.
func (r *Results) Get(mode, workload, figure string) (value float64, ok bool) {
	value, ok = r.Modes[mode][workload][figure]
	return value, ok
}

// Merge takes over what another run measured and this one did not, modes by workload, and everything else of the other if
// there is nothing here.
func (r *Results) Merge(older Results) {
	for mode, workloads := range older.Rounds {
		for workload, rounds := range workloads {
			if _, measured := r.Modes[mode][workload]; measured {
				continue
			}
			for _, f := range rounds {
				r.Add(mode, workload, f)
			}
		}
	}
	for _, s := range older.Settings {
		if !slices.Contains(r.Settings, s) {
			r.Settings = append(r.Settings, s)
		}
	}
}

// JSON writes all of it.
func (r *Results) JSON(w io.Writer) error {
	document, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(document, '\n'))
	return err
}

// Read is the opposite of JSON.
func Read(document []byte) (r Results, err error) {
	if err = json.Unmarshal(document, &r); err != nil {
		err = fmt.Errorf("these are no figures: %w: name a file that -out wrote", err)
	}
	return r, err
}

// Label is a mode or a workload and what it is for a reader.
type Label struct{ Name, Text string }

// Print writes a table for each workload, and the targets.
func (r *Results) Print(w io.Writer, modes, workloads []Label) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, workload := range workloads {
		rows := r.rows(modes, workload.Name)
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(t, "\n%s: %s\n", workload.Name, workload.Text)
		for _, row := range append([][]string{heads(rows)}, cells(rows)...) {
			for _, cell := range row {
				fmt.Fprintf(t, "%s\t", cell)
			}
			fmt.Fprintln(t)
		}
	}
	fmt.Fprintln(t)
	for _, v := range r.Judge() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t\n", v.Target.Name, v.Measured(), v.Target.Asked(), v.Verdict)
	}
	for _, note := range slices.Concat(r.settings(), r.Skipped, r.Notes) {
		fmt.Fprintln(t, note)
	}
	return t.Flush()
}

// settings says what differs from the defaults.
func (r *Results) settings() []string {
	if len(r.Settings) == 0 {
		return []string{"Settings that differ from the defaults: none."}
	}
	var lines []string
	for _, s := range r.Settings {
		lines = append(lines, "Differs from the defaults: "+s+".")
	}
	return lines
}

// row is one mode's figures of a workload.
type row struct {
	mode    Label
	figures Figures
}

func (r *Results) rows(modes []Label, workload string) (rows []row) {
	for _, m := range modes {
		if f, ok := r.Modes[m.Name][workload]; ok {
			rows = append(rows, row{m, f})
		}
	}
	return rows
}
