package history

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ticks is a clock that moves on by a millisecond whenever somebody looks.
func ticks() func() time.Duration {
	var n atomic.Int64
	return func() time.Duration { return time.Duration(n.Add(1)) * time.Millisecond }
}

func TestRecorder(t *testing.T) {
	r := NewRecorder(Run{Seed: 7, Copies: 2}, ticks(), 0)
	call := Call{Client: "c", Workload: "set", Kind: Add, Session: "app/s", Attr: "a", Input: "1"}
	first, err1 := r.Begin(call)
	second, err2 := r.Begin(call)
	err3 := r.Fault(Fault{Kind: Kill, Whom: []string{"n1"}, From: 1})
	err4 := r.Split(Split{From: 1, Until: 2, Sides: [][]string{{"n1"}, {"n2"}}})
	err5 := r.Conflict(Conflict{Node: "n1", Session: "app/s", Attr: "a"})
	err6 := r.Final(Final{Session: "app/s", Node: "n1", Attrs: map[string]string{"a": "1"}})
	err7 := r.Unlisted("n1 was killed")
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
		t.Fatal(err)
	}
	r.End(second, Answer{Outcome: OK, Copies: 2})
	if n := r.UnderWay(); n != 1 {
		t.Errorf("%d are under way, want 1", n)
	}
	got := r.History()
	ms := time.Millisecond
	want := &History{
		Run: Run{Seed: 7, Copies: 2, Length: 4 * ms},
		Operations: []Operation{
			{ID: 1, Call: call, Answer: Answer{Outcome: Unknown}, Invoked: 1 * ms, Returned: 4 * ms},
			{ID: 2, Call: call, Answer: Answer{Outcome: OK, Copies: 2}, Invoked: 2 * ms, Returned: 3 * ms},
		},
		Faults:    []Fault{{Kind: Kill, Whom: []string{"n1"}, From: 1}},
		Splits:    []Split{{From: 1, Until: 2, Sides: [][]string{{"n1"}, {"n2"}}}},
		Conflicts: []Conflict{{Node: "n1", Session: "app/s", Attr: "a"}},
		Finals:    []Final{{Session: "app/s", Node: "n1", Attrs: map[string]string{"a": "1"}}},
		Unlisted:  []string{"n1 was killed"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
	r.End(first, Answer{Outcome: Failed})
	if got.Operations[0].Outcome != Unknown {
		t.Error("a later answer changed a history that was taken before")
	}
}

func TestAFullRecorderRefusesCallsAndKeepsAnswers(t *testing.T) {
	r := NewRecorder(Run{}, ticks(), 10_000)
	var ids []int
	for {
		id, err := r.Begin(Call{Kind: Load, Session: "s"})
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil || len(ids) > 100 {
			t.Fatal(len(ids), err)
		}
		ids = append(ids, id)
	}
	if len(ids) != 9 {
		t.Errorf("%d calls of about 1,000 bytes fit into 10,000", len(ids))
	}
	r.End(ids[0], Answer{Outcome: OK, Output: strings.Repeat("x", 500)})
	r.End(ids[1], Answer{Outcome: OK, Seen: map[string]string{"a": strings.Repeat("x", 20_000)}})
	h := r.History()
	if o := h.Operations[0]; o.Outcome != OK || len(o.Output) != 500 {
		t.Errorf("a short answer was not kept: %+v", o)
	}
	if o := h.Operations[1]; o.Outcome != Unknown || o.Seen != nil || r.CutAnswers() != 1 {
		t.Errorf("a long answer was kept: %+v, %d cut", o, r.CutAnswers())
	}
	faults := 0
	for ; r.Fault(Fault{Kind: Kill}) == nil && faults < 100; faults++ {
	}
	if faults < 1 || faults > 5 {
		t.Errorf("%d faults of about 400 bytes fit into the last tenth", faults)
	}
}

func TestARecorderServesMany(t *testing.T) {
	r := NewRecorder(Run{}, ticks(), 0)
	var all sync.WaitGroup
	for c := range 8 {
		all.Go(func() {
			for i := range 200 {
				id, err := r.Begin(Call{Client: fmt.Sprint(c), Kind: Write, Session: "s", Attr: "r", Input: fmt.Sprint(c, i)})
				if err != nil {
					t.Error(err)
					return
				}
				r.End(id, Answer{Outcome: OK})
			}
		})
	}
	all.Wait()
	h := r.History()
	if err := h.Validate(); err != nil || len(h.Operations) != 1600 || r.UnderWay() != 0 {
		t.Errorf("%d operations, %d under way, %v", len(h.Operations), r.UnderWay(), err)
	}
	for i, o := range h.Operations[1:] {
		if before := h.Operations[i]; o.Invoked < before.Invoked {
			t.Fatalf("operation %d at %v comes before %d at %v", o.ID, o.Invoked, before.ID, before.Invoked)
		}
	}
}

func TestAnAnswerNobodyWaitsForIsABug(t *testing.T) {
	r := NewRecorder(Run{}, ticks(), 0)
	id, _ := r.Begin(Call{Kind: Touch, Session: "s"})
	r.End(id, Answer{Outcome: OK})
	defer func() {
		if recover() == nil {
			t.Error("a second answer was taken")
		}
	}()
	r.End(id, Answer{Outcome: OK})
}
