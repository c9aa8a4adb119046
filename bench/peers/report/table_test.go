package report

import (
	"slices"
	"testing"
)

func TestTableShowsWhatAnyRowHas(t *testing.T) {
	rows := []row{
		{mode: Label{Name: "remote"}, figures: Figures{Rate: 1234, Failed: 0, Wrong: 0}},
		{mode: Label{Name: "embedded"}, figures: Figures{Rate: 2345, PauseP99: 100, Failed: 0, Wrong: 2}},
	}
	if got, want := heads(rows), []string{"", "requests/s", "GC pause p99", "wrong"}; !slices.Equal(got, want) {
		t.Errorf("columns %q, want %q", got, want)
	}
	want := [][]string{{"remote", "1,234", "–", "0"}, {"embedded", "2,345", "100 µs", "2"}}
	if got := cells(rows); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("lines %q, want %q", got, want)
	}
}
