package replica

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// named gives a commit a request id, so that it can be sent to both sides.
func (s *split) named(seq uint64, c *Commit) *Commit {
	c.Request, c.NotAfter = RequestID{7, seq}, s.now.Wall+5_000
	return c
}

// lost is what merges gave up, each once.
func (s *split) lost() (lost []string) {
	for _, l := range s.conflicts {
		lost = append(lost, fmt.Sprint(l.Attr, " ", words[l.Cause]))
	}
	return lost
}

// value is an attribute of session 0 as the winner has it.
func (s *split) value(name string) string {
	s.t.Helper()
	res := s.load(&Load{Key: key("0")})
	if res.Session == nil {
		return res.Err().Error()
	}
	v, _ := res.Session.Get(name)
	return string(v)
}

// A request that took effect on both sides is one write: it is no conflict with itself, and what a side wrote after it
// stands although the other side's effect came later.
func TestRequestSentToBothSides(t *testing.T) {
	r := func(s *split) *Commit { return s.named(1, set("0", "a", "r")) }
	w := func(name, value string) func(*split) *Commit {
		return func(s *split) *Commit { return s.named(uint64(10+value[0]), set("0", name, value)) }
	}
	ends := func(*split) *Commit { return destroy("0") }
	begins := func(s *split) *Commit { return s.named(2, create("1", "a", "r")) }
	times := func(s *split) *Commit { return s.named(3, configure("0", time.Hour)) }
	renews := func(s *split) *Commit {
		c := s.named(4, set("0", "a", "r"))
		c.Renew = "1"
		return c
	}
	type side []func(*split) *Commit
	for _, c := range []struct {
		name          string
		first, second side // the second side begins when the first has ended
		want          string
		lost          []string
		third         side // the first side again
	}{
		{"alone", side{r}, side{r}, "r", nil, nil},
		{"overwritten before it came again", side{r, w("a", "s")}, side{r}, "s", nil, nil},
		{"overwritten after it came again", side{r}, side{r, w("a", "s")}, "s", nil, nil},
		{"overwritten on both sides", side{r, w("a", "s")}, side{r, w("a", "t")}, "t", []string{"a overwritten"}, nil},
		{"written before it came again", side{w("a", "s"), r}, side{r}, "r", nil, nil},
		{"what lay before it on the other side is later", side{r}, side{w("a", "s"), r}, "s", nil, nil},
		{"written on both sides, and hidden by it", side{r, w("a", "s")}, side{w("a", "t"), r}, "t", []string{"a overwritten"}, nil},
		{"written on, and hidden by it", side{r}, side{w("a", "s"), r, w("a", "t"), w("b", "t")}, "t", nil, nil},
		{"another write beside it", side{w("b", "s"), r}, side{w("b", "t"), r}, "r", []string{"b overwritten"}, nil},
		{"ended before it came again", side{r, ends}, side{r}, ErrDestroyed.Error(), nil, nil},
		{"ended after it came again", side{r}, side{r, ends}, ErrDestroyed.Error(), nil, nil},
		{"written beside an end", side{r, ends}, side{r, w("b", "s")}, ErrDestroyed.Error(), []string{"b destroyed"}, nil},
		{"created", side{begins}, side{begins}, "0", nil, nil},
		{"the times", side{times}, side{times}, "0", nil, nil},
		{"renewed", side{renews}, side{renews}, ErrDestroyed.Error(), nil, nil},
		{"what lay before it on the other side is earlier", side{w("a", "s")}, side{r}, "r", []string{"a overwritten"}, side{r}},
		{"what lay before it is earlier, and it was hidden", side{w("a", "s")}, side{r, w("a", "t")}, "t", []string{"a overwritten"}, side{r}},
		{"what lay before it is earlier, and written on", side{w("a", "s")}, side{r}, "t", nil, side{r, w("a", "t")}},
		{"what lay before two is earlier", side{w("a", "s")}, side{r, w("a", "t")}, "t", []string{"a overwritten"}, side{r, w("a", "t")}},
		{"what lay before it is earlier, and ended", side{w("a", "s")}, side{r, ends}, ErrDestroyed.Error(), []string{"a destroyed"}, side{r}},
	} {
		for _, loserFirst := range []bool{false, true} {
			for _, touched := range []bool{false, true} {
				t.Run(fmt.Sprint(c.name, " loser first ", loserFirst, " touched ", touched), func(t *testing.T) {
					s := newSplit(t, nil, create("0", "a", "0"))
					write := func(side side) {
						for _, m := range side {
							s.must(m(s))
							s.sleep(time.Millisecond)
						}
					}
					if loserFirst {
						s.onLoser(func() { write(c.first) })
						write(c.second)
						s.onLoser(func() { write(c.third) })
					} else {
						write(c.first)
						s.onLoser(func() { write(c.second) })
						write(c.third)
					}
					if touched {
						s.touch("0")
					}
					s.merged()
					if got := s.value("a"); got != c.want {
						t.Errorf("a is %q, want %q", got, c.want)
					}
					if i, ok := s.slot(3).lookup(key("0")).newest.find("a"); ok && c.want == "r" {
						a := s.slot(3).lookup(key("0")).newest.Attrs[i]
						q, _ := s.slot(3).requests.find(RequestID{7, 1})
						if a.Stamp != q.Stamp {
							t.Errorf("the write has the stamp %v, and the backup remembers %v", a.Stamp, q.Stamp)
						}
					}
					if d := cmp.Diff(c.lost, s.lost()); d != "" && !(touched && len(c.lost) > 0) {
						t.Errorf("conflicts (-want +got):\n%s", d)
					}
				})
			}
		}
	}
}

