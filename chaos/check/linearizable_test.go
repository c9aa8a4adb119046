package check

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestLinearizable(t *testing.T) {
	judge(t, (*Judge).Linearizable, []scenario{
		{name: "no register", want: Nothing, text: `
			0-1 c add s.a=1 ok
			1-2 c increment s.n ok
			2-3 c read s.n ok out=1`},
		{name: "one after the other", want: OK, looked: 5, text: `
			0-1 c read s.r ok
			2-3 c write s.r=1 ok
			4-5 d read s.r ok out=1
			6-7 d write s.r=2 ok
			8-9 c read s.r ok out=2`},
		{name: "an old value", want: Violated, says: `read r by c (operation 4, 8.000–9.000 s) with "1"`, text: `
			0-1 c write s.r=1 ok
			2-3 d read s.r ok out=1
			4-5 d write s.r=2 ok
			8-9 c read s.r ok out=1
			10-11 c read s.r ok out=2`},
		{name: "at the same time", want: OK, text: `
			0-3 c write s.r=1 ok
			1-4 d write s.r=2 ok
			2-5 e read s.r ok out=1
			6-7 e read s.r ok out=2`},
		{name: "new and then old, while it is written", want: Violated, says: `with "1"`, text: `
			0-1 c write s.r=1 ok
			2-9 d write s.r=2 ok
			3-4 e read s.r ok out=2
			5-6 c read s.r ok out=1`},
		{name: "two readers see two writes in different orders", want: Violated, text: `
			0-9 c write s.r=1 ok
			0-9 d write s.r=2 ok
			1-2 e read s.r ok out=1
			3-4 e read s.r ok out=2
			5-6 f read s.r ok out=1`},
		{name: "nothing, after it was written", want: Violated, text: `
			0-1 c write s.r=1 ok
			2-3 d read s.r ok gone=expired`},
		{name: "written by nobody", want: Violated, says: "which nobody had written", text: `
			0-1 c write s.r=1 ok
			2-3 d read s.r ok out=7`},
		{name: "read before it was written", want: Violated, says: "which nobody had written", text: `
			2-3 d read s.r ok out=1
			4-5 c write s.r=1 ok`},
		{name: "an unknown write takes effect late", want: OK, text: `
			0-1 c write s.r=1 ok
			2-3 d write s.r=2 unknown
			4-5 c read s.r ok out=1
			6-7 c read s.r ok out=2
			8-9 c write s.r=3 ok
			10-11 c read s.r ok out=3`},
		{name: "an unknown write takes effect twice", want: Violated, says: `read r by c (operation 6, 10.000–11.000 s) with "2"`, text: `
			0-1 c write s.r=1 ok
			2-3 d write s.r=2 unknown
			6-7 c read s.r ok out=2
			8-8.5 c write s.r=3 ok
			9-9.5 c read s.r ok out=3
			10-11 c read s.r ok out=2`},
		{name: "a write that failed for certain is seen", want: Violated, text: `
			0-1 c write s.r=1 ok
			2-3 d write s.r=2 failed
			4-5 c read s.r ok out=2`},
		{name: "an acknowledged write is not there at the end", want: Violated, says: "final read of n2", text: `
			0-1 c write s.r=1 ok
			2-3 d write s.r=2 ok
			final 9-9.1 n1 s r:2
			final 9.2-9.3 n2 s r:1`},
		{name: "sides of a split differ", want: OK, looked: 2, text: `
			0-0.5 c write s.r=1 ok
			split 1-5-6 n1,c|n2,d
			2-3 c write s.r=2 ok
			3.1-3.2 d read s.r ok out=1
			7-8 c read s.r ok out=1`},
		{name: "after the heal it is one again", want: Violated, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c write s.r=2 ok
			3-4 d write s.r=3 ok
			7-8 c read s.r ok out=2
			9-10 c read s.r ok out=3`},
		{name: "before the split it was one", want: Violated, text: `
			0-0.1 c write s.r=1 ok
			0.2-0.3 c read s.r ok
			split 1-5-6 n1,c|n2,d
			7-8 c read s.r ok out=1`},
		{name: "a write of the split takes effect after it", want: OK, text: `
			split 1-5-6 n1,c|n2,d
			4-4.5 c write s.r=2 unknown
			6.1-6.5 d write s.r=3 ok
			7-8 c read s.r ok out=3
			9-10 c read s.r ok out=2`},
		{name: "all copies crashed", want: OK, text: `
			0-1 c write s.r=1 ok
			kill 2 n1,n2
			40-41 c read s.r ok
			42-43 c write s.r=2 ok
			44-45 c read s.r ok out=2`},
		{name: "what a paused node held comes back", want: OK, text: `
			0-1 c write s.r=1 ok
			pause 1.5-50 n2
			kill 2 n1
			40-41 c write s.r=2 ok
			90-91 c read s.r ok out=1
			92-93 c write s.r=3 ok
			94-95 c read s.r ok out=3`},
		{name: "one copy crashed", want: Violated, text: `
			0-1 c write s.r=1 ok
			kill 2 n1
			40-41 c read s.r ok`},
		{name: "a session created with a value", want: OK, looked: 2, text: `
			0-1 c create s.r=1 ok
			2-3 c read s.r ok out=1`},
		{name: "two of many registers are bad", want: Violated, found: 2, looked: 12, text: `
			0-1 c write s.a=1 ok
			2-3 c read s.a ok out=1
			0-1 c write s.b=1 ok
			2-3 c read s.b ok
			0-1 c write s.c=1 ok
			2-3 c read s.c ok out=1
			0-1 c write s.d=1 ok
			0.5-3 c read s.d ok
			0-1 c write s.e=1 ok
			2-3 c read s.e ok
			0-1 c write s.f=1 ok
			2-3 c read s.f ok out=1`},
	})
}

// hard is a register that many clients write at the same time, while one reads an order that there cannot be.
func hard(clients int) string {
	var b strings.Builder
	for i := range clients {
		fmt.Fprintf(&b, "0.%03d-9 c%d write s.r=v%d ok\n", i, i, i)
	}
	b.WriteString("1-2 d read s.r ok out=v1\n3-4 d read s.r ok out=v2\n5-6 d read s.r ok out=v1\n")
	return b.String()
}

func TestASearchThatTakesTooLongIsUndecided(t *testing.T) {
	j, err := New(parse(t, "0-1 c write s.q=1 ok\n0.5-3 c read s.q ok\n"+hard(40)), Limits{Search: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	v := j.Linearizable()
	if v.Result != Undecided || len(v.Open) != 1 || !strings.Contains(v.Open[0], "register r of session s: the search for an order of its 43 operations took too long") {
		t.Errorf("got %+v", v)
	}
}

func TestOneSlowRegisterDoesNotHideABadOne(t *testing.T) {
	j, err := New(parse(t, "0-1 c write s.q=1 ok\n2-3 c read s.q ok\n"+hard(40)), Limits{Search: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	v := j.Linearizable()
	if v.Result != Violated || v.Found != 1 || len(v.Open) != 1 {
		t.Errorf("got %+v", v)
	}
}

func TestPiecesAreCutWhereNothingOverlaps(t *testing.T) {
	var b strings.Builder
	for i := range 500 { // each write overlaps one read; between them is a moment of rest
		fmt.Fprintf(&b, "%d.0-%d.5 c write s.r=%d ok\n%d.1-%d.6 d read s.r ok out=%d\n%d.7-%d.8 e read s.r ok out=%d\n", i, i, i, i, i, i, i, i, i)
	}
	b.WriteString("3.55-3.56 c write s.r=unread unknown\n")
	text := strings.Replace(b.String(), "write s.r=77 ok", "write s.r=77 unknown", 1) // and read at once
	j, err := New(parse(t, text), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	r := j.registers(j.sessions[0])[0]
	if len(r.pieces) != 500 || len(r.pieces[7]) != 4 || r.looked != 1499 {
		t.Errorf("%d pieces, %d in one, %d looked at", len(r.pieces), len(r.pieces[7]), r.looked)
	}
	if v := j.Linearizable(); v.Result != OK {
		t.Error(v.String())
	}
}
