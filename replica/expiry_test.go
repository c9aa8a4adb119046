package replica

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

func expirations(r *rig) int {
	n := 0
	for _, e := range r.seen {
		if e.Kind == EventExpired {
			n++
		}
	}
	return n
}

func TestHeapAgainstNaiveModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h expiryHeap
	model := map[*record]time.Duration{}
	records := make([]*record, 50)
	for i := range records {
		records[i] = &record{index: -1}
	}
	for range 20_000 {
		r := records[rng.IntN(len(records))]
		switch rng.IntN(3) {
		case 0:
			due := time.Duration(rng.IntN(1000))
			if old, ok := model[r]; !ok || due < old {
				model[r] = due
			}
			h.schedule(r, due)
		case 1:
			h.remove(r)
			delete(model, r)
		default:
			now := time.Duration(rng.IntN(300))
			got := h.next(now)
			if got == nil {
				for _, due := range model {
					if due <= now {
						t.Fatalf("nothing at %v, but a record is due at %v", now, due)
					}
				}
				continue
			}
			for _, due := range model {
				if due < got.due {
					t.Fatalf("due %v came before %v", got.due, due)
				}
			}
			if got.due > now || model[got] != got.due {
				t.Fatalf("record came at %v, due %v, model %v", now, got.due, model[got])
			}
			delete(model, got)
		}
		if len(h) != len(model) {
			t.Fatalf("%d in the heap, %d in the model", len(h), len(model))
		}
	}
}

// TestExpiryAcrossFailovers uses sessions now and then while primaries die, and looks at each moment whether what must
// live does and what must be over is.
func TestExpiryAcrossFailovers(t *testing.T) {
	const idle = 40 * time.Second
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 3))
		r := newRig(t, 2, nil)
		used := map[string]time.Duration{}
		gone := map[string]bool{}
		names := []string{"a", "b", "c", "d"}
		for _, n := range names {
			c := create(n)
			c.Idle = idle
			r.must(c)
			used[n] = r.now.Mono
		}
		for range 300 {
			r.pass(time.Duration(rng.IntN(1500)) * time.Millisecond)
			n := names[rng.IntN(len(names))]
			if rng.IntN(3) == 0 {
				checkUse(t, r, seed, n, used, gone, idle)
			}
			if rng.IntN(3) > 0 {
				r.run()
			}
			if rng.IntN(60) == 0 {
				failOver(r)
			}
		}
		r.run()
		r.pass(2 * time.Minute)
		r.run()
		if live, _ := r.primary().Sessions(); live != 0 {
			t.Fatalf("seed %d: %d sessions never expired", seed, live)
		}
		if got := expirations(r); got > len(names) {
			t.Fatalf("seed %d: %d expiries of %d sessions", seed, got, len(names))
		}
	}
}

// checkUse reads a session, which must be there before its time and must not be there after.
func checkUse(t *testing.T, r *rig, seed uint64, n string, used map[string]time.Duration, gone map[string]bool, idle time.Duration) {
	t.Helper()
	token := r.read(&Load{Key: key(n)})
	age := r.now.Mono - used[n]
	if _, answered := r.done[token]; !answered {
		r.run()
	}
	switch res := r.result(token); {
	case res.Status == StatusExpired:
		if !gone[n] && age < idle {
			t.Fatalf("seed %d: %s expired after %v", seed, n, age)
		}
		gone[n] = true
	case gone[n]:
		t.Fatalf("seed %d: %s came back", seed, n)
	case age > idle+10*time.Second:
		t.Fatalf("seed %d: %s lives %v after its last use", seed, n, age)
	default:
		used[n] = r.now.Mono
	}
}

// failOver kills the primary with what it has on the way; its first backup takes over with the other, and the dead one
// comes back empty and is filled anew.
func failOver(r *rig) {
	dead, next, third := r.claim.Primary, r.claim.Backups[0], r.claim.Backups[1]
	r.lose(dead)
	r.nodes[dead] = nil
	delete(r.nodes, dead)
	if behind := r.slot(third).tail.head; behind > r.slot(next).tail.head {
		entries, _ := r.slot(third).Tail(r.slot(next).Position())
		r.slot(next).Absorb(r.now, entries)
	}
	r.reclaim(next, third)
	r.run()
	r.fill(dead)
	r.reclaim(next, third, dead)
	r.run()
}

