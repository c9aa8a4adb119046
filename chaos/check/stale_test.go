package check

import "testing"

func TestStale(t *testing.T) {
	judge(t, (*Judge).Stale, []scenario{
		{name: "nothing read", want: Nothing, text: `
			0-1 c add s.a=1 ok`},
		{name: "nothing written before", want: Nothing, text: `
			0-1 c add s.a=1 ok
			0.5-0.6 d load s ok seen=`},
		{name: "all is seen", want: OK, looked: 2, text: `
			0-1 c add s.a=1 ok
			1-2 d add s.b=2 unknown
			2-3 c load s ok seen=a:1+b:2
			3-4 c load s ok seen=a:1+b:2`},
		{name: "an acknowledged element is not seen", want: Violated, says: "a later load does not show it: load by d", text: `
			0-1 c add s.a=1 ok
			2-3 d load s ok seen=b:2`},
		{name: "the session is not found", want: Violated, text: `
			0-1 c add s.a=1 ok
			2-3 d load s ok gone=expired`},
		{name: "a session that was created is not found", want: Violated, says: "it was there, create by c", text: `
			0-1 c create s ok
			2-3 d load s ok gone=expired`},
		{name: "an element that was seen is not any more", want: Violated, says: "b was there", text: `
			0-1 c add s.a=1 ok
			1-2 d add s.b=2 unknown
			2-3 c load s ok seen=a:1+b:2
			3-4 d load s ok seen=a:1`},
		{name: "seen while it was written, and then not", want: Violated, says: "b was there", text: `
			1-9 d add s.b=2 ok
			2-3 c load s ok seen=b:2
			4-5 c load s ok seen=`},
		{name: "loads at the same time may differ", want: OK, text: `
			0-1 c add s.a=1 ok
			1-2 d add s.b=2 unknown
			2-4 c load s ok seen=a:1+b:2
			3-5 d load s ok seen=a:1`},
		{name: "a load without an answer", want: Nothing, text: `
			0-1 c add s.a=1 ok
			2-3 d load s failed`},
		{name: "the other side of a split", want: Nothing, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c add s.a=1 ok
			3-4 d load s ok seen=`},
		{name: "the same side of a split", want: Violated, text: `
			split 1-5-6 n1,c,d|n2
			2-3 c add s.a=1 ok
			3-4 d load s ok seen=`},
		{name: "the side that a client was on is not known", want: Nothing, text: `
			split 1-5-6 n1,c|n2,c
			2-3 c add s.a=1 ok
			3-4 c load s ok seen=`},
		{name: "written before the split", want: Nothing, text: `
			0-0.5 c add s.a=1 ok
			split 1-5-6 n1,c|n2,d
			2-3 d load s ok gone=expired`},
		{name: "while the sides merge", want: Nothing, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c add s.a=1 ok
			5.5-5.6 d load s ok seen=`},
		{name: "after they have merged", want: Violated, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c add s.a=1 ok
			6.1-7 d load s ok seen=`},
		{name: "after they have merged, given up", want: OK, text: `
			split 1-5-6 n1,c|n2,d
			2-3 c add s.a=1 ok
			conflict s.a
			6.1-7 d load s ok seen=`},
		{name: "lost by two crashes", want: OK, text: `
			0-1 c add s.a=1 ok
			kill 2 n1,n2
			3-4 d load s ok gone=expired`},
		{name: "on nodes of which one stands still and one was killed", want: OK, text: `
			0-1 c add s.a=1 ok
			pause 1.5-20 n2
			kill 2 n1
			3-4 d load s ok gone=expired`},
		{name: "seen before one crash", want: Violated, text: `
			0-1 c add s.a=1 unknown
			1-2 c load s ok seen=a:1
			kill 2.5 n1
			3-4 d load s ok seen=`},
		{name: "seen between two crashes: there may be one copy", want: OK, text: `
			kill 0 n2
			0-1 c add s.a=1 unknown
			1-2 c load s ok seen=a:1
			kill 2.5 n1
			3-4 d load s ok seen=`},
		{name: "lost by one crash", want: Violated, text: `
			0-1 c add s.a=1 ok
			kill 2 n1
			3-4 d load s ok gone=expired`},
		{name: "a counter", want: OK, looked: 2, text: `
			0-1 c increment s.n ok out=1
			1-2 c increment s.n unknown
			2-3 d read s.n ok out=1
			3-4 d read s.n ok out=2`},
		{name: "a counter goes back", want: Violated, says: "went back from 2 to 1", found: 1, text: `
			0-1 c increment s.n ok out=1
			1-2 c increment s.n unknown
			2-3 d read s.n ok out=2
			3-4 d read s.n ok out=1`},
		{name: "a counter behind its own answer", want: Violated, says: "went back from 2 to 1", text: `
			0-1 c increment s.n unknown
			1-2 c increment s.n ok out=2
			2-3 d read s.n ok out=1`},
		{name: "a counter behind the acknowledgements", want: Violated, says: "1 after 2 increments", text: `
			0-1 c increment s.n ok
			1-2 c increment s.n ok
			2-3 d read s.n ok out=1`},
		{name: "a counter ahead of everybody", want: Violated, says: "only 1 increments had been tried", text: `
			0-1 c increment s.n ok
			2-3 d read s.n ok out=2
			4-5 c increment s.n ok`},
		{name: "a counter that is none", want: Violated, says: "no number", text: `
			0-1 c increment s.n ok
			2-3 d read s.n ok out=x`},
	})
}
