package sessnode_test

import (
	"os"
	"strings"
	"testing"
)

// Every module that the product requires stands in the guide with its reason, and none that it does not.
func TestDependenciesAreExplained(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("docs/SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(guide), "## What it is built from")
	if !ok {
		t.Fatal("docs/SECURITY.md has no list of dependencies")
	}
	explained := map[string]bool{}
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, " | "); len(cells) == 3 && strings.HasPrefix(line, "| `") {
			explained[strings.Trim(cells[0], "| `")] = true
		}
	}
	for line := range strings.Lines(string(mod)) {
		fields := strings.Fields(line)
		if len(fields) != 2 || !strings.HasPrefix(line, "\t") {
			continue // indirect, or no requirement
		}
		if !explained[fields[0]] {
			t.Errorf("docs/SECURITY.md does not say what %s is for", fields[0])
		}
		delete(explained, fields[0])
	}
	for module := range explained {
		t.Errorf("docs/SECURITY.md explains %s, which is not required", module)
	}
}
