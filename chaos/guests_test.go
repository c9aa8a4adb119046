package chaos

import "testing"

func TestWhoMayBeSeen(t *testing.T) {
	c := &cluster{members: make([]*member, 3), guests: []*guest{{}, {}}}
	want := func(least, most int) {
		t.Helper()
		if a, b := c.company(); a != least || b != most {
			t.Errorf("%d to %d members may be seen, want %d to %d", a, b, least, most)
		}
	}
	want(3, 3)
	g := c.guests[0]
	if !g.enter() || g.enter() {
		t.Error("a guest that comes may come once")
	}
	want(3, 4)
	g.become(present)
	want(4, 4)
	c.guests[1].enter()
	want(4, 5)
	g.become(passing)
	want(3, 5)
	g.become(away)
	want(3, 4)
}
