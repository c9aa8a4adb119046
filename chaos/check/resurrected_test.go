package check

import "testing"

func TestResurrected(t *testing.T) {
	judge(t, (*Judge).Resurrected, []scenario{
		{name: "nothing destroyed", want: Nothing, text: `
			0-1 c create s ok
			1-2 c load s ok
			final 9 n1 s`},
		{name: "stays destroyed", want: OK, looked: 3, text: `
			0-1 c create s ok
			1-2 c destroy s ok
			1.5-1.6 d add s.a=1 ok
			3-4 d add s.b=2 refused gone=destroyed
			3-4 d load s ok gone=destroyed
			5-6 e load s unknown
			final 9 n1 s gone=destroyed`},
		{name: "read", want: Violated, says: "came back: load by d", text: `
			1-2 c destroy s ok
			3-4 d load s ok seen=a:1`},
		{name: "a late commit", want: Violated, says: "came back: add b=2", text: `
			1-2 c destroy s ok
			3-4 d add s.b=2 ok`},
		{name: "a commit under way", want: OK, text: `
			1-2 c destroy s ok
			1.9-4 d add s.b=2 ok
			4-5 d load s ok gone=destroyed`},
		{name: "created anew", want: Violated, text: `
			1-2 c destroy s ok
			3-4 d create s ok`},
		{name: "listed", want: Violated, says: "list", text: `
			1-2 c destroy s ok
			3-4 d list - ok listed=r+s`},
		{name: "at the end", want: Violated, says: "n1 has it at the end", text: `
			1-2 c destroy s ok
			final 9 n1 s a:1`},
		{name: "unknown, and nobody saw it destroyed", want: Nothing, text: `
			1-2 c destroy s unknown
			3-4 d load s ok`},
		{name: "unknown, seen destroyed, and back", want: Violated, says: "load by d", text: `
			1-2 c destroy s unknown
			3-4 d load s ok gone=destroyed
			5-6 e load s ok`},
		{name: "seen destroyed by a refused commit, and back", want: Violated, text: `
			1-2 c destroy s unknown
			3-4 d add s.a=1 refused gone=destroyed
			5-6 e touch s ok`},
		{name: "a lock granted", want: Violated, text: `
			1-2 c destroy s ok
			3-4 d lock s ok granted=1`},
		{name: "the resource outside knows nothing of sessions", want: OK, text: `
			1-2 c destroy s ok
			3-4 d use s ok token=1
			final 9 n1 s gone=destroyed`},
		{name: "the only copy of the logout is lost by a crash", want: OK, excuse: 3, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c destroy s ok copies=1
			kill 4 n1
			4.5-4.6 c load s ok
			7-8 d load s ok
			final 9 n2 s a:1`},
		{name: "one of two copies of the logout is lost by a crash", want: Violated, says: "n2 has it at the end", text: `
			split 1-5-6 n1,c|n2,d
			2-3 c destroy s ok copies=2
			kill 4 n1
			final 9 n2 s a:1`},
		{name: "seen to be destroyed after the crash", want: Violated, says: "n2 has it at the end", text: `
			1-2 c destroy s ok copies=1
			kill 4 n1
			5-6 c load s ok gone=destroyed
			final 9 n2 s a:1`},
		{name: "the other side of the split", want: OK, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c destroy s ok
			4-4.5 d add s.b=2 ok
			5.1-5.2 d load s ok
			final 9 n1 s gone=destroyed`},
		{name: "the same side of the split", want: Violated, text: `
			split 1-5-6 n1,c,d|n2
			2-3 c destroy s ok
			4-4.5 d add s.b=2 ok`},
		{name: "the node shows the side", want: Violated, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c destroy s ok node=n1
			4-4.5 d add s.b=2 ok node=n1`},
		{name: "after the heal", want: Violated, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c destroy s ok
			7-8 d load s ok`},
		{name: "after the heal, nobody saw when they merged", want: OK, text: `
			split 1-5 n1,c|n2,d
			2-3 c destroy s ok
			7-8 d load s ok
			final 99 n1 s gone=destroyed`},
		{name: "long after the heal", want: Violated, text: `
			split 1-5 n1,c|n2,d
			2-3 c destroy s ok
			36-37 d load s ok`},
		{name: "before the split: every side knew", want: Violated, text: `
			2-3 c destroy s ok
			split 4-7-8 n1,c|n2,d
			5-6 d load s ok`},
		{name: "before the split, but a node had stood still", want: OK, text: `
			pause 1-3.5 n2
			2-3 c destroy s ok
			split 4-7-8 n1,c|n2,d
			5-6 d load s ok
			final 9 n1 s gone=destroyed`},
		{name: "before the split, and created on a side without copies", want: OK, text: `
			2-3 c destroy s ok
			split 4-7-8 n1,c|n2,d
			5-5.5 d create s ok
			5.6-6 d load s ok
			final 9 n1 s gone=destroyed`},
	})
}
