package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sessnode/sessnode/bench"
	"github.com/sessnode/sessnode/bench/peers/report"
	"github.com/sessnode/sessnode/bench/peers/rounds"
)

// page writes BENCHMARKS.md and its charts: into the directory that it is given, from the file that -out wrote and the one
// that 'sessnode bench -out' wrote.
func page(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: peers page DIR COMPARISON.json SCENARIOS.json")
	}
	dir := args[0]
	document, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	results, err := report.Read(document)
	if err != nil {
		return fmt.Errorf("%s: %w", args[1], err)
	}
	scenarios, err := scenarios(args[2])
	if err != nil {
		return err
	}
	for file, chart := range report.BarCharts() {
		err := write(filepath.Join(dir, file), func(b *bytes.Buffer) error { return results.Draw(b, chart, modeLabels()) })
		if err != nil {
			return err
		}
	}
	var curve bytes.Buffer
	drawn, err := results.DrawNodes(&curve, rounds.NodeCounts())
	if err == nil && drawn {
		err = os.WriteFile(filepath.Join(dir, report.NodesChart), curve.Bytes(), 0o666)
	}
	if err != nil {
		return err
	}
	return write(filepath.Join(dir, "BENCHMARKS.md"), func(b *bytes.Buffer) error {
		err := results.Page(b, modeLabels(), workloadLabels(), drawn)
		b.WriteString(scenarios)
		return err
	})
}

func write(file string, content func(*bytes.Buffer) error) error {
	var b bytes.Buffer
	if err := content(&b); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o666)
}

// scenarios is the second half of the page, a level deeper than where it stands alone.
func scenarios(file string) (string, error) {
	document, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var results []bench.Result
	if err := json.Unmarshal(document, &results); err != nil {
		return "", fmt.Errorf("%s holds no figures of scenarios: %w", file, err)
	}
	var b bytes.Buffer
	if err := bench.Report(&b, results); err != nil {
		return "", err
	}
	text := strings.Replace(b.String(), "# Benchmarks", "# While nodes die, join and restart", 1)
	return "\n" + strings.ReplaceAll("#"+strings.ReplaceAll(text, "\n## ", "\n### "), "Written by `make figures`; do not edit. ", ""), nil
}
