package history

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// whole is a history with every field set.
func whole() *History {
	s := time.Second
	return &History{
		Run: Run{Version: "v1", Seed: 7, Began: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Length: 9 * s, Nodes: 3, Copies: 2},
		Operations: []Operation{
			{
				ID: 1, Invoked: s, Returned: 2 * s,
				Call: Call{
					Client: "c", Workload: "set", Kind: Create, Session: "app/tagtag.0123", Attr: "a", Input: "1<2", Token: "t",
					Idle: s, Lifetime: 2 * s, Peek: true, NotAfter: 3 * s,
				},
				Answer: Answer{
					Outcome: OK, Error: "none", Gone: Destroyed, Output: "é", Seen: map[string]string{"a": "1"}, Listed: []string{"x"},
					Granted: "g", Stamp: "s", Copies: 2, Node: "n1",
				},
			},
			{ID: 5, Invoked: 2 * s, Returned: 2 * s, Call: Call{Client: "d", Kind: List}, Answer: Answer{Outcome: Failed}},
		},
		Faults:    []Fault{{Kind: Cut, Whom: []string{"n1"}, From: s, Until: 2 * s, Dropped: 5, InFlight: 2, Note: "one way"}},
		Splits:    []Split{{From: s, Until: 2 * s, Merged: 3 * s, Sides: [][]string{{"n1", "c"}, {"n2"}}}},
		Conflicts: []Conflict{{Node: "n1", Session: "app/tagtag.0…", Attr: "a", Lost: "x", Kept: "y", Why: "later", At: 4 * s}},
		Finals: []Final{
			{Session: "app/tagtag.0123", Node: "n1", Attrs: map[string]string{"a": "1"}, Invoked: 8 * s, Returned: 9 * s},
			{Session: "app/tagtag.0123", Node: "n2", Error: "no answer", Gone: NotFound},
		},
		Unlisted: []string{"n2 was killed"},
	}
}

func saved(t *testing.T, h *History) string {
	t.Helper()
	var b bytes.Buffer
	if err := h.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAHistoryIsReadBackAsItWas(t *testing.T) {
	for _, want := range []*History{whole(), {}} {
		got, err := ReadAll(strings.NewReader(saved(t, want)), 0)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

// The format is pinned: a change that this test shows needs another version.
func TestTheFormatStaysWhatItIs(t *testing.T) {
	golden, err := os.ReadFile("testdata/version1.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(golden), saved(t, whole())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatIsNoWholeHistoryIsRefused(t *testing.T) {
	good := saved(t, whole())
	lines := strings.SplitAfter(good, "\n")
	lines = lines[:len(lines)-1]
	replaced := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in it", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	for _, c := range []struct {
		name, text, says string
		is               error
		limit            int64
	}{
		{name: "empty", text: "", says: "line 1: ", is: ErrVersion},
		{name: "another file", text: "hello\n", says: "line 1: ", is: ErrVersion},
		{name: "another JSON", text: "{}\n", is: ErrVersion},
		{name: "another version", text: replaced(`"version":1`, `"version":2`), is: ErrVersion},
		{name: "the beginning is missing", text: strings.Join(lines[1:], ""), is: ErrVersion},
		{name: "cut off", text: strings.Join(lines[:4], ""), says: "line 5: the history was cut off", is: io.ErrUnexpectedEOF},
		{name: "cut off in a line", text: good[:len(good)-60], says: "line 9: not an event"},
		{name: "a line is missing", text: strings.Join(append(lines[:2:2], lines[3:]...), ""), says: "9 lines were written and 8 are here"},
		{name: "something follows", text: good + "{}\n", says: "line 11: something follows the end"},
		{name: "two in one file", text: strings.Join(append(lines[:9:9], good), ""), says: "line 10: a second beginning"},
		{name: "two events in one line", text: replaced(`{"fault":`, `{"unlisted":"x","fault":`), says: "line 2: 2 events in one line"},
		{name: "no event in a line", text: lines[0] + "{}\n", says: "line 2: 0 events"},
		{name: "an unknown event", text: replaced(`{"fault":`, `{"quake":`), says: "line 2: not an event: json: unknown field"},
		{name: "an unknown field", text: replaced(`"note":`, `"color":`), says: `unknown field "color"`},
		{name: "two objects in a line", text: replaced(`"note":"one way"}}`, `"note":"one way"}}{}`), says: "something follows the event"},
		{name: "an unknown kind", text: replaced(`"kind":"list"`, `"kind":"lust"`), says: `operation 5 is of the unknown kind "lust"`, is: ErrInvalid},
		{name: "an unknown outcome", text: replaced(`"outcome":"failed"`, `"outcome":"bad"`), says: `unknown outcome "bad"`, is: ErrInvalid},
		{name: "an unknown way to be gone", text: replaced(`"gone":"destroyed"`, `"gone":"lost"`), says: `found its session "lost"`, is: ErrInvalid},
		{name: "no session", text: replaced(`"session":"app/tagtag.0123",`, ``), says: "names no session", is: ErrInvalid},
		{name: "answered before it was asked", text: replaced(`"returned":2000000000`, `"returned":5`), says: "from 1s until 5ns", is: ErrInvalid},
		{name: "ids fall", text: replaced(`"id":5`, `"id":1`), says: "ids must ascend", is: ErrInvalid},
		{name: "a fault ends before it begins", text: replaced(`"until":2000000000,"dropped"`, `"until":5,"dropped"`), says: `fault "cut"`, is: ErrInvalid},
		{name: "merged before the heal", text: replaced(`"merged":3000000000`, `"merged":5`), says: "merged at 5ns", is: ErrInvalid},
		{name: "parted before it began", text: replaced(`"merged":3000000000`, `"parted":5`), says: "parted at 5ns", is: ErrInvalid},
		{name: "a final read ends before it begins", text: replaced(`"returned":9000000000`, `"returned":5`), says: "final read of", is: ErrInvalid},
		{name: "longer than allowed", text: good, limit: 100, says: "longer than 100 bytes"},
		{name: "a long line", text: lines[0] + strings.Repeat("x", LineMax+1), says: "line 2: longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadAll(strings.NewReader(c.text), c.limit)
			if err == nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got %v, want %q, %v", err, c.says, c.is)
			}
		})
	}
}

func TestAReaderSaysWhatStoppedIt(t *testing.T) {
	broken := errors.New("the disk is gone")
	good := saved(t, whole())
	_, err := ReadAll(io.MultiReader(strings.NewReader(good[:len(good)-100]), &failing{broken}), 0)
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if err := whole().Save(&failing{broken}); !errors.Is(err, broken) {
		t.Errorf("saving: got %v", err)
	}
}

// failing is a disk that does not work.
type failing struct{ err error }

func (f *failing) Read([]byte) (int, error)  { return 0, f.err }
func (f *failing) Write([]byte) (int, error) { return 0, f.err }

func FuzzReader(f *testing.F) {
	var b bytes.Buffer
	if err := whole().Save(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("{\"version\":1,\"run\":{\"length\":0,\"copies\":0}}\n{\"end\":{\"lines\":1}}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := ReadAll(bytes.NewReader(text), 1<<20)
		if err != nil {
			return
		}
		again, err := ReadAll(strings.NewReader(saved(t, h)), 0)
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if saved(t, h) != saved(t, again) {
			t.Error("what was read again is something else")
		}
	})
}
