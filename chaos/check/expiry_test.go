package check

import "testing"

func TestExpiry(t *testing.T) {
	judge(t, (*Judge).Expiry, []scenario{
		{name: "no times", want: Nothing, text: `
			0-1 c create s ok
			1-2 c load s ok
			final 9 n1 s`},
		{name: "on time", want: OK, looked: 3, text: `
			0-1 c create s ok idle=4
			3-4 c load s ok
			9-10 c load s ok gone=expired
			final 12 n1 s gone=expired`},
		{name: "early", want: Violated, says: "should have lived until 7.000 s at least: load by c", text: `
			0-1 c create s ok idle=4
			3-4 c load s ok
			6-6.9 c load s ok gone=expired`},
		{name: "early by a refused commit", want: Violated, text: `
			0-1 c create s ok idle=4
			3-4 c touch s ok
			6-6.9 c add s.a=1 refused gone=expired`},
		{name: "early at the end", want: Violated, says: "load by final read", text: `
			0-1 c create s ok idle=40
			final 12 n1 s gone=expired`},
		{name: "the access was not answered", want: OK, text: `
			0-1 c create s ok idle=4
			3-4 c load s failed
			3-4 c touch s unknown notafter=5
			6-6.9 c load s ok gone=expired`},
		{name: "peeks are no accesses", want: OK, text: `
			0-1 c create s ok idle=4
			3-4 c load s ok peek
			6-6.9 c load s ok gone=expired`},
		{name: "the shorter of two time-outs may hold", want: OK, text: `
			0-1 c create s ok idle=40
			1-2 c configure s unknown idle=4 notafter=3
			8-8.9 c load s ok gone=expired`},
		{name: "late", want: Violated, says: "should have expired by 8.000 s", text: `
			0-1 c create s ok idle=4
			8.1-8.2 c load s ok`},
		{name: "the touch interval and the limit are allowed for", want: OK, text: `
			0-1 c create s ok idle=4
			7.9-8.2 c load s ok`},
		{name: "late at the end", want: Violated, text: `
			0-1 c create s ok idle=4
			final 9 n1 s`},
		{name: "late, seen by a peek after a peek", want: Violated, found: 2, text: `
			0-1 c create s ok idle=4
			9-9.1 c load s ok peek
			12-12.1 c load s ok peek`},
		{name: "an access without an answer may have counted", want: OK, text: `
			0-1 c create s ok idle=4
			3-4 c touch s unknown notafter=5
			11.9-12 c load s ok`},
		{name: "but not after its time", want: Violated, says: "should have expired by 12.000 s", text: `
			0-1 c create s ok idle=4
			3-4 c touch s unknown notafter=5
			12.1-12.2 c load s ok`},
		{name: "never, if it may still count", want: OK, text: `
			0-1 c create s ok idle=4
			3-4 c touch s unknown
			99-100 c load s ok`},
		{name: "a copy of an access may be on its way until its time", want: OK, text: `
			1-2 c create s ok idle=4
			3-4 c touch s ok notafter=7
			13-13.1 c load s ok peek`},
		{name: "and not longer", want: Violated, says: "should have expired by 14.000 s", text: `
			1-2 c create s ok idle=4
			3-4 c touch s ok notafter=7
			15-15.1 c load s ok peek`},
		{name: "even of one that found nothing where it was answered", want: OK, text: `
			split 2-6-7 n1,c|n2,d
			1-2 c create s ok idle=4
			3-4 c load s ok gone=expired notafter=7
			13-13.1 c load s ok peek`},
		{name: "but not if it was answered at once", want: Violated, says: "should have expired by 9.000 s", text: `
			split 2-6-7 n1,c|n2,d
			1-2 c create s ok idle=4
			3-3.01 c load s ok gone=expired notafter=7
			13-13.1 c load s ok peek`},
		{name: "nor of one that was answered at once", want: Violated, says: "should have expired by 10.010 s", text: `
			1-2 c create s ok idle=4
			3-3.01 c touch s ok notafter=7
			13-13.1 c load s ok peek`},
		{name: "an access that failed for certain does not count", want: Violated, text: `
			0-1 c create s ok idle=4
			5-6 c touch s failed
			9-10 c load s ok`},
		{name: "a lifetime", want: OK, text: `
			0-1 c create s ok life=10
			9-10 c load s ok
			10-11 c load s ok gone=expired`},
		{name: "a lifetime, early", want: Violated, says: "10.000 s", text: `
			0-1 c create s ok life=10
			9-9.9 c load s ok gone=expired`},
		{name: "a lifetime, late", want: Violated, text: `
			0-1 c create s ok life=10
			9-10 c load s ok
			14-15 c load s ok`},
		{name: "back again", want: Violated, says: "had expired, load by c", text: `
			0-1 c create s ok idle=4
			0-5 c touch s unknown notafter=9
			4.5-5 c load s ok gone=expired
			6-7 c load s ok`},
		{name: "created anew", want: OK, text: `
			0-1 c create s ok idle=4
			5-6 c load s ok gone=expired
			6-7 c create s ok idle=4
			7-8 c load s ok`},
		{name: "destroyed", want: Nothing, text: `
			0-1 c create s ok idle=4
			1-2 c destroy s unknown
			2-3 c load s ok gone=destroyed`},
		{name: "a side that holds no copy", want: OK, text: `
			0-1 c create s ok idle=40
			split 2-9-10 n1,c|n2,d
			3-4 d load s ok gone=expired
			11-12 d load s ok`},
		{name: "the side that had the access", want: Violated, text: `
			0-1 c create s ok idle=40
			split 2-9-10 n1,c|n2,d
			3-4 d load s ok
			4-5 d load s ok gone=expired`},
		{name: "an access on the other side counts after the heal", want: Violated, text: `
			0-1 c create s ok idle=10
			split 2-9-10 n1,c|n2,d
			8-9 c load s ok
			12-13 d load s ok gone=expired`},
		{name: "lost by one crash", want: Violated, text: `
			0-1 c create s ok idle=40
			1-2 c load s ok
			kill 2.5 n1
			3-4 c load s ok gone=expired`},
		{name: "lost by two crashes", want: OK, excuse: 1, text: `
			0-1 c create s ok idle=40
			kill 2 n1,n2
			3-4 c load s ok gone=expired`},
	})
}
