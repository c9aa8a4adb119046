package check

import "testing"

func TestCounters(t *testing.T) {
	judge(t, (*Judge).Counters, []scenario{
		{name: "no counter", want: Nothing, text: `
			0-1 c add s.a=1 ok
			final 9 n1 s a:1`},
		{name: "all acknowledged", want: OK, looked: 2, text: `
			0-1 c increment s.n ok out=1
			1-2 c increment s.n ok out=2
			2-3 c increment s.n failed
			final 9 n1 s n:2`},
		{name: "unknown and counted", want: OK, text: `
			0-1 c increment s.n ok
			1-2 c increment s.n unknown
			final 9 n1 s n:2`},
		{name: "unknown and not counted", want: OK, text: `
			0-1 c increment s.n ok
			1-2 c increment s.n unknown
			final 9 n1 s n:1`},
		{name: "one lost", want: Violated, says: "from 2 to 3: increments are lost", text: `
			0-1 c increment s.n ok
			1-2 c increment s.n ok
			1-2 d increment s.n unknown
			final 9 n1 s n:1`},
		{name: "one counted twice", want: Violated, says: "counted twice", text: `
			0-1 c increment s.n ok
			1-2 c increment s.n unknown
			final 9 n1 s n:3`},
		{name: "one that failed for certain counted", want: Violated, says: "counted twice", text: `
			0-1 c increment s.n ok
			1-2 c increment s.n failed
			final 9 n1 s n:2`},
		{name: "two got the same number, and one unknown hides the loss", want: Violated, says: "two increments of n made it 1", text: `
			0-1 c increment s.n ok out=1
			0-1 d increment s.n ok out=1
			1-2 c increment s.n unknown
			final 9 n1 s n:2`},
		{name: "no number", want: Violated, text: `
			0-1 c increment s.n ok
			final 9 n1 s n:x`},
		{name: "the nodes differ", want: Violated, says: "on n2", text: `
			0-1 c increment s.n ok
			final 9 n1 s n:1
			final 9 n2 s`},
		{name: "split: the greater side, listed", want: OK, text: `
			split 1-5-6 n1,c|n2,d
			0-0.5 c increment s.n ok out=1
			2-3 c increment s.n ok out=2
			3-4 c increment s.n ok out=3
			2-3 d increment s.n ok out=2
			conflict s.n
			final 9 n1 s n:3`},
		{name: "split: the smaller side, listed", want: OK, text: `
			split 1-5-6 n1,c|n2,d
			0-0.5 c increment s.n ok
			2-3 c increment s.n ok
			3-4 c increment s.n ok
			2-3 d increment s.n ok
			conflict s.n
			final 9 n1 s n:2`},
		{name: "split: neither side's", want: Violated, says: "from 2 to 3", text: `
			split 1-5-6 n1,c|n2,d
			0-0.5 c increment s.n ok
			2-3 c increment s.n ok
			3-4 c increment s.n ok
			2-3 d increment s.n ok
			conflict s.n
			final 9 n1 s n:1`},
		{name: "split: both sides' together", want: Violated, says: "counted twice", text: `
			split 1-5-6 n1,c|n2,d
			0-0.5 c increment s.n ok
			2-3 c increment s.n ok
			3-4 c increment s.n ok
			2-3 d increment s.n ok
			conflict s.n
			final 9 n1 s n:4`},
		{name: "split: lost and not listed", want: Violated, says: "from 3 to 3", text: `
			split 1-5-6 n1,c|n2,d
			0-0.5 c increment s.n ok
			2-3 c increment s.n ok
			2-3 d increment s.n ok
			final 9 n1 s n:2`},
		{name: "split: the winner has made one increment without an answer", want: OK, text: `
			split 1-5-6 n1,c|n2,d
			0-0.5 c increment s.n ok
			2-3 c increment s.n ok
			3-4 c increment s.n ok
			2-3 d increment s.n unknown
			conflict s.n
			final 9 n1 s n:2`},
		{name: "split: the winner has made one while it healed", want: OK, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c increment s.n ok
			3-4 c increment s.n ok
			5.1-5.2 d increment s.n ok
			conflict s.n
			final 9 n1 s n:1`},
		{name: "it may never have been", want: Nothing, text: `
			0-1 c increment s.n unknown
			final 9 n1 s error`},
		{name: "no final read", want: Undecided, text: `
			0-1 c increment s.n ok
			final 9 n1 s error`},
		{name: "two crashes at once", want: OK, excuse: 1, text: `
			0-1 c increment s.n ok
			kill 2 n1,n2
			final 9 n1 s`},
	})
}
