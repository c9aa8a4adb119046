package replica

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// split is one slot on two sides: boot 2 leads with boot 3 behind it, and boot 1, which led all of them, goes on alone.
type split struct {
	*rig
	loser Claim
}

// newSplit commits before to all, then parts them.
func newSplit(t *testing.T, change func(*Config), before ...*Commit) *split {
	s := &split{rig: newRig(t, 2, change)}
	s.rig.claim.Lineage = Took(nil, 1, 1, Stamp{})
	for b := Boot(1); b <= 3; b++ {
		s.slot(b).lineage = s.rig.claim.Lineage
	}
	for _, c := range before {
		s.must(c)
	}
	common := s.claim
	s.sleep(time.Second)
	s.loser = Claim{Epoch: 2, Primary: 1, Lineage: Took(common.Lineage, 2, 1, s.slot(1).Newest())}
	s.claim = s.loser
	s.lead(1, nil)
	s.claim = Claim{Epoch: 3, Primary: 2, Backups: []Boot{3}, Lineage: Took(common.Lineage, 3, 2, s.slot(2).Newest())}
	s.follow(3)
	s.lead(2, []uint64{s.slot(3).tail.head})
	s.sleep(time.Second)
	return s
}

// onLoser lets f speak to the other side.
func (s *split) onLoser(f func()) {
	winner := s.claim
	s.claim = s.loser
	f()
	s.claim = winner
}

// heal makes the loser a holder and sends its first chunk; run carries on.
func (s *split) heal() {
	s.step(1, func(slot *Slot, fx *Effects) {
		slot.Retire(s.claim, fx)
		slot.OfferNext(s.now, s.claim.Primary, uint64(s.now.Mono), fx)
	})
}

// merged heals, carries everything, and fails unless both copies on the winning side are equal and the holder is empty.
func (s *split) merged() {
	s.t.Helper()
	s.heal()
	s.run()
	if got := s.slot(1); got.role != Absent {
		s.t.Errorf("the holder is %d with %d sessions", got.role, got.records.len())
	}
	if got, want := dump(s.slot(3)), dump(s.slot(2)); got != want {
		s.t.Errorf("backup has\n%swant\n%s", got, want)
	}
}

func TestOfferSendsOnlyWhatDiffers(t *testing.T) {
	var before []*Commit
	for i := range 2000 {
		before = append(before, create(fmt.Sprint(i), "a", "x"))
	}
	s := newSplit(t, nil, before...)
	s.onLoser(func() { s.must(set("7", "a", "y")); s.must(create("new")) })
	s.heal()
	var sent []string
	for len(s.wire) > 0 {
		if o, ok := s.wire[0].msg.(*Offer); ok {
			for _, p := range o.Parts {
				sent = append(sent, p.Session.Key.ID)
			}
		}
		m := s.wire[0]
		s.wire = s.wire[1:]
		s.deliver(m)
	}
	slices.Sort(sent)
	if d := cmp.Diff([]string{"7", "new"}, sent); d != "" {
		t.Errorf("sessions sent (-want +got):\n%s", d)
	}
	if v, _ := s.load(&Load{Key: key("7")}).Session.Get("a"); string(v) != "y" {
		t.Errorf("got %q after the heal, want y", v)
	}
}

// Whoever asks the winner after the loser has stopped sees what the loser acknowledged, long before all is merged.
func TestFirstTouchMergesBeforeItIsAnswered(t *testing.T) {
	s := newSplit(t, nil, create("both", "a", "old"))
	s.onLoser(func() { s.must(set("both", "a", "new")); s.must(create("other")) })
	s.heal()
	s.deliver(s.wire[0]) // the first chunk alone: there is something
	s.wire = nil
	for _, id := range []string{"both", "other"} {
		ask := func() (merged bool) {
			s.step(2, func(slot *Slot, fx *Effects) { merged = slot.Merged(s.now, key(id), fx) })
			return merged
		}
		if ask() {
			t.Fatalf("%s is answered before the holder was asked", id)
		}
		s.deliver(s.wire[0]) // fetch
		fetched := s.wire[1]
		s.wire = nil
		s.deliver(fetched)
		if ask() {
			t.Errorf("%s is answered before it is on the backup", id)
		}
		s.run()
		if !ask() {
			t.Errorf("%s is not answered though it is merged everywhere", id)
		}
	}
	if v, _ := s.load(&Load{Key: key("both")}).Session.Get("a"); string(v) != "new" {
		t.Errorf("got %q, want new", v)
	}
	if got := s.load(&Load{Key: key("other")}).Status; got != StatusOK {
		t.Errorf("a session created on the losing side: %v", got)
	}
}

