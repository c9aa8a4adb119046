package check

import (
	"testing"
	"time"
)

func TestConverged(t *testing.T) {
	judge(t, (*Judge).Converged, []scenario{
		{name: "one node asked", want: Nothing, text: `
			split 1-5 n1|n2
			final 9 n1 s a:1`},
		{name: "the same everywhere", want: OK, looked: 1, text: `
			split 1-5 n1|n2
			final 9 n1 s a:1
			final 9 n2 s a:1`},
		{name: "the same in the end, within the bound", want: OK, text: `
			split 1-5 n1|n2
			final 9 n1 s a:1
			final 9 n2 s
			final 20 n2 s a:1`},
		{name: "a value differs", want: Violated, says: `a="1" here, "2" there`, text: `
			split 1-5 n1|n2
			final 40 n1 s a:1
			final 41 n2 s a:2`},
		{name: "one has more", want: Violated, text: `
			split 1-5 n1|n2
			final 40 n1 s
			final 41 n2 s a:2`},
		{name: "gone on one", want: Violated, says: `gone "destroyed" here`, text: `
			split 1-5 n1|n2
			final 40 n1 s gone=destroyed
			final 41 n2 s`},
		{name: "later than the bound", want: Violated, says: "asked at 36.000 s", text: `
			split 1-5 n1|n2
			final 36 n1 s
			final 41 n1 s a:1
			final 41 n2 s a:1`},
		{name: "a shorter bound", want: Violated, limits: Limits{Converge: time.Second}, text: `
			split 1-5 n1|n2
			final 9 n1 s
			final 10 n2 s a:1`},
		{name: "they differed before the bound, and nobody looked again", want: Undecided, says: "were not asked again", text: `
			split 1-5 n1|n2
			final 9 n1 s
			final 10 n2 s a:1`},
		{name: "the bound counts from the last fault", want: Undecided, text: `
			split 1-5 n1|n2
			pause 6-20 n1
			final 45 n1 s
			final 46 n2 s a:1`},
		{name: "expired meanwhile", want: OK, text: `
			0-1 c create s ok idle=40
			final 40 n1 s
			final 41 n2 s gone=expired`},
		{name: "a node does not answer", want: Undecided, says: "1 final reads of it were not answered", text: `
			final 40 n1 s
			final 41 n2 s error`},
		{name: "never healed", want: Undecided, says: "never healed", text: `
			split 1-? n1|n2
			final 40 n1 s
			final 41 n2 s`},
		{name: "one cluster again too late", want: Violated, says: "took 31.000 s", text: `
			split 1-5-36 n1|n2
			final 40 n1 s
			final 41 n2 s`},
	})
}
