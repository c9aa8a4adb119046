package replica

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// small are limits that a test can reach.
func small(c *Config) {
	c.Limits = Limits{SessionBytesMax: 20, AttrsMax: 3, NameBytesMax: 5, LifetimeMax: time.Hour, SessionsMax: 12, TailMax: 4}
}

func TestStatusOfEveryCommit(t *testing.T) {
	long := strings.Repeat("x", IDLenMax+1)
	for _, tc := range []struct {
		name   string
		commit *Commit
		want   Status
	}{
		{"create", create("new", "a", "1"), StatusOK},
		{"create what lives", create("live"), StatusExists},
		{"create what was destroyed", create("dead"), StatusDestroyed},
		{"create what expired", create("expired"), StatusOK},
		{"set", set("live", "a", "2"), StatusOK},
		{"set in nothing", set("new", "a", "2"), StatusNotFound},
		{"set in destroyed", set("dead", "a", "2"), StatusDestroyed},
		{"set in expired", set("expired", "a", "2"), StatusExpired},
		{"touch", set("live"), StatusOK},
		{"touch nothing", set("new"), StatusNotFound},
		{"touch destroyed", set("dead"), StatusDestroyed},
		{"destroy", destroy("live"), StatusOK},
		{"destroy nothing", destroy("new"), StatusOK},
		{"destroy destroyed", destroy("dead"), StatusOK},
		{"destroy expired", destroy("expired"), StatusOK},
		{"destroy and set", &Commit{Key: key("live"), Destroy: true, Changes: []Change{{Name: "a"}}}, StatusBadRequest},
		{"destroy if", &Commit{Key: key("live"), Destroy: true, If: Stamp{1, 1}}, StatusBadRequest},
		{"create if", &Commit{Key: key("new"), Create: true, If: Stamp{1, 1}}, StatusBadRequest},
		{"set if changed", &Commit{Key: key("live"), If: Stamp{1, 1}, Changes: []Change{{Name: "a"}}}, StatusChanged},
		{"renew", &Commit{Key: key("live"), Renew: "other"}, StatusOK},
		{"renew nothing", &Commit{Key: key("new"), Renew: "other"}, StatusNotFound},
		{"renew into what lives", &Commit{Key: key("live"), Renew: "live2"}, StatusExists},
		{"renew into what is dead", &Commit{Key: key("live"), Renew: "dead"}, StatusExists},
		{"renew into itself", &Commit{Key: key("live"), Renew: "live"}, StatusBadRequest},
		{"renew and create", &Commit{Key: key("new"), Create: true, Renew: "other"}, StatusBadRequest},
		{"renew into a long id", &Commit{Key: key("live"), Renew: long}, StatusTooLarge},
		{"no application", &Commit{Key: Key{"", "x"}, Create: true}, StatusBadRequest},
		{"no id", create(""), StatusBadRequest},
		{"long id", create(long), StatusTooLarge},
		{"longest id", create(long[1:]), StatusOK},
		{"long application", &Commit{Key: Key{long, "x"}, Create: true}, StatusTooLarge},
		{"unknown durability", &Commit{Key: key("live"), Durability: 3}, StatusBadRequest},
		{"negative idle", &Commit{Key: key("live"), Configure: true, Idle: -1}, StatusBadRequest},
		{"negative lifetime", &Commit{Key: key("live"), Configure: true, Lifetime: -1}, StatusBadRequest},
		{"short idle", &Commit{Key: key("live"), Configure: true, Idle: time.Second - 1}, StatusBadRequest},
		{"shortest idle", &Commit{Key: key("live"), Configure: true, Idle: time.Second}, StatusOK},
		{"longest idle", &Commit{Key: key("live"), Configure: true, Idle: math.MaxInt64}, StatusOK},
		{"longest lifetime", &Commit{Key: key("live"), Configure: true, Lifetime: time.Hour}, StatusOK},
		{"longer lifetime", &Commit{Key: key("live"), Configure: true, Lifetime: time.Hour + 1}, StatusTooLarge},
		{"no not-after", &Commit{Key: key("live"), NotAfter: -1}, StatusBadRequest},
		{"latest not-after", &Commit{Key: key("live"), NotAfter: testWall + 60_500}, StatusOK},
		{"later not-after", &Commit{Key: key("live"), NotAfter: testWall + 60_501}, StatusBadRequest},
		{"earliest not-after", &Commit{Key: key("live"), NotAfter: testWall - 500}, StatusOK},
		{"earlier not-after", &Commit{Key: key("live"), NotAfter: testWall - 501}, StatusTooLate},
		{"longest name", set("live", "12345", ""), StatusOK},
		{"longer name", set("live", "123456", ""), StatusTooLarge},
		{"no name", set("live", "", "x"), StatusBadRequest},
		{"name twice", set("live", "a", "1", "a", "2"), StatusBadRequest},
		{"delete with a value", &Commit{Key: key("live"), Changes: []Change{{"a", []byte("x"), true}}}, StatusBadRequest},
		{"delete", &Commit{Key: key("live"), Changes: []Change{{Name: "a", Delete: true}}}, StatusOK},
		{"most bytes", set("live", "a", strings.Repeat("x", 19)), StatusOK},
		{"more bytes", set("live", "a", strings.Repeat("x", 20)), StatusTooLarge},
		{"most attributes", set("live", "b", "", "c", ""), StatusOK},
		{"more attributes", set("live", "b", "", "c", "", "d", ""), StatusTooMany},
		{"more changes", set("live", "a", "", "b", "", "c", "", "d", ""), StatusTooMany},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, 1, small)
			r.now.Wall -= 7_000
			r.must(&Commit{Key: key("expired"), Create: true, Idle: time.Second})
			r.pass(7 * time.Second)
			r.run()
			r.must(create("live", "a", "1"))
			r.must(create("live2"))
			r.must(create("dead"))
			r.must(destroy("dead"))
			if got := r.commit(tc.commit); got.Status != tc.want {
				t.Errorf("got %v (%s), want %v", got.Status, got.Detail, tc.want)
			}
			for b, s := range r.nodes {
				if err := check(s); err != nil {
					t.Errorf("boot %v: %v", b, err)
				}
			}
			if got, want := dump(r.slot(2)), dump(r.slot(1)); got != want {
				t.Errorf("backup has\n%sprimary\n%s", got, want)
			}
		})
	}
}

