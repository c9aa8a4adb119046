package check

import "testing"

func TestLocks(t *testing.T) {
	judge(t, (*Judge).Locks, []scenario{
		{name: "no locks", want: Nothing, text: `
			0-1 c add s.a=1 ok`},
		{name: "one after the other", want: OK, looked: 4, text: `
			0-1 c lock s ok granted=01
			1-2 c use s ok token=01
			2-3 c unlock s ok token=01
			1-4 d lock s ok granted=02
			4-5 d use s ok token=02
			5-6 c use s refused token=01
			6-7 e lock s refused`},
		{name: "tokens fall", want: Violated, says: "token 01 was granted after token 02", text: `
			0-1 c lock s ok granted=02
			1-2 c unlock s ok token=02
			2-3 d lock s ok granted=01`},
		{name: "tokens fall after one that rose", want: Violated, text: `
			0-1 c lock s ok granted=02
			1-2 c unlock s ok token=02
			2-3 d lock s ok granted=09
			3-4 d unlock s ok token=09
			4-5 c lock s ok granted=03`},
		{name: "the same token twice", want: Violated, says: "token 01 was granted after token 01", text: `
			0-9 c lock s ok granted=01
			2-3 d lock s ok granted=01`},
		{name: "sessions have tokens of their own", want: OK, text: `
			0-1 c lock s ok granted=02
			2-3 d lock r ok granted=01`},
		{name: "the resource accepts an old token", want: Violated, says: "accepted token 01 after it had accepted 02", text: `
			0-1 c lock s ok granted=01
			kill 1.5 n1
			2-3 d lock s ok granted=02
			3-4 d use s ok token=02
			5-6 c use s ok token=01`},
		{name: "an old token, two later ones before", want: Violated, says: "accepted token 02 after it had accepted 03", text: `
			kill 0 n1
			0-1 c lock s ok granted=01
			1-2 c lock s ok granted=02
			2-3 d lock s ok granted=03
			3-4 d use s ok token=03
			5-6 c use s ok token=03
			6-7 c use s ok token=02`},
		{name: "in a split the resource is still one", want: Violated, text: `
			split 0-9-10 n1,c|n2,d
			0-1 c lock s ok granted=01
			1-2 d lock s ok granted=02
			3-4 d use s ok token=02
			5-6 c use s ok token=01`},
		{name: "accepted at the same time", want: OK, text: `
			kill 0 n1
			0-1 c lock s ok granted=01
			2-3 d lock s ok granted=02
			3-6 d use s ok token=02
			5-7 c use s ok token=01`},
		{name: "a token that nobody has", want: Violated, says: "which nobody was granted", text: `
			0-1 c lock s ok granted=01
			3-4 d use s ok token=07`},
		{name: "it may be that of a grant without an answer", want: OK, text: `
			0-1 c lock s ok granted=01
			1-2 d lock s unknown
			3-4 d use s ok token=07`},
		{name: "two hold it, and each releases it", want: Violated, says: "two held the lock at 2.000 s", text: `
			kill 0 n1
			0-1 c lock s ok granted=01
			1-2 d lock s ok granted=02
			3-4 c unlock s ok token=01
			4-5 d unlock s ok token=02`},
		{name: "two hold it, a commit proves", want: Violated, says: "two held", text: `
			kill 0 n1
			0-1 c lock s ok granted=01
			1-2 d lock s ok granted=02
			3-4 c write s.a=1 ok token=01
			4-5 c unlock s refused token=01`},
		{name: "one only believes, and a fault ended it", want: OK, text: `
			0-1 c lock s ok granted=01
			kill 1 n1
			1-2 d lock s ok granted=02
			3-4 c use s refused token=01
			4-5 c unlock s refused token=01`},
		{name: "one only believes, and nothing happened", want: Violated, says: "until 4.000 s", text: `
			0-1 c lock s ok granted=01
			1-2 d lock s ok granted=02
			3-4 c use s refused token=01
			4-5 c unlock s refused token=01`},
		{name: "a fault long before", want: Violated, text: `
			pause 0-1 n1
			50-51 c lock s ok granted=01
			51-52 d lock s ok granted=02
			54-55 c unlock s refused token=01`},
		{name: "a late use after the release", want: OK, text: `
			0-1 c lock s ok granted=01
			1-2 c unlock s ok token=01
			2-3 d lock s ok granted=02
			4-5 c use s refused token=01`},
		{name: "one only believes, and a split ended it", want: OK, text: `
			0-1 c lock s ok granted=01
			split 1-9-10 n1,c|n2,d
			2-3 d lock s ok granted=02
			4-5 c unlock s unknown token=01`},
		{name: "each side of a split has a holder", want: OK, text: `
			split 0-9-10 n1,c|n2,d
			1-2 c lock s ok granted=02
			1-2 d lock s ok granted=01
			5-6 c unlock s ok token=02
			5-6 d unlock s ok token=01`},
		{name: "tokens of different sides have no order", want: OK, text: `
			split 0-9-10 n1,c|n2,d
			1-2 c lock s ok granted=05
			2-3 c unlock s ok token=05
			3-4 d lock s ok granted=03`},
		{name: "granted in the order of tokens, answered in another", want: OK, text: `
			kill 0 n1
			0-5 c lock s ok granted=02
			1-6 d lock s ok granted=01`},
		{name: "one side of a split has two", want: Violated, text: `
			split 0-9-10 n1,c,d|n2
			1-2 c lock s ok granted=01
			1-2.1 d lock s ok granted=02
			5-6 c unlock s ok token=01
			5-6 d unlock s ok token=02`},
		{name: "after the split tokens rise again", want: Violated, says: "after token 09", text: `
			split 0-9-10 n1,c|n2,d
			1-2 c lock s ok granted=09
			3-4 c unlock s ok token=09
			11-12 d lock s ok granted=05`},
	})
}