func TestLostTouchDoesNotExpireEarly(t *testing.T) {
	const idle = 40 * time.Second
	r := newRig(t, 1, nil)
	c := create("s")
	c.Idle = idle
	r.must(c)
	start := r.now.Mono
	for r.now.Mono < start+11*time.Second { // in use all the time, and the last touches never arrive
		r.sleep(500 * time.Millisecond)
		r.wantStatus(r.read(&Load{Key: key("s")}), StatusOK)
		if r.now.Mono < start+10*time.Second {
			r.run()
		}
	}
	last := r.now.Mono
	r.lose(0)
	r.reclaim(2)
	r.pass(last + idle - r.now.Mono - time.Second)
	r.wantStatus(r.read(&Load{Key: key("s"), Peek: true}), StatusOK)
	r.pass(12 * time.Second)
	r.wantStatus(r.read(&Load{Key: key("s")}), StatusExpired)
}

func TestAccessAfterAPauseWaitsForTheBackups(t *testing.T) {
	r := newRig(t, 1, nil)
	c := create("s")
	c.Idle = time.Minute
	r.must(c)
	for range 10 {
		r.sleep(4900 * time.Millisecond)
		r.wantStatus(r.read(&Load{Key: key("s")}), StatusOK) // the backup's word is good for ten seconds
		r.run()
	}
	r.sleep(11 * time.Second)
	read, touch := r.read(&Load{Key: key("s")}), r.send(set("s"))
	r.pending(read)
	r.pending(touch)
	r.wantStatus(r.read(&Load{Key: key("s"), Peek: true}), StatusOK)
	r.run()
	r.wantStatus(read, StatusOK)
	r.wantStatus(touch, StatusOK)
}

func TestMergedSessionTellsOfItsNextUse(t *testing.T) {
	r := newRig(t, 1, nil)
	c := create("s")
	c.Idle = 10 * time.Minute
	r.must(c)
	r.pass(9 * time.Minute)
	other := *r.primary().lookup(key("s")).newest
	other.Attrs = []*Attr{{Name: "x", Stamp: Stamp{other.Stamp.Clock, 99}}}
	other.Stamp, other.Touched = Stamp{other.Stamp.Clock, 99}, Stamp{other.Stamp.Clock, 99}
	r.step(1, func(s *Slot, fx *Effects) {
		s.Offer(r.now, 99, &Offer{Transfer: 1, Parts: []Part{{Session: &other}}, Last: true}, fx)
	})
	r.run()
	r.sleep(time.Second)
	if got := r.load(&Load{Key: key("s")}); got.Status != StatusOK {
		t.Errorf("got %v", got.Status)
	}
	r.reclaim(2)
	r.pass(5 * time.Minute)
	r.wantStatus(r.read(&Load{Key: key("s"), Peek: true}), StatusOK)
}

func TestExpiryWaitsForTheBackups(t *testing.T) {
	r := newRig(t, 1, nil)
	c := create("s")
	c.Idle = time.Second
	r.must(c)
	r.sleep(5 * time.Second)
	first := r.read(&Load{Key: key("s")})
	second := r.send(set("s", "a", "1"))
	third := r.read(&Load{Key: key("s")})
	for _, token := range []Token{first, second, third} {
		r.pending(token)
	}
	if got := expirations(r); got != 0 {
		t.Errorf("%d expiries told of before the backup knows", got)
	}
	r.run()
	for _, token := range []Token{first, second, third} {
		r.wantStatus(token, StatusExpired)
	}
	if got := expirations(r); got != 1 {
		t.Errorf("%d expiries, want 1", got)
	}
}