func TestManyNamesAreComparedToo(t *testing.T) {
	r := newRig(t, 0, nil)
	c := create("s")
	for i := range 100 {
		c.Changes = append(c.Changes, Change{Name: fmt.Sprint(i * 37 % 100)})
	}
	r.must(c)
	again := set("s")
	again.Changes = append(append(again.Changes, c.Changes...), Change{Name: "50"})
	if got := r.commit(again); got.Status != StatusBadRequest {
		t.Errorf("a name twice among 101: got %v", got.Status)
	}
}

func TestLoadStatuses(t *testing.T) {
	r := newRig(t, 1, nil)
	stamp := r.must(create("s", "a", "1", "b", "2")).Stamp
	r.must(create("dead"))
	r.must(destroy("dead"))
	if got := r.load(&Load{Key: key("nothing")}); got.Status != StatusNotFound {
		t.Errorf("unknown: got %v", got.Status)
	}
	if got := r.load(&Load{Key: key("dead")}); got.Status != StatusDestroyed {
		t.Errorf("destroyed: got %v", got.Status)
	}
	if got := r.load(&Load{Key: key("s"), Known: stamp}); got.Status != StatusOK || got.Session != nil {
		t.Errorf("unchanged: got %+v", got)
	}
	r.must(&Commit{Key: key("s"), Changes: []Change{{Name: "a", Delete: true}}})
	got := r.load(&Load{Key: key("s"), Known: stamp})
	if got.Session == nil || len(got.Session.Attrs) != 1 || got.Session.Attrs[0].Name != "b" {
		t.Errorf("after a deletion: got %+v", got.Session)
	}
}

