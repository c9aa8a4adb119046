package check

import "testing"

func TestHealed(t *testing.T) {
	judge(t, (*Judge).Healed, []scenario{
		{name: "no split", want: Nothing, text: `
			0-1 c add s.a=1 ok
			final 9 n1 s`},
		{name: "different attributes survive", want: OK, looked: 2, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c add s.a=1 ok
			2-3 d add s.b=2 ok
			final 9 n1 s a:1+b:2`},
		{name: "an element is lost without a word", want: Violated, says: "missing after the heal without being listed", text: `
			split 1-5-6 n1,c|n2,d
			2-3 c add s.a=1 ok
			2-3 d add s.b=2 ok
			final 9 n1 s b:2`},
		{name: "a session that was created in the split is gone", want: Violated, says: "create by c", text: `
			split 1-5-6 n1,c|n2,d
			2-3 c create s ok
			final 9 n1 s gone=expired`},
		{name: "written while the split began", want: Violated, text: `
			split 1-5-6 n1,c|n2,d
			0.9-1.1 c add s.a=1 ok
			final 9 n1 s`},
		{name: "written before the sides had merged", want: Violated, text: `
			split 1-5-6 n1,c|n2,d
			5.5-5.6 c add s.a=1 ok
			final 9 n1 s`},
		{name: "the list excuses only what two sides wrote", want: Violated, says: "no other side wrote or ended it", text: `
			split 1-5-6 n1,c|n2,d
			2-3 c add s.a=1 ok
			2-3 d add s.b=2 ok
			conflict s.a
			final 9 n1 s b:2`},
		{name: "both wrote: the loser is listed", want: OK, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c write s.r=1 ok stamp=x
			2-3 d write s.r=2 ok stamp=y
			conflict s.r lost=x kept=y
			final 9 n1 s r:2`},
		{name: "both wrote, and nothing is listed", want: Violated, says: "0 of 1 losses are listed", text: `
			split 1-5-6 n1,c|n2,d
			2-2.01 c write s.r=1 ok
			2-2.01 d write s.r=2 ok
			final 9 n1 s r:2`},
		{name: "one that began before nothing passed any more may have reached both sides", want: OK, text: `
			split 1-5-6 n1,c|n2,d parted=2.1
			2-2.01 c write s.r=1 ok
			2.2-2.21 d write s.r=2 ok
			final 9 n1 s r:2`},
		{name: "one that was not answered at once may have been made on both sides", want: OK, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c write s.r=1 ok
			2-2.01 d write s.r=2 ok
			final 9 n1 s r:1`},
		{name: "three wrote, and one is listed", want: Violated, says: "1 of 2 losses are listed", text: `
			split 1-5-6 n1,c|n2,d|n3,e
			2-2.01 c write s.r=1 ok
			2-2.01 d write s.r=2 ok
			2-2.01 e write s.r=3 ok
			conflict s.r
			final 9 n1 s r:2`},
		{name: "the list names the one that stands", want: Violated, says: "it is still there", text: `
			split 1-5-6 n1,c|n2,d
			2-3 c write s.r=1 ok stamp=x
			2-3 d write s.r=2 ok stamp=y
			conflict s.r lost=y kept=x
			final 9 n1 s r:2`},
		{name: "the list names a stamp that nobody got", want: Violated, says: "no write has the stamp z", text: `
			split 1-5-6 n1,c|n2,d
			2-3 c write s.r=1 ok stamp=x
			2-3 d write s.r=2 ok stamp=y
			conflict s.r lost=z kept=y
			final 9 n1 s r:2`},
		{name: "unless it is that of a write without an answer", want: OK, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c write s.r=1 unknown
			2-3 d write s.r=2 ok stamp=y
			conflict s.r lost=z kept=y
			final 9 n1 s r:2`},
		{name: "listed, and nobody wrote it", want: Violated, says: "nobody wrote it", text: `
			split 1-5-6 n1,c|n2,d
			2-3 c write s.r=1 ok
			conflict s.q
			final 9 n1 s r:1`},
		{name: "listed, and nobody knows the session", want: Violated, says: "which nobody used", text: `
			split 1-5-6 n1,c|n2,d
			2-3 c write s.r=1 ok
			conflict t.r
			final 9 n1 s r:1`},
		{name: "listed, and all was written outside of the split", want: Violated, says: "not written in a split", text: `
			split 1-5-6 n1,c|n2,d
			0.1-0.2 c write s.r=1 ok
			7-7.1 d write s.r=2 ok
			conflict s.r
			final 9 n1 s r:2`},
		{name: "listed without a split", want: Violated, text: `
			2-3 c write s.r=1 ok
			2-3 d write s.r=2 ok
			conflict s.r
			final 9 n1 s r:2`},
		{name: "listed, and both were written on one side", want: Violated, says: "no other side", text: `
			split 1-5-6 n1,c,d|n2
			2-3 c write s.r=1 ok
			3-4 d write s.r=2 ok
			conflict s.r
			final 9 n1 s r:2`},
		{name: "ids are cut off in the list", want: OK, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c write tagtag-1234567.r=1 ok
			2-3 d write tagtag-1234567.r=2 ok
			conflict tagtag-1….r
			final 9 n1 tagtag-1234567 r:2`},
		{name: "destroyed on the other side, listed", want: OK, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c add s.a=1 ok
			2-3 d destroy s ok
			conflict s.a
			final 9 n1 s gone=destroyed`},
		{name: "destroyed on the other side, not listed", want: Violated, says: "wrote a or ended it", text: `
			split 1-5-6 n1,c|n2,d
			2-2.01 c add s.a=1 ok
			2-2.01 d destroy s ok
			final 9 n1 s gone=destroyed`},
		{name: "destroyed on the same side", want: Nothing, text: `
			split 1-5-6 n1,c,d|n2
			2-3 c add s.a=1 ok
			3-4 d destroy s ok
			final 9 n1 s gone=destroyed`},
		{name: "written before the split, ended by a side in it: the list may name it", want: OK, text: `
			split 1-5-6 n1,c|n2,d
			0.9-0.95 c add s.a=1 ok
			2-3 d destroy s ok
			conflict s.a
			final 9 n1 s gone=destroyed`},
		{name: "written before the split, ended after it", want: Violated, says: "not written in a split", text: `
			split 1-5-6 n1,c|n2,d
			0.9-0.95 c add s.a=1 ok
			7-8 d destroy s ok
			conflict s.a
			final 9 n1 s gone=destroyed`},
		{name: "written after the split, ended in it", want: Violated, says: "not written in a split", text: `
			split 1-5-6 n1,c|n2,d
			2-3 d destroy s ok
			7-8 c add s.a=1 ok
			conflict s.a
			final 9 n1 s gone=destroyed`},
		{name: "listed for a logout that nobody made", want: Violated, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c add s.a=1 ok
			2-3 d destroy s failed
			conflict s.a
			final 9 n1 s gone=destroyed`},
		{name: "written before, and ended by a side that held no copy", want: OK, text: `
			split 1-5-6 n1,c|n2,d
			0.5-0.6 c add s.a=1 ok stamp=x
			2-3 d destroy s ok stamp=y
			conflict s.a lost=x kept=y
			final 9 n1 s gone=destroyed`},
		{name: "written before, and ended before", want: Violated, says: "not given up for what was", text: `
			split 1-5-6 n1,c|n2,d
			0.5-0.6 c add s.a=1 ok stamp=x
			0.7-0.8 d destroy s ok stamp=y
			2-3 c destroy s ok stamp=z
			conflict s.a lost=x kept=y
			final 9 n1 s gone=destroyed`},
		{name: "the list is not whole", want: Undecided, says: "not whole: n2 was killed", text: `
			split 1-5-6 n1,c|n2,d
			2-2.01 c write s.r=1 ok
			2-2.01 d write s.r=2 ok
			unlisted n2 was killed
			final 9 n1 s r:2`},
		{name: "lost by a crash of the only copy", want: OK, excuse: 1, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c add s.a=1 ok copies=1
			kill 4 n1
			final 9 n1 s`},
		{name: "destroyed by a side whose only node was killed: nothing was given up", want: OK, excuse: 1, text: `
			split 1-5-6 n1,c|n2,d
			2-2.01 c add s.a=1 ok copies=2
			2-2.01 d destroy s ok copies=1
			kill 4 n2
			final 9 n1 s a:1`},
		{name: "destroyed by a side whose node was killed, and gone all the same", want: Violated, says: "wrote a or ended it", text: `
			split 1-5-6 n1,c|n2,d
			2-2.01 c add s.a=1 ok copies=2
			2-2.01 d destroy s ok copies=1
			kill 4 n2
			final 9 n1 s gone=destroyed`},
		{name: "no final read", want: Undecided, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c add s.a=1 ok
			final 9 n1 s error`},
		{name: "the times of a session, set on both sides", want: OK, text: `
			split 1-5-6 n1,c|n2,d
			0-0.5 c create s ok
			2-3 c configure s ok idle=60
			2-3 d configure s ok idle=90
			conflict s
			final 9 n1 s`},
		{name: "the times of a session, set on one side", want: Violated, says: "the times of session s", text: `
			split 1-5-6 n1,c|n2,d
			0-0.5 c create s ok
			2-3 c configure s ok
			conflict s
			final 9 n1 s`},
	})
}