func TestOnlyThePrimaryExpires(t *testing.T) {
	r := newRig(t, 1, nil)
	c := create("s")
	c.Idle = time.Second
	r.must(c)
	backup := r.slot(2)
	for range 100 {
		r.sleep(time.Minute)
		r.step(2, func(s *Slot, fx *Effects) { s.Tick(r.now, fx) })
	}
	if live, _ := backup.Sessions(); live != 1 || expirations(r) != 0 || backup.tail.head != 1 {
		t.Errorf("backup holds %d sessions after %d expiries, %d entries", live, expirations(r), backup.tail.head)
	}
	r.reclaim(2)
	r.pass(2 * time.Second)
	if live, _ := backup.Sessions(); live != 0 || expirations(r) != 1 {
		t.Errorf("promoted, it holds %d after %d expiries", live, expirations(r))
	}
}

func TestLongTimesDoNotOverflow(t *testing.T) {
	for _, c := range []*Commit{
		{Key: key("s"), Create: true, Idle: math.MaxInt64},
		{Key: key("s"), Create: true, Lifetime: math.MaxInt64},
		{Key: key("s"), Create: true, Idle: math.MaxInt64, Lifetime: math.MaxInt64},
	} {
		r := newRig(t, 0, func(c *Config) { c.Limits.LifetimeMax = math.MaxInt64 })
		r.must(c)
		r.pass(time.Minute)
		r.wantStatus(r.read(&Load{Key: key("s")}), StatusOK)
	}
}

func TestTombstonesGoInTheirTime(t *testing.T) {
	r := newRig(t, 1, func(c *Config) { c.Limits.LifetimeMax = time.Minute })
	r.must(create("s"))
	r.must(destroy("s"))
	r.pass(time.Minute + 60*time.Second)
	r.wantStatus(r.send(create("s")), StatusDestroyed)
	r.pass(3 * time.Second)
	for b, s := range r.nodes {
		if s.records.len() != 0 || len(s.expiry) != 0 {
			t.Errorf("boot %v still holds %d records", b, s.records.len())
		}
	}
	r.must(create("s"))
}

func TestPrimaryForgetsLast(t *testing.T) {
	r := newRig(t, 1, func(c *Config) { c.Limits.LifetimeMax = time.Minute })
	r.must(destroy("s"))
	until := r.primary().lookup(key("s")).newest.Until
	r.sleep(time.Duration(until-r.now.Wall+100) * time.Millisecond)
	r.step(1, func(s *Slot, fx *Effects) { s.Tick(r.now, fx) }) // the backup's clock is behind
	r.wantStatus(r.send(create("s")), StatusDestroyed)
}

func TestClockJumps(t *testing.T) {
	r := newRig(t, 1, nil)
	c := create("idle")
	c.Idle, c.Lifetime = time.Hour, 2*time.Hour
	r.must(c)
	for _, jump := range []int64{-30 * 60_000, 60 * 60_000, -testWall, testWall} {
		r.now.Wall += jump
		r.pass(time.Second)
		r.run()
		r.wantStatus(r.read(&Load{Key: key("idle")}), StatusOK)
	}
	r.now.Wall += 2 * 3_600_000 // past the deadline, for good
	r.pass(time.Second)
	if got := r.load(&Load{Key: key("idle")}); got.Status != StatusExpired {
		t.Errorf("past the deadline: got %v", got.Status)
	}
}

func TestRequestLogSweeps(t *testing.T) {
	limits := Limits{RequestsMax: 1000}.WithDefaults()
	rng := rand.New(rand.NewPCG(5, 5))
	l := newRequestLog()
	var model []RememberedRequest
	wall := int64(testWall)
	for i := range uint64(20_000) {
		r := RememberedRequest{Request: RequestID{1, i + 1}, NotAfter: wall + rng.Int64N(60_000)}
		l.remember(r.by(noName, 0), &limits)
		model = append(model, r)
		if rng.IntN(20) == 0 {
			forgotten := model[rng.IntN(len(model))].Request
			l.forget(forgotten)
			model = slices.DeleteFunc(model, func(r RememberedRequest) bool { return r.Request == forgotten })
		}
		wall += rng.Int64N(200)
		l.sweep(wall, 0, &limits)
		model = slices.DeleteFunc(model, func(r RememberedRequest) bool {
			return (r.NotAfter+1000+batchWidth-1)/batchWidth*batchWidth+mergeWithin < wall
		})
	}
	if err := l.check(); err != nil {
		t.Error(err)
	}
	if got := l.all(); !reflect.DeepEqual(got, model) {
		t.Errorf("%d remembered, want %d", len(got), len(model))
	}
	l.sweep(wall+120_000, 0, &limits)
	if l.byID.len() != 0 || len(l.due) != 0 {
		t.Errorf("%d remembered, %d in order after all were over", l.byID.len(), len(l.due))
	}
}

