package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// A member that did not answer at first is untold, also when it is taken for dead before the others are told.
func TestForgetNamesTheUntold(t *testing.T) {
	got := untold([]string{"n1"}, []string{"n1", "n2", "n3"}, []string{"n1", "n3"})
	if !slices.Equal(got, []string{"n2", "n3"}) {
		t.Errorf("untold are %v", got)
	}
	var out, complaint bytes.Buffer
	p := &program{out: &out, err: &complaint}
	err := p.printForgotten(forgotten{Name: "n4", Told: []string{"n1"}, Untold: got, Missing: []string{"n5"}}, false)
	if exitCode(err) != exitNetwork || !strings.Contains(err.Error(), "n2, n3: run this again") {
		t.Errorf("error is %v", err)
	}
	if out.String() != "n4 is forgotten by n1\n" || !strings.Contains(complaint.String(), "gone too: n5;") {
		t.Errorf("printed %q and %q", out.String(), complaint.String())
	}
	if err := p.printForgotten(forgotten{Name: "n4", Told: []string{"n1"}}, true); err != nil {
		t.Error(err)
	}
}