// TestOfferThatIsOverEnds: a holder begins to offer to one side's primary, then another side's merges all that it holds, and
// is outranked. The first must not wait for the rest for ever: the slot would never move home.
func TestOfferThatIsOverEnds(t *testing.T) {
	s := newSplit(t, nil, create("both"))
	s.heal()
	s.deliver(s.wire[0]) // the first chunk
	s.wire = nil
	s.slot(1).Drop() // the other primary has confirmed everything
	if !s.slot(2).Reuniting() {
		t.Fatal("no offer began")
	}
	s.step(2, func(slot *Slot, fx *Effects) { slot.AskOffering(fx) })
	s.run()
	if s.slot(2).Reuniting() {
		t.Error("the primary still waits for what the holder has")
	}
}

func TestUnknownSessionIsAskedForBeforeNotFound(t *testing.T) {
	s := newSplit(t, nil)
	s.onLoser(func() { s.must(create("other")) })
	s.heal()
	s.deliver(s.wire[0])
	s.wire = nil
	s.step(2, func(slot *Slot, fx *Effects) {
		if slot.Merged(s.now, key("nobody's"), fx) {
			t.Error("not found is answered before the holder was asked")
		}
	})
	s.run()
	s.step(2, func(slot *Slot, fx *Effects) {
		if !slot.Merged(s.now, key("nobody's"), fx) || len(fx.Send) > 0 {
			t.Error("a session that the holder does not have either is asked for again")
		}
	})
}

func TestRequestOfTheOtherSideTakesEffectOnce(t *testing.T) {
	for _, touched := range []bool{false, true} {
		s := newSplit(t, nil, create("0", "n", "0"))
		c := set("0", "n", "1")
		c.Request, c.NotAfter = RequestID{5, 6}, s.now.Wall+30_000
		var first Result
		s.onLoser(func() { first = s.must(c) })
		s.must(set("0", "m", "1"))
		if touched {
			s.heal()
			s.deliver(s.wire[0])
			s.wire = nil
			s.step(2, func(slot *Slot, fx *Effects) { slot.Merged(s.now, key("0"), fx) })
			s.run()
		} else {
			s.merged()
		}
		if got := s.must(c); got.Stamp != first.Stamp {
			t.Errorf("touched %v: the retry took effect at %v, the request at %v", touched, got.Stamp, first.Stamp)
		}
		if !s.slot(3).requests.knows(c.Request) {
			t.Errorf("touched %v: the backup does not know the request", touched)
		}
	}
}

func TestRetryIsNotAnsweredBeforeItsRequestIsOnTheBackups(t *testing.T) {
	s := newSplit(t, nil, create("0"))
	c := set("0", "n", "1")
	c.Request, c.NotAfter = RequestID{5, 6}, s.now.Wall+30_000
	s.onLoser(func() { s.must(c) })
	s.heal()
	for !s.slot(2).requests.knows(c.Request) {
		m := s.wire[0]
		s.wire = s.wire[1:]
		s.deliver(m)
	}
	s.wantStatus(s.send(c), StatusUnavailable)
}

func TestConflicts(t *testing.T) {
	for _, c := range []struct {
		name   string
		winner []*Commit // in this order, the loser's second in between
		loser  []*Commit
		want   []string
	}{
		{"different attributes", []*Commit{set("0", "a", "1")}, []*Commit{set("0", "b", "1")}, nil},
		{"only one side", nil, []*Commit{set("0", "a", "1"), set("0", "a", "2")}, nil},
		{"the same attribute", []*Commit{set("0", "a", "1")}, []*Commit{set("0", "a", "2"), set("0", "b", "2")}, []string{"a overwritten"}},
		{"deleted and set", []*Commit{{Key: key("0"), Changes: []Change{{Name: "a", Delete: true}}}}, []*Commit{set("0", "a", "2")}, []string{"a overwritten"}},
		{"destroyed and set", []*Commit{destroy("0")}, []*Commit{set("0", "a", "2", "b", "2")}, []string{"a destroyed", "b destroyed"}},
		{"set and destroyed", []*Commit{set("0", "b", "1")}, []*Commit{destroy("0")}, []string{"b destroyed"}},
		{"both destroyed", []*Commit{destroy("0")}, []*Commit{destroy("0")}, nil},
		{"settings", []*Commit{configure("0", time.Hour)}, []*Commit{configure("0", time.Minute)}, []string{" settings"}},
		{"both created", []*Commit{create("1", "a", "1")}, []*Commit{create("1", "a", "2")}, []string{"a overwritten", " settings"}},
	} {
		for _, loserFirst := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, loserFirst), func(t *testing.T) {
				s := newSplit(t, nil, create("0", "a", "0"))
				write := func(commits []*Commit) {
					for _, m := range commits {
						m := *m
						m.NotAfter = 0
						s.must(&m)
						s.sleep(time.Millisecond)
					}
				}
				if loserFirst {
					s.onLoser(func() { write(c.loser) })
					write(c.winner)
				} else {
					write(c.winner)
					s.onLoser(func() { write(c.loser) })
				}
				s.merged()
				var got []string
				for _, l := range s.conflicts {
					if !l.Lost.Less(l.Kept) && l.Cause != CauseDestroyed {
						t.Errorf("%v lost to the earlier %v", l.Lost, l.Kept)
					}
					got = append(got, fmt.Sprint(l.Attr, " ", words[l.Cause]))
				}
				if d := cmp.Diff(c.want, got); d != "" {
					t.Errorf("conflicts (-want +got):\n%s", d)
				}
			})
		}
	}
}