// touch heals, and has the winner fetch one session ahead of the others.
func (s *split) touch(id string) {
	s.heal()
	s.deliver(s.wire[0])
	s.wire = nil
	s.step(2, func(slot *Slot, fx *Effects) { slot.Merged(s.now, key(id), fx) })
	s.run()
}

// A split may last longer than the requests that were under way when it began. They are known for twins all the same, by
// the side that wins and by copies that it has filled and handed the slot to meanwhile.
func TestRequestSentToBothSidesOfALongSplit(t *testing.T) {
	for _, moved := range []bool{false, true} {
		s := newSplit(t, nil, create("0", "a", "0"))
		s.sleep(-time.Second)
		c := s.named(1, set("0", "a", "r"))
		s.onLoser(func() { s.must(c) })
		s.must(c)
		for range 40 {
			s.sleep(10 * time.Millisecond)
			s.must(s.named(uint64(s.now.Mono), set("0", "b", "x"))) // under way as well
		}
		s.pass(2 * time.Minute)
		late := s.named(2, set("0", "b", "s"))
		s.must(late)
		if moved {
			s.fill(4)
			s.claim = Claim{Epoch: 4, Primary: 4, Backups: []Boot{2, 3}, Lineage: Took(s.claim.Lineage, 4, 4, s.slot(2).Newest())}
			s.follow(2)
			s.follow(3)
			s.lead(4, []uint64{s.slot(2).tail.head, s.slot(3).tail.head})
		}
		s.pass(5 * time.Minute)
		s.heal()
		s.run()
		if got := s.slot(1).role; got != Absent {
			t.Fatalf("moved %v: the holder is %d", moved, got)
		}
		if len(s.conflicts) > 0 {
			t.Errorf("moved %v: %d conflicts: %v", moved, len(s.conflicts), s.lost())
		}
		if s.primary().requests.knows(late.Request) {
			t.Errorf("moved %v: a request is remembered that began long after the sides had parted", moved)
		}
		s.pass(20 * time.Minute)
		if got := s.primary().requests.byID.len(); got > 0 {
			t.Errorf("moved %v: %d requests are remembered for ever", moved, got)
		}
	}
}

// A copy may arrive in the last moment, as the network heals, and the merge comes a little later.
func TestRequestIsKnownWhenItIsOver(t *testing.T) {
	s := newSplit(t, nil, create("0", "a", "0"))
	s.pass(10 * time.Minute)
	c := s.named(1, set("0", "a", "r"))
	s.onLoser(func() { s.must(c) })
	s.pass(5 * time.Second)
	s.must(c)
	s.pass(4 * time.Second)
	s.merged()
	if len(s.conflicts) > 0 {
		t.Errorf("%d conflicts: %v", len(s.conflicts), s.lost())
	}
	s.pass(10 * time.Second)
	if got := s.primary().requests.byID.len(); got > 0 {
		t.Errorf("%d requests are remembered though no side has parted for long", got)
	}
}

// A lock that was asked for on both sides writes nothing, and makes no writes one.
func TestLockAskedForOnBothSides(t *testing.T) {
	for _, loserFirst := range []bool{false, true} {
		s := newSplit(t, nil, create("0", "a", "0"))
		work := func(seq uint64, value string) {
			s.must(s.named(seq, set("0", "a", value)))
			s.token++
			ask := s.token
			s.step(s.claim.Primary, func(slot *Slot, fx *Effects) {
				slot.Lock(s.now, ask, &Lock{Key: key("0"), Request: RequestID{7, 9}, NotAfter: s.now.Wall + 5000, Lease: time.Second}, fx)
			})
			s.run()
			s.wantStatus(ask, StatusOK)
			s.sleep(time.Millisecond)
		}
		if loserFirst {
			s.onLoser(func() { work(1, "x") })
			work(2, "y")
		} else {
			work(1, "x")
			s.onLoser(func() { work(2, "y") })
		}
		s.merged()
		if got := s.value("a"); got != "y" {
			t.Errorf("loser first %v: a is %q, want y, which was written later", loserFirst, got)
		}
		if d := cmp.Diff([]string{"a overwritten"}, s.lost()); d != "" {
			t.Errorf("loser first %v: conflicts (-want +got):\n%s", loserFirst, d)
		}
	}
}