func TestPendingIsInvisible(t *testing.T) {
	r := newRig(t, 2, nil)
	r.must(create("s", "a", "old"))
	stamp := r.load(&Load{Key: key("s")}).Stamp
	first := r.send(set("s", "a", "new"))
	creating := r.send(create("c"))

	if got, _ := r.result(r.read(&Load{Key: key("s")})).Session.Get("a"); string(got) != "old" {
		t.Errorf("read %q before it was durable", got)
	}
	r.wantStatus(r.read(&Load{Key: key("c")}), StatusNotFound)
	if got := r.result(r.send(set("s"))); got.Stamp != stamp {
		t.Errorf("a touch tells the stamp %v of a pending commit, want %v", got.Stamp, stamp)
	}
	r.wantStatus(r.send(set("c")), StatusNotFound)
	changed := r.send(&Commit{Key: key("s"), If: stamp, Changes: []Change{{Name: "b"}}})
	exists := r.send(create("c"))
	destroyed := r.send(destroy("s"))
	late := r.send(set("s", "a", "late"))
	for _, token := range []Token{first, creating, changed, exists, destroyed, late} {
		r.pending(token)
	}
	r.run()
	r.wantStatus(first, StatusOK)
	r.wantStatus(creating, StatusOK)
	r.wantStatus(changed, StatusChanged)
	r.wantStatus(exists, StatusExists)
	r.wantStatus(destroyed, StatusOK)
	r.wantStatus(late, StatusDestroyed)
}

func TestWaitingRefusalsAreBounded(t *testing.T) {
	r := newRig(t, 1, nil)
	c := create("s")
	c.Request = RequestID{1, 1}
	r.send(c)
	for range waitersMax {
		r.pending(r.send(create("s")))
	}
	r.wantStatus(r.send(create("s")), StatusOverloaded)
	for range waitersMax - 1 {
		r.pending(r.send(c))
	}
	r.wantStatus(r.send(c), StatusOverloaded)
}

func TestDurability(t *testing.T) {
	for _, tc := range []struct {
		durability Durability
		minCopies  int
		acks       int // of two backups, before the answer
	}{
		{DurableAll, 1, 2}, {DurableOne, 1, 1}, {DurableNone, 1, 0},
		{DurableAll, 3, 2}, {DurableOne, 3, 2}, {DurableNone, 2, 1}, {DurableNone, 3, 2},
	} {
		t.Run(fmt.Sprint(tc.durability, tc.minCopies), func(t *testing.T) {
			r := newRig(t, 2, func(c *Config) { c.MinCopies = tc.minCopies })
			token := r.send(&Commit{Key: key("s"), Create: true, Durability: tc.durability})
			updates := r.wire
			r.wire = nil
			for i := range tc.acks {
				r.pending(token)
				r.deliver(updates[i])
				r.run()
			}
			if got := r.result(token); got.Status != StatusOK || got.Copies != tc.acks+1 {
				t.Errorf("got %v with %d copies, want ok with %d", got.Status, got.Copies, tc.acks+1)
			}
		})
	}
}

func TestLowDurabilityWaitsForEarlierCommitsOfItsSession(t *testing.T) {
	r := newRig(t, 1, nil)
	r.must(create("s", "a", "0"))
	all := r.send(set("s", "a", "1"))
	none := r.send(&Commit{Key: key("s"), Durability: DurableNone, Changes: []Change{{Name: "b"}}})
	other := r.send(&Commit{Key: key("o"), Create: true, Durability: DurableNone})
	r.pending(all)
	r.pending(none)
	r.wantStatus(other, StatusOK)
	r.run()
	r.wantStatus(none, StatusOK)
}