var words = []string{"overwritten", "destroyed", "expired", "settings"}

func configure(id string, idle time.Duration) *Commit {
	return &Commit{Key: key(id), Configure: true, Idle: idle}
}

// A session that expired on one side and was used on the other lives on; one that expired on the side of the last access
// is over, and what the other wrote before is listed.
func TestConflictWithAnExpiry(t *testing.T) {
	c := create("0", "a", "0")
	c.Idle, c.Configure = 10*time.Second, true
	s := newSplit(t, nil, c)
	s.onLoser(func() { s.must(set("0", "a", "1")) })
	s.sleep(time.Millisecond)
	s.must(set("0", "b", "1"))
	s.pass(20 * time.Second) // over on both sides
	s.merged()
	if got := s.load(&Load{Key: key("0")}).Status; got != StatusExpired {
		t.Errorf("expired on both sides: %v", got)
	}
}

func TestParted(t *testing.T) {
	turns := func(primaries ...Boot) []Turn {
		var l []Turn
		for i, p := range primaries {
			l = append(l, Turn{Epoch: uint64(i + 1), Primary: p, Clock: uint64(10*i) + uint64(p)})
		}
		return l
	}
	for _, c := range []struct {
		name string
		a, b []Turn
		want uint64
	}{
		{"the same", turns(1, 2), turns(1, 2), 1<<64 - 1},
		{"one went on", turns(1, 2), turns(1, 2, 3), 23},
		{"both went on", turns(1, 2, 4), turns(1, 2, 3), 23},
		{"at the root", turns(1, 2, 3), turns(1, 4, 5), 12},
		{"nothing in common", turns(1, 2), turns(3, 4), 0},
		{"forgotten", turns(1, 2, 3)[1:], turns(1, 4)[1:], 0},
	} {
		if got := parted(c.a, c.b); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
		if got := parted(c.b, c.a); got != c.want {
			t.Errorf("%s, the other way round: got %d, want %d", c.name, got, c.want)
		}
	}
}

func TestLineageIsBounded(t *testing.T) {
	var c Claim
	for i := range Boot(20) {
		c.Lineage = Took(c.Lineage, uint64(i+1), i+1, Stamp{Clock: uint64(i)})
		c.Lineage = Took(c.Lineage, uint64(i+1), i+1, Stamp{Clock: 99}) // goes on: no turn
	}
	if got, want := len(c.Lineage), LineageMax; got != want || c.Lineage[want-1] != (Turn{20, 20, 19}) || c.Lineage[0].Epoch != 13 {
		t.Errorf("got %v", c.Lineage)
	}
}

// A commit that is to take effect only on the version that its client has read does so on no other: not on a merge of that version
// with what another side wrote, whichever of them was written last.
func TestMergeIsAnotherVersion(t *testing.T) {
	for _, c := range []struct {
		name          string
		winner, loser string // the attribute that each writes, if it does
		loserLast     bool
		known         string // whose version the client has read
		want          Status
	}{
		{"both wrote, the loser last, read from it", "a", "b", true, "loser", StatusChanged},
		{"both wrote, the loser last, read from the winner", "a", "b", true, "winner", StatusChanged},
		{"both wrote, the winner last, read from it", "a", "b", false, "winner", StatusChanged},
		{"both wrote, the winner last, read from the loser", "a", "b", false, "loser", StatusChanged},
		{"both wrote the same attribute, the winner last", "a", "a", false, "winner", StatusOK},
		{"both wrote the same attribute, the loser last", "a", "a", true, "loser", StatusOK},
		{"only the winner wrote", "a", "", false, "winner", StatusOK},
		{"only the loser wrote", "", "b", true, "loser", StatusOK},
		{"only the loser wrote, read from the winner", "", "b", true, "winner", StatusChanged},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSplit(t, nil, create("0", "a", "0"))
			known := map[string]Stamp{"winner": s.newest("0"), "loser": s.newest("0")}
			write := func(side, name string) {
				if name != "" {
					known[side] = s.must(set("0", name, side)).Stamp
				}
			}
			if !c.loserLast {
				s.onLoser(func() { write("loser", c.loser) })
				s.sleep(time.Millisecond)
			}
			write("winner", c.winner)
			s.sleep(time.Millisecond)
			if c.loserLast {
				s.onLoser(func() { write("loser", c.loser) })
			}
			s.merged()
			commit := set("0", "c", "x")
			commit.If = known[c.known]
			if got := s.commit(commit).Status; got != c.want {
				t.Errorf("a commit on top of what the %s had: %v, want %v", c.known, got, c.want)
			}
		})
	}
}

// newest is the stamp of a session as the winner has it.
func (s *split) newest(id string) Stamp {
	s.t.Helper()
	return s.load(&Load{Key: key(id)}).Stamp
}