var noName = &record{rest: pack(&Session{})}

func TestRequestLogSurvivesClocks(t *testing.T) {
	limits := Limits{RequestsMax: 10}.WithDefaults()
	l := newRequestLog()
	for i, notAfter := range []int64{math.MinInt64, -1, 0, 1, testWall, math.MaxInt64} {
		l.remember(remembered{Request: RequestID{1, uint64(i + 1)}, NotAfter: notAfter, of: noName}, &limits)
	}
	l.sweep(testWall, 0, &limits) // in no time, though it is fifty years since the first
	if got := len(l.all()); got != 2 {
		t.Errorf("%d remembered, want 2", got)
	}
	for i := range uint64(20) {
		l.remember(remembered{Request: RequestID{2, i + 1}, NotAfter: testWall + 1e12, of: noName}, &limits)
	}
	if got := l.byID.len(); got != 10 {
		t.Errorf("%d remembered, limit 10", got)
	}
	l.sweep(testWall, 0, &limits) // the clock had been thirty years ahead
	if got := l.byID.len(); got != 0 {
		t.Errorf("%d that no request can name are kept in a full log", got)
	}
}

func TestForgottenRequestIsRememberedAnew(t *testing.T) {
	limits := Limits{}.WithDefaults()
	l := newRequestLog()
	id := RequestID{1, 1}
	l.remember(remembered{Request: id, NotAfter: testWall, of: noName}, &limits)
	l.forget(id)
	l.remember(remembered{Request: id, NotAfter: testWall + 30_000, of: noName}, &limits)
	l.sweep(testWall+20_000, 0, &limits)
	if !l.knows(id) {
		t.Error("the request was forgotten at the time of its first attempt")
	}
}

// TestSurrenderedPrimaryExpiresNothing: a slot that was offered to a backup takes no entry any more, or there would be two
// under one number: this one, and the first of the next primary (seed 206481 of the replay).
func TestSurrenderedPrimaryExpiresNothing(t *testing.T) {
	r := newRig(t, 2, nil)
	c := create("a")
	c.Idle = 40 * time.Second
	r.must(c)
	r.run()
	r.primary().Surrender()
	head, even := r.primary().Even()
	r.pass(2 * time.Minute)
	r.run()
	if got, still := r.primary().Even(); !even || !still || got != head || expirations(r) > 0 {
		t.Errorf("log at %d, even %v, %d expiries after surrender at %d", got, still, expirations(r), head)
	}
	r.primary().Keep()
	r.pass(time.Minute)
	r.run()
	if got := expirations(r); got != 1 {
		t.Errorf("%d expiries after the slot was kept, want 1", got)
	}
}

// TestLateLoadIsNoAccess: a load that waited on its way until nobody wants its answer any more does not prolong the session.
func TestLateLoadIsNoAccess(t *testing.T) {
	r := newRig(t, 1, nil)
	c := create("a")
	c.Idle = 20 * time.Second
	r.must(c)
	inTime, late := r.now.Wall+20_000, r.now.Wall+14_400
	r.pass(15 * time.Second)
	for _, c := range []struct {
		notAfter int64
		want     Status
	}{{late, StatusTooLate}, {inTime, StatusOK}, {0, StatusOK}} {
		before := r.slot(1).lookup(key("a")).accessed
		if got := r.load(&Load{Key: key("a"), NotAfter: c.notAfter}); got.Status != c.want {
			t.Errorf("not after %d: %v, want %v", c.notAfter, got.Status, c.want)
		}
		if slid := r.slot(1).lookup(key("a")).accessed != before; slid != (c.want == StatusOK) && c.notAfter != 0 {
			t.Errorf("not after %d: counted as an access: %v", c.notAfter, slid)
		}
	}
}
