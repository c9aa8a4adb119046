package main

import (
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/chaos"
)

func TestProgressOfARunInWords(t *testing.T) {
	for want, now := range map[string]chaos.Progress{
		"starting the nodes for 3 s":           {Phase: chaos.PhaseStart, For: 3 * time.Second},
		"healing for 3 s: node-2 is not ready": {Phase: chaos.PhaseHeal, For: 3 * time.Second, Waiting: "node-2 is not ready"},
		"40s left, 150 operations per second, 99.50 % answered, 3 under way; cut a from b, loss c": {Phase: chaos.PhaseLoad,
			Left: 40 * time.Second, Asked: 200, Answered: 199, UnderWay: 3, Faults: []string{"cut a from b", "loss c"}},
		"the load is over, 2 operations under way":        {Phase: chaos.PhaseLoad, UnderWay: 2},
		"reading every session for 1 s: 10 of 90 answers": {Phase: chaos.PhaseRead, For: time.Second, Done: 10, Total: 90},
	} {
		if got := progressText(now, 150); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := shortened("0123456789", 5); got != "0123…" {
		t.Errorf("%q", got)
	}
	if got := shortened("01234", 5); got != "01234" {
		t.Errorf("%q", got)
	}
}

// Where nobody watches, a line comes every five seconds, and no more.
func TestProgressWithoutATerminal(t *testing.T) {
	var out strings.Builder
	r := (&program{err: &out}).runProgress()
	r.show(chaos.Progress{Phase: chaos.PhaseStart})
	r.show(chaos.Progress{Phase: chaos.PhaseLoad, Left: time.Minute})
	if out.Len() > 0 {
		t.Errorf("at once: %q", out.String())
	}
	r.lastAt = r.lastAt.Add(-plainEvery)
	r.show(chaos.Progress{Phase: chaos.PhaseLoad, Left: time.Minute, Asked: 50, Answered: 50})
	r.show(chaos.Progress{Phase: chaos.PhaseLoad, Left: time.Minute, Asked: 51, Answered: 50})
	r.end()
	if got, want := out.String(), "         1m0s left, 10 operations per second, 100.00 % answered, 0 under way\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
