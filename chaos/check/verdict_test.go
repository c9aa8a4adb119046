package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

func TestAVerdictInOneLine(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(v *Verdict)
		want string
	}{
		{"ok", func(v *Verdict) { v.Looked = 3 }, "G2 a destroyed session stays destroyed (x): ok, 3 looked at"},
		{"nothing", func(*Verdict) {}, "G2 a destroyed session stays destroyed (x): nothing to judge"},
		{"undecided", func(v *Verdict) { v.Looked = 3; v.open("no %s", "time") }, "G2 a destroyed session stays destroyed (x): undecided: no time"},
		{"a violation outweighs what is open", func(v *Verdict) { v.open("no time"); v.violated("bad"); v.violated("worse") },
			"G2 a destroyed session stays destroyed (x): violated 2 times, first: bad"},
		{"limits of the user", func(v *Verdict) { v.Guarantee, v.Looked = NoGuarantee, 1 }, "x: ok, 1 looked at"},
	} {
		v := &Verdict{Guarantee: G2, Check: "x"}
		c.do(v)
		if got := v.done(); got.String() != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got.String(), c.want)
		}
	}
}

func TestAVerdictIsBounded(t *testing.T) {
	v, many := &Verdict{}, make([]*history.Operation, 100)
	for i := range many {
		many[i] = &history.Operation{ID: i}
	}
	for i := range 100 {
		v.violated(fmt.Sprint(i), many...)
		v.open("%d", i)
	}
	if v.Found != 100 || len(v.Violations) != violationsMax || len(v.Violations[0].Operations) != operationsMax || len(v.Open) != openMax {
		t.Errorf("%d found, %d kept with %d operations each, %d open", v.Found, len(v.Violations), len(v.Violations[0].Operations), len(v.Open))
	}
}

func TestAllGivesEveryCheckerInOrder(t *testing.T) {
	all := judgeOf(t, &history.History{}).All()
	var got []string
	for _, v := range all {
		got = append(got, string(v.Guarantee)+" "+v.Check)
		if v.Result != Nothing {
			t.Errorf("of an empty history: %s", v.String())
		}
		if v.Guarantee != NoGuarantee && v.Guarantee.Title() == "" {
			t.Errorf("%s has no title", v.Guarantee)
		}
	}
	want := []string{
		"G1 lost", "G2 resurrected", "G3 locks", "G4 stale", "G4 linearizable", "G5 healed", "G6 counters", "G9 expiry",
		"G12 converged", " available",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhatMakesNoSenseIsNotJudged(t *testing.T) {
	if _, err := New(&history.History{}, Limits{Search: -time.Second}); err == nil || !strings.Contains(err.Error(), "limit Search of -1s") {
		t.Errorf("a negative limit: %v", err)
	}
	if _, err := New(&history.History{Operations: []history.Operation{{}}}, Limits{}); err == nil {
		t.Error("an operation without a kind was taken")
	}
}