func TestFewerCopiesThanTheLeast(t *testing.T) {
	r := newRig(t, 1, func(c *Config) { c.MinCopies = 2 })
	r.must(create("s"))
	c := set("s", "a", "1")
	c.Request = RequestID{1, 1}
	open := r.send(c)
	ending := r.send(destroy("other"))
	r.lose(0)
	r.reclaim(1)
	r.wantStatus(open, StatusNotEnoughCopies)
	r.wantStatus(ending, StatusOK)
	r.wantStatus(r.send(c), StatusNotEnoughCopies) // the retry of what is on one node
	r.wantStatus(r.send(set("s", "a", "2")), StatusNotEnoughCopies)
	if got, _ := r.slot(1).lookup(key("s")).newest.Get("a"); string(got) != "1" {
		t.Errorf("a commit that was refused beforehand wrote %q", got)
	}
	r.wantStatus(r.send(destroy("s")), StatusOK)
	if got, _ := r.slot(1).lookup(key("other")).durable.Get("a"); got != nil {
		t.Error("the destroyed session lives")
	}
}

func TestSlotIsFull(t *testing.T) {
	r := newRig(t, 0, small)
	for i := range 6 {
		r.must(destroy(fmt.Sprint("stray", i)))
	}
	r.wantStatus(r.send(destroy("stray6")), StatusOverCapacity) // of ids unknown here, only half
	for i := range 6 {
		r.must(create(fmt.Sprint(i)))
	}
	r.wantStatus(r.send(create("7")), StatusOverCapacity)
	r.wantStatus(r.send(&Commit{Key: key("0"), Renew: "new"}), StatusOverCapacity)
	r.wantStatus(r.send(set("0", "a", "1")), StatusOK)
	r.wantStatus(r.send(destroy("0")), StatusOK)
	if got := r.primary().records.len(); got != 12 {
		t.Errorf("%d records, limit 12", got)
	}
}

func TestLogIsFull(t *testing.T) {
	r := newRig(t, 1, small)
	r.must(&Commit{Key: key("s"), Create: true, Idle: time.Second})
	r.must(&Commit{Key: key("idle"), Create: true, Idle: time.Minute})
	for i := range 4 {
		r.pending(r.send(create(fmt.Sprint(i))))
	}
	r.wantStatus(r.send(create("5")), StatusOverloaded)
	r.sleep(2 * time.Second)
	r.wantStatus(r.read(&Load{Key: key("s")}), StatusOverloaded) // over, and the log does not take it
	r.sleep(20 * time.Second)
	r.wantStatus(r.read(&Load{Key: key("idle")}), StatusOverloaded) // nor that it was used
	r.tick()
	if got := len(r.primary().tail.items); got != 4 {
		t.Errorf("the log has %d entries, limit 4", got)
	}
	r.run()
	r.pass(2 * time.Second)
	r.run()
	r.wantStatus(r.read(&Load{Key: key("s")}), StatusExpired)
	r.must(create("5"))
}

func TestRequestsAreFull(t *testing.T) {
	r := newRig(t, 0, func(c *Config) { c.Limits.RequestsMax = 2 })
	for i := range uint64(2) {
		c := create(fmt.Sprint(i))
		c.Request = RequestID{1, i + 1}
		r.must(c)
	}
	r.wantStatus(r.send(create("x")), StatusOverloaded)
	r.pass(32 * time.Second)
	r.wantStatus(r.send(create("x")), StatusOK)
}

func TestRenew(t *testing.T) {
	r := newRig(t, 2, nil)
	r.must(create("old", "a", "1"))
	r.sleep(time.Hour)
	c := &Commit{Key: key("old"), Renew: "new", Changes: []Change{{Name: "user", Value: []byte("u")}}, Request: RequestID{1, 1}}
	first := r.must(c)
	if got := r.result(r.send(c)); got.Stamp != first.Stamp || got.Copies != 3 || got.Status != StatusOK {
		t.Errorf("retry: got %+v, want %+v", got, first)
	}
	r.wantStatus(r.send(set("old", "a", "2")), StatusDestroyed)
	r.wantStatus(r.read(&Load{Key: key("old")}), StatusDestroyed)
	if got := r.load(&Load{Key: key("new")}); len(got.Session.Attrs) != 2 || got.Session.Stamp != first.Stamp {
		t.Errorf("renewed session: %+v", got.Session)
	}
	r.reclaim(2, 3)
	r.run()
	r.step(1, func(s *Slot, fx *Effects) { s.Drop() })
	if got := r.result(r.send(c)); got.Stamp != first.Stamp || got.Copies != 2 || got.Status != StatusOK {
		t.Errorf("retry at the promoted backup: got %+v, want %+v", got, first)
	}
	c.Key = key("new")
	r.wantStatus(r.send(c), StatusBadRequest) // the id was used for another session
}

