package check

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessnode/sessnode/chaos/history"
)

func TestAvailable(t *testing.T) {
	kill := Limits{Gaps: map[string]time.Duration{history.Kill: 1600 * time.Millisecond}}
	judge(t, (*Judge).Available, []scenario{
		{name: "no limits", want: Nothing, text: `
			kill 2 n1
			2-9 c load s ok`},
		{name: "no such fault", want: Nothing, limits: kill, text: `
			pause 2-3 n1
			2-9 c load s ok`},
		{name: "a short gap", want: OK, looked: 1, limits: kill, text: `
			kill 2 n1
			2.1-2.2 c load s failed
			2.3-3.7 c load s ok`},
		{name: "one slow answer", want: Violated, says: "session s had no answer for 1.700 s from 2.100 s on", limits: kill, text: `
			kill 2 n1
			2.1-3.8 c load s ok`},
		{name: "under way as it began", want: Violated, limits: kill, text: `
			kill 2 n1
			1.9-3.8 c load s ok`},
		{name: "failures in a row", want: Violated, says: "1.900 s", limits: kill, text: `
			kill 2 n1
			2.1-2.2 c load s failed
			2.5-2.6 c load s unknown
			3.9-4.0 c load s ok`},
		{name: "other sessions are served", want: Violated, limits: kill, text: `
			kill 2 n1
			2.1-2.2 c load s failed
			2.5-2.6 c load r ok
			3.9-4.0 c load s ok`},
		{name: "a no is an answer", want: OK, limits: kill, text: `
			kill 2 n1
			2.1-2.2 c load s failed
			2.5-2.6 c add s.a=1 refused
			3.9-4.0 c load s ok`},
		{name: "no answer any more", want: Violated, limits: kill, text: `
			kill 2 n1
			2.1-2.2 c load s failed
			8-9 c load s failed`},
		{name: "asked in vain once, and by nobody any more", want: OK, looked: 1, limits: kill, text: `
			kill 2 n1
			2.1-2.2 c load s failed
			8-9 c load r ok`},
		{name: "a gap of another fault", want: OK, limits: kill, text: `
			pause 1-1.5 n2
			kill 2 n1
			1.2-3.8 c load s ok
			2.1-2.2 c load r ok`},
		{name: "a gap of the next fault", want: OK, limits: kill, text: `
			kill 2 n1
			pause 3-4 n2
			2.1-2.2 c load r ok
			3.1-5 c load s ok`},
		{name: "under way as the second of two began: either may be the cause", want: Violated, found: 2, limits: kill, text: `
			kill 2 n1
			kill 20 n2
			2.1-2.2 c load r ok
			19.9-22 c load s ok`},
		{name: "waiting for a lock is no gap", want: Nothing, limits: kill, text: `
			kill 2 n1
			2.1-8.2 c lock s ok granted=1`},
	})
}

func TestAvailability(t *testing.T) {
	j, err := New(parse(t, `
		0.1-0.2 c load s ok
		0.5-0.6 c load s failed
		1.1-1.4 c load s ok
		1.2-1.3 c load s refused
		pause 0.4-1 n1
		kill 2.0 n2
		2.5-2.6 c load s unknown`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	stall := Gap{Session: "s", From: ms(500), Length: ms(800), Ended: true}
	open := Gap{Session: "s", From: ms(2500), Length: ms(100)}
	want := Availability{
		Workloads: []Service{{
			Workload: "w", Asked: 5, Answered: 3, Longest: stall,
			Seconds: []Second{{Asked: 2, Answered: 1}, {Asked: 2, Answered: 2}, {Asked: 1}},
		}},
		Faults: []FaultGap{{Fault: j.h.Faults[0], Longest: stall}, {Fault: j.h.Faults[1], Longest: open}},
	}
	if diff := cmp.Diff(want, j.Availability()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
