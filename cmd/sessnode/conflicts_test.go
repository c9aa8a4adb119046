package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/node"
)

func TestConflictsOfAllMembers(t *testing.T) {
	at := func(s int) time.Time { return time.Date(2026, 3, 1, 12, 0, s, 250e6, time.UTC) }
	lists := []node.Conflicts{
		{Node: "n1", Total: 7, Kept: []node.ConflictStatus{
			{Found: at(3), Slot: 5, App: "shop", Session: "tagtag.0…", Attribute: "cart", LostWritten: at(1), KeptWritten: at(2), Why: "later"},
		}},
		{Node: "n2", Total: 1, Kept: []node.ConflictStatus{{Found: at(1), App: "shop", Session: "tagtag.1…", Why: "destroyed"}}},
	}
	report := reportOf(lists)
	if report.Total != 8 || len(report.Conflicts) != 2 || report.Conflicts[0].Node != "n2" {
		t.Errorf("report is %+v", report)
	}
	var out bytes.Buffer
	if err := printConflicts(&out, report); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if !strings.HasPrefix(lines[0], "WHEN") || !strings.Contains(lines[1], "n2    0     shop/tagtag.1…  -  ") ||
		!strings.Contains(lines[2], `n1    5     shop/tagtag.0…  "cart"`) || !strings.HasSuffix(lines[2], "later") {
		t.Errorf("printed\n%s", out.String())
	}
	if !strings.HasSuffix(out.String(), "\n8 in all; the oldest 6 are not kept\n") {
		t.Errorf("it ends with %q", lines[len(lines)-2])
	}
}
