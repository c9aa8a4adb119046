package check

import "testing"

func TestLost(t *testing.T) {
	judge(t, (*Judge).Lost, []scenario{
		{name: "nobody wrote", want: Nothing, text: `
			0-1 c load s ok seen=
			final 9 n1 s`},
		{name: "all there", want: OK, looked: 2, text: `
			0-1 c add s.a=1 ok
			0-1 d add s.b=2 ok
			1-2 c add s.x=3 unknown
			1-2 c add s.y=4 failed
			final 9 n1 s a:1+b:2`},
		{name: "an element is missing", want: Violated, says: "n1 has the session without b", found: 1, text: `
			0-1 c add s.a=1 ok
			0-1 d add s.b=2 ok
			final 9 n1 s a:1`},
		{name: "one of two nodes has less", want: Violated, says: "n2 has", text: `
			0-1 c add s.a=1 ok
			final 9 n1 s a:1
			final 9 n2 s`},
		{name: "a node was asked again and has it", want: OK, text: `
			0-1 c add s.a=1 ok
			final 9 n1 s
			final 10 n1 s a:1`},
		{name: "the session is gone", want: Violated, says: "gone (not found)", text: `
			0-1 c add s.a=1 ok
			final 9 n1 s gone=expired`},
		{name: "an empty session is gone", want: Violated, says: "create by c", text: `
			0-1 c create s ok
			final 9 n1 s gone=expired`},
		{name: "an empty session is there", want: OK, looked: 1, text: `
			0-1 c create s ok
			final 9 n1 s`},
		{name: "a value that nobody wrote", want: Violated, says: "which nobody wrote", text: `
			0-1 c add s.a=1 ok
			final 9 n1 s a:7`},
		{name: "another wrote it too", want: OK, text: `
			0-1 c write s.a=1 ok
			1-2 d write s.a=2 unknown
			final 9 n1 s a:2`},
		{name: "destroyed", want: Nothing, text: `
			0-1 c add s.a=1 ok
			1-2 c destroy s unknown
			final 9 n1 s gone=destroyed`},
		{name: "a destroy that failed ends nothing", want: Violated, text: `
			0-1 c add s.a=1 ok
			1-2 c destroy s failed
			final 9 n1 s gone=destroyed`},
		{name: "expired", want: OK, text: `
			0-1 c create s ok idle=3
			0-1 c add s.a=1 ok
			final 9 n1 s gone=expired`},
		{name: "cannot have expired yet", want: Violated, text: `
			0-1 c create s ok idle=30
			0-1 c add s.a=1 ok
			final 9 n1 s gone=expired`},
		{name: "no final read", want: Undecided, says: "no final read of it was answered (1 were tried)", text: `
			0-1 c add s.a=1 ok
			final 9 n1 s error`},
		{name: "one copy, one crash", want: OK, excuse: 1, text: `
			0-1 c add s.a=1 ok copies=1
			kill 2 n1
			final 9 n1 s`},
		{name: "one copy, a crash before", want: Violated, text: `
			kill 2 n1
			3-4 c add s.a=1 ok copies=1
			final 9 n1 s`},
		{name: "two copies, one crash", want: Violated, text: `
			0-1 c add s.a=1 ok
			kill 2 n1
			final 9 n1 s`},
		{name: "two copies, two crashes at once", want: OK, excuse: 1, text: `
			0-1 c add s.a=1 ok
			kill 2 n1,n2
			final 9 n1 s`},
		{name: "two copies, a crash and a pause", want: Violated, text: `
			0-1 c add s.a=1 ok
			pause 1.5-20 n2
			kill 2 n1
			final 99 n1 s`},
		{name: "two copies, two crashes apart", want: Violated, text: `
			0-1 c add s.a=1 ok
			kill 2 n1
			kill 40 n2
			final 99 n1 s`},
		{name: "one copy, and time to make another before the crash", want: Violated, text: `
			0-1 c add s.a=1 ok copies=1
			kill 40 n2
			final 99 n1 s`},
		{name: "no node left to make another on", want: OK, excuse: 1, text: `
			run copies=2 nodes=2
			0-1 c add s.a=1 ok
			kill 2 n1
			kill 40 n2
			final 99 n1 s`},
		{name: "written in a split: for another checker", want: Nothing, text: `
			split 0-2-3 a,c|b,d
			0-1 c add s.a=1 ok
			final 9 n1 s`},
		{name: "written before the split", want: Violated, text: `
			0-1 c add s.a=1 ok
			split 2-3-4 a,c|b,d
			final 9 n1 s`},
	})
}
