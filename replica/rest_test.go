package replica

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// awake is how many of a slot's records do not rest.
func awake(s *Slot) (n int) {
	for r := range s.records.all() {
		if r.versions != nil {
			n++
		}
	}
	return n
}

func tick(r *rig, s *Slot, d time.Duration) {
	for range d / (50 * time.Millisecond) {
		r.now.Mono += 50 * time.Millisecond
		r.now.Wall += 50
		var fx Effects
		s.Tick(r.now, &fx)
	}
}

func TestUnusedSessionRests(t *testing.T) {
	r := newRig(t, 0, nil)
	s := r.primary()
	var fx Effects
	tick(r, s, time.Second)
	use := func() {
		t.Helper()
		fx.Reset()
		s.Load(r.now, 1, &Load{Key: key("s")}, &fx)
		if got, _ := fx.Done[0].Result.Session.Get("a"); string(got) != "1" {
			t.Fatalf("loaded %q", got)
		}
	}
	c := create("s", "a", "1")
	c.NotAfter = r.now.Wall + 1000
	s.Commit(r.now, 1, c, &fx)
	for _, step := range []struct {
		what  string
		uses  bool
		after time.Duration
		awake int
	}{
		{"new", false, 0, 1},
		{"new and unused", false, 1200 * time.Millisecond, 0},
		{"used again within five seconds", true, 4900 * time.Millisecond, 1},
		{"unused for five seconds", false, 700 * time.Millisecond, 0},
		{"used after a while", true, 400 * time.Millisecond, 1},
		{"once", false, 900 * time.Millisecond, 0},
	} {
		if step.uses {
			use()
		}
		tick(r, s, step.after)
		if got := awake(s); got != step.awake {
			t.Fatalf("%s: %d awake, want %d", step.what, got, step.awake)
		}
	}
	use()
}

func TestPendingSessionStaysAwake(t *testing.T) {
	r := newRig(t, 1, nil)
	r.must(create("s", "a", "1"))
	token := r.send(set("s", "a", "2"))
	tick(r, r.primary(), 10*time.Second)
	if got := r.load(&Load{Key: key("s"), Peek: true}); awake(r.primary()) != 1 {
		t.Fatalf("a session with a commit under way rests, and reads get %v", got)
	}
	r.run()
	r.wantStatus(token, StatusOK)
}

func TestOneTickRestsSome(t *testing.T) {
	r := newRig(t, 0, nil)
	tick(r, r.primary(), time.Second)
	for i := range 3 * restsPerKeep {
		var fx Effects
		c := create(fmt.Sprint(i))
		c.NotAfter = r.now.Wall + 1000
		r.primary().Commit(r.now, 1, c, &fx)
	}
	wait := restSoon
	for _, want := range []int{2 * restsPerKeep, restsPerKeep, 0} {
		tick(r, r.primary(), wait)
		if got := awake(r.primary()); got != want {
			t.Errorf("%d awake, want %d", got, want)
		}
		wait = keepEvery
	}
}

// TestRestingSessionIsSmall holds what a session of 1 KiB takes while it rests.
func TestRestingSessionIsSmall(t *testing.T) {
	s := &Session{Key: Key{testApp, strings.Repeat("i", idLen)}, Stamp: Stamp{testWall << 16, 1}}
	s.Born, s.Touched, s.Settings = s.Stamp, s.Stamp, Settings{30 * time.Minute, testWall * 2, s.Stamp}
	for i := range measuredAttrs {
		earlier := Stamp{s.Stamp.Clock - uint64(time.Hour/time.Millisecond)<<16, 1}
		s.Attrs = append(s.Attrs, &Attr{Name: fmt.Sprint("a", i), Value: make([]byte, measuredSize(i)), Stamp: earlier})
	}
	r := &record{rest: pack(s)}
	if got := int(unsafe.Sizeof(*r)) + 36 + len(r.rest); got > 1345 {
		t.Errorf("%d bytes", got)
	}
	if err := checkPacked(s); err != nil {
		t.Error(err)
	}
}

// FuzzPacked packs sessions of any content and unpacks them.
func FuzzPacked(f *testing.F) {
	f.Add("app", "id", "name", []byte("value"), uint64(1), uint64(2), uint64(3), int64(4), int64(-5), byte(6))
	f.Add("app", "id", "name", []byte("value"), uint64(1<<40), uint64(2), uint64(3), int64(4), int64(5), byte(15))
	f.Fuzz(func(t *testing.T, app, id, name string, value []byte, clock, boot, other uint64, a, b int64, bits byte) {
		s := &Session{
			Key: Key{app, id}, Stamp: Stamp{clock, Boot(boot)}, Touched: Stamp{other, Boot(boot)}, Accessed: time.Duration(a),
			Ending: Ending(bits % 3), Until: b,
		}
		if bits&4 != 0 {
			s.Born, s.Settings = Stamp{clock, Boot(other)}, Settings{time.Duration(b), a, Stamp{other, Boot(other)}}
		}
		if bits&8 != 0 {
			s.Attrs = []*Attr{{name, value, s.Touched, false}, {name, nil, s.Born, true}, {Name: app, Value: value, Stamp: s.Stamp}}
		}
		if err := checkPacked(s); err != nil {
			t.Error(err)
		}
	})
}

func TestRequestLogGivesRoomBack(t *testing.T) {
	limits := Limits{}.WithDefaults()
	l := newRequestLog()
	for i := range uint64(10_000) {
		l.remember(remembered{Request: RequestID{1, i + 1}, NotAfter: testWall, of: noName}, &limits)
	}
	big := len(l.byID.entries)
	l.remember(remembered{Request: RequestID{2, 1}, NotAfter: testWall + 60_000, of: noName}, &limits)
	for range 2 {
		l.sweep(testWall+30_000, 0, &limits)
	}
	if len(l.byID.entries) > big/100 || !l.knows(RequestID{2, 1}) || l.byID.len() != 1 || cap(l.kept) > 10 {
		t.Errorf("%d remembered in the room of 10,000, or %d", l.byID.len(), cap(l.kept))
	}
	if err := l.check(); err != nil {
		t.Error(err)
	}
}