func TestNoCommitProlongsAnIDOrItsTombstone(t *testing.T) {
	r := newRig(t, 1, func(c *Config) { c.Limits.LifetimeMax = time.Hour })
	r.must(create("s"))
	r.must(create("d"))
	r.must(destroy("d"))
	until := r.primary().lookup(key("d")).newest.Until
	r.sleep(50 * time.Minute)
	r.must(&Commit{Key: key("s"), Configure: true})
	if got := r.primary().lookup(key("s")).newest.Settings.Deadline; got != testWall+3_600_000 {
		t.Errorf("deadline %v after creation, want an hour", time.Duration(got-testWall)*time.Millisecond)
	}
	r.must(destroy("d"))
	if got := r.primary().lookup(key("d")).newest.Until; got != until {
		t.Errorf("tombstone until %d, was %d", got, until)
	}
	r.must(&Commit{Key: key("s"), Renew: "n", Configure: true})
	if got := r.primary().lookup(key("n")).newest.Settings.Deadline; got != r.now.Wall+3_600_000 {
		t.Errorf("the new id's deadline is %d, want an hour from its birth", got)
	}
	born := r.now.Wall
	r.sleep(30 * time.Minute)
	r.must(&Commit{Key: key("n"), Configure: true})
	if got := r.primary().lookup(key("n")).newest.Settings.Deadline; got != born+3_600_000 {
		t.Errorf("deadline %v after the new id's birth, want an hour", time.Duration(got-born)*time.Millisecond)
	}
}

func TestLogIsFullOfBytes(t *testing.T) {
	r := newRig(t, 1, func(c *Config) { c.Limits.TailBytesMax = 3000 })
	r.pending(r.send(create("a", "x", strings.Repeat("x", 2500))))
	r.pending(r.send(create("b", "x", strings.Repeat("x", 2500))))
	r.wantStatus(r.send(create("c")), StatusOverloaded)
	r.run()
	r.must(create("c"))
}

func TestResultsSayWhy(t *testing.T) {
	r := newRig(t, 0, small)
	res := r.result(r.send(create("s", "123456", "")))
	if got, want := res.Err().Error(), "limit passed: attribute name of 6 bytes, limit 5"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(res.Err(), ErrTooLarge) {
		t.Error("errors.Is does not find the status")
	}
	if got := ResultOf(errors.New("x")); got.Status != StatusBadRequest {
		t.Errorf("a foreign error: %v", got.Status)
	}
	if got := (&Result{Status: StatusTooLate}).Err(); got != ErrTooLate {
		t.Errorf("got %v", got)
	}
	if got := Status(99).Error(); got != "unknown status 99" {
		t.Errorf("got %q", got)
	}
	for s := range StatusForbidden + 1 {
		if strings.Contains(s.Error(), "unknown") {
			t.Errorf("status %d has no text", s)
		}
	}
}

func TestLimitsValidate(t *testing.T) {
	if err := (Limits{}).Validate(); err != nil {
		t.Error(err)
	}
	for _, l := range []Limits{
		{SessionBytesMax: -1}, {AttrsMax: -1}, {NameBytesMax: -1}, {LifetimeMax: 1}, {TouchInterval: 1}, {ClockSkewMax: 1},
		{RequestAgeMax: 1}, {SessionsMax: -1}, {RequestsMax: -1}, {TailMax: -1}, {TailBytesMax: 1}, {ChunkBytes: -1},
	} {
		if l.Validate() == nil {
			t.Errorf("%+v is taken for valid", l)
		}
	}
}
