package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMutantsFit: every mutant is still an edit of the source, and the seven rules without which nothing holds have one.
func TestMutantsFit(t *testing.T) {
	all, err := readMutants("testdata")
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{
		"fencing": true, "lease": true, "asking": true, "tombstones": true, "dedup": true, "merge": true, "boots": true,
	}
	for _, m := range all {
		delete(missing, m.name)
		if _, err := m.apply("../.."); err != nil {
			t.Error(err)
		}
	}
	if len(missing) > 0 {
		t.Errorf("there is no mutant for %v", missing)
	}
}

func TestParseMutant(t *testing.T) {
	got, err := parseMutant("m", "Rule: r\nGuarantee: G1\nLab: 4s kill primary 3s\nLab: 9s ring * 1s\n\n--- a/b.go\n \tx\n-\ty\n+\tz\n--- c.go\n-q\n")
	want := mutant{
		name: "m", rule: "r", guarantee: "G1", lab: []string{"4s kill primary 3s", "9s ring * 1s"},
		edits: []edit{{"a/b.go", "\tx\n\ty\n", "\tx\n\tz\n"}, {"c.go", "q\n", ""}},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(mutant{}, edit{})); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	for _, text := range []string{
		"", "Rule: r\nGuarantee: G1\n", "Rule: r\n\n--- a.go\n-x\n", "Guarantee: G1\n\n--- a.go\n-x\n",
		"Rule: r\nGuarantee: G1\nSeed: 1\n\n--- a.go\n-x\n", "Rule: r\nGuarantee: G1\n\n-x\n", "Rule: r\nGuarantee: G1\n\n--- a.go\nx\n",
		"Rule: r\nGuarantee: G1\n\n--- a.go\n-x\n\n",
	} {
		if _, err := parseMutant("m", text); !errors.Is(err, errMutant) {
			t.Errorf("%q: got %v, want errMutant", text, err)
		}
	}
}

// TestApply: what is changed must be whole lines, there once; two edits of a file both count.
func TestApply(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "a.go"), []byte("one\ntwo\nthree two\nfour\nfour\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		edits []edit
		want  string // or a part of the error
	}{
		{"the first line", []edit{{"a.go", "one\n", "1\n"}}, "1\ntwo\nthree two\nfour\nfour\n"},
		{"two edits", []edit{{"a.go", "one\n", ""}, {"a.go", "two\n", "2\n"}}, "2\nthree two\nfour\nfour\n"},
		{"gone", []edit{{"a.go", "five\n", ""}}, "is 0 times in a.go, want once; bring its lines"},
		{"twice", []edit{{"a.go", "four\n", ""}}, "is 2 times in a.go"},
		{"nothing", []edit{{"a.go", "", "x\n"}}, "times in a.go"},
		{"no file", []edit{{"b.go", "x\n", ""}}, "name the file that has the rule now"},
	}
	for _, tt := range tests {
		m := mutant{name: "m", edits: tt.edits}
		changed, err := m.apply(root)
		switch got := changed["a.go"]; {
		case err == nil && got != tt.want:
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		case err != nil && (!errors.Is(err, errMutant) || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestReadReplay(t *testing.T) {
	tests := []struct {
		out  string
		want finding
	}{
		{
			"--- FAIL: TestReplay (1.87s)\n    replay_test.go:36: seed 26:    7.0895s n3 and n4 serve slot 2\n           6.1s x\n        found by checkServer\n        to see\nFAIL\n",
			finding{caught: true, seed: 26, by: "checkServer", text: "n3 and n4 serve slot 2"},
		},
		{"panic: boom\n\ngoroutine 7\n", finding{caught: true, by: "panic", text: "boom"}},
		{"    replay_test.go:41: \"slot promoted\" never happened in 60 seeds\n", finding{caught: true, by: "TestReplay", text: `"slot promoted" never happened in 60 seeds`}},
		{"--- FAIL: TestTakesOver (0.00s)\n    drain_test.go:296: both serve\n        n1\nFAIL\n", finding{caught: true, by: "TestTakesOver", text: "both serve"}},
		{"no such flag\n", finding{text: "no such flag"}},
	}
	for _, tt := range tests {
		if d := cmp.Diff(tt.want, readReplay(tt.out), cmp.AllowUnexported(finding{})); d != "" {
			t.Errorf("%q (-want +got):\n%s", tt.out, d)
		}
	}
}

func TestReadLab(t *testing.T) {
	tests := []struct {
		out  string
		want finding
	}{
		{
			`{"verdicts": [{"guarantee": "G1", "check": "lost", "result": "ok"}, {"guarantee": "G6", "check": "counters", "result": "violated", "found": 2,
				"violations": [{"text": "too many"}]}, {"guarantee": "G4", "check": "stale", "result": "violated", "violations": [{"text": "old"}]}]}`,
			finding{caught: true, by: "G6 counters, G4 stale", text: "too many"},
		},
		{`{"verdicts": [{"guarantee": "G1", "check": "lost", "result": "undecided"}]}`, finding{text: "the lab found nothing"}},
		{`{"verdicts": [], "troubles": ["not one cluster"]}`, finding{caught: true, by: "not whole", text: "not one cluster"}},
	}
	for _, tt := range tests {
		got, err := readLab([]byte(tt.out))
		if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(finding{})); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tt.out, err, d)
		}
	}
	if _, err := readLab([]byte("killed")); err == nil {
		t.Error("what is no JSON is read")
	}
}
