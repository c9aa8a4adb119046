package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The lab's load: small enough that a mutant takes less than a minute, large enough that every rule is needed often.
const (
	labNodes = "3"
	labLoad  = "30s"
	labRate  = "300"
)

// lab builds sessnode with an overlay, none for the product as it is, and breaks a cluster of it by a schedule.
func (r *runner) lab(ctx context.Context, overlay, dir string, schedule []string) (finding, error) {
	binary := filepath.Join(dir, "sessnode")
	if err := r.goTool(ctx, "build", "-overlay", overlay, "-o", binary, "./cmd/sessnode"); err != nil {
		return finding{}, err
	}
	faults := filepath.Join(dir, "schedule.txt")
	if err := os.WriteFile(faults, []byte(strings.Join(schedule, "\n")+"\n"), 0o644); err != nil {
		return finding{}, err
	}
	began := time.Now()
	cmd := exec.CommandContext(ctx, r.sessnode, "chaos", "run", "-binary", binary, "-nodes", labNodes, "-duration", labLoad,
		"-rate", labRate, "-seed", "1", "-schedule", faults, "-out", filepath.Join(dir, "lab"), "-json")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it takes down what it made
	cmd.WaitDelay = time.Minute
	var trouble strings.Builder
	cmd.Stderr = &trouble
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return finding{}, ctx.Err()
	}
	f, readErr := readLab(out)
	if readErr != nil {
		return f, fmt.Errorf("run the lab: %w\n%s", errors.Join(err, readErr), trouble.String())
	}
	f.took = time.Since(began)
	return f, nil
}

// labResult is what of the lab's JSON says whether a guarantee was violated.
type labResult struct {
	Verdicts []struct {
		Guarantee  string
		Check      string
		Result     string
		Found      int
		Violations []struct{ Text string }
	}
	Troubles []string
}

// readLab reads the lab's verdicts. A cluster that did not become one again is a finding too.
func readLab(out []byte) (finding, error) {
	var r labResult
	if err := json.Unmarshal(out, &r); err != nil {
		return finding{}, err
	}
	var by, text []string
	for _, v := range r.Verdicts {
		if v.Result == "violated" && len(v.Violations) > 0 {
			by = append(by, fmt.Sprintf("%s %s", v.Guarantee, v.Check))
			text = append(text, v.Violations[0].Text)
		}
	}
	switch {
	case len(by) > 0:
		return finding{caught: true, by: strings.Join(by, ", "), text: text[0]}, nil
	case len(r.Troubles) > 0:
		return finding{caught: true, by: "not whole", text: r.Troubles[0]}, nil
	}
	return finding{text: "the lab found nothing"}, nil
}
