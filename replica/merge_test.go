package replica

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// history makes versions of one session as slots make them: it grows on several sides, and each stamp says for good what
// was written with it.
type history struct {
	rng   *rand.Rand
	clock uint64
	sides []*Session
}

func newHistory(seed uint64) *history {
	h := &history{rng: rand.New(rand.NewPCG(seed, 7)), clock: 1}
	st := h.stamp()
	first := &Session{Key: key("s"), Born: st, Stamp: st, Touched: st, Settings: Settings{Deadline: 1, Stamp: st}}
	h.sides = []*Session{first, first, first}
	for range 2 + h.rng.IntN(20) {
		h.step()
	}
	return h
}

// stamp is later than the last one, or as late by another boot.
func (h *history) stamp() Stamp {
	h.clock += uint64(1 + h.rng.IntN(2))
	return Stamp{h.clock, Boot(1 + h.rng.IntN(3))}
}

func (h *history) step() {
	i := h.rng.IntN(len(h.sides))
	s, st := h.sides[i], h.stamp()
	p := &Session{Key: s.Key, Stamp: st, Touched: st, Accessed: time.Duration(h.rng.IntN(50))}
	switch h.rng.IntN(10) {
	case 0:
		p.Stamp, p.Touched, p.Ending, p.Until = s.Stamp, s.Touched, Expired, int64(h.rng.IntN(9)+1)
	case 1:
		if h.rng.IntN(4) == 0 {
			p.Ending, p.Until = LoggedOut, int64(h.rng.IntN(9)+1)
		}
	case 2:
		p.Settings = Settings{Deadline: int64(h.clock), Stamp: st}
	case 3:
		p.Born = st
	case 4:
		p = h.sides[h.rng.IntN(len(h.sides))]
	default:
		name, deleted := fmt.Sprint(h.rng.IntN(4)), h.rng.IntN(4) == 0
		p.Attrs = []*Attr{{Name: name, Stamp: st, Deleted: deleted, Value: fmt.Append(nil, st)}}
	}
	h.sides[i] = Merge(s, p)
	if h.rng.IntN(3) == 0 {
		h.sides[i] = h.sides[i].bare()
	}
}

func TestMergeIsASemilattice(t *testing.T) {
	for seed := range uint64(5_000) {
		h := newHistory(seed)
		a, b, c := h.sides[0], h.sides[1], h.sides[2]
		for _, law := range []struct {
			name string
			x, y *Session
		}{
			{"commutes", Merge(a, b), Merge(b, a)},
			{"associates", Merge(Merge(a, b), c), Merge(a, Merge(b, c))},
			{"is idempotent", Merge(a, a), a},
			{"absorbs", Merge(Merge(a, b), b), Merge(a, b)},
		} {
			if x, y := describe(law.x), describe(law.y); x != y || law.x.Accessed != law.y.Accessed {
				t.Fatalf("seed %d: merging %s, but for\n%s%s%sone way gives\n%sthe other\n%s",
					seed, law.name, describe(a), describe(b), describe(c), x, y)
			}
		}
	}
}

// What a commit makes of a session is what a merge makes of it, and holds nothing of the commit's memory.
func TestWithMergesWhatIsWritten(t *testing.T) {
	for seed := range uint64(5_000) {
		h := newHistory(seed)
		s, st := h.sides[0], h.stamp()
		var changes, before []Change
		for name := range h.rng.IntN(4) {
			ch := Change{Name: fmt.Sprint(name + h.rng.IntN(2)*7), Value: []byte("new"), Delete: h.rng.IntN(4) == 0}
			changes, before = append(changes, ch), append(before, Change{ch.Name, bytes.Clone(ch.Value), ch.Delete})
		}
		got, want := s.With(changes, st), Merge(s, Written(s.Key, before, st))
		for _, ch := range changes {
			copy(ch.Value, "old")
		}
		if g, w := describe(got), describe(want); g != w || got.Digest() != want.Digest() {
			t.Fatalf("seed %d: %v committed to\n%sgives\n%swant\n%s", seed, before, describe(s), g, w)
		}
	}
}

func TestMergeKeepsEveryLatestWrite(t *testing.T) {
	for seed := range uint64(5_000) {
		h := newHistory(seed)
		a, b := h.sides[0], h.sides[1]
		m := Merge(a, b)
		if m.Ending == LoggedOut {
			continue
		}
		for _, from := range [][2]*Session{{a, b}, {b, a}} {
			for _, w := range from[0].Attrs {
				if i, ok := from[1].find(w.Name); ok && w.Stamp.Less(from[1].Attrs[i].Stamp) {
					continue
				}
				if i, ok := m.find(w.Name); !ok || m.Attrs[i].Stamp != w.Stamp {
					t.Fatalf("seed %d: the merge of\n%s%slost %s", seed, describe(a), describe(b), w.Name)
				}
			}
		}
	}
}

func TestEndingsMerge(t *testing.T) {
	version := func(e Ending, touched uint64, until int64) *Session {
		return &Session{Ending: e, Touched: Stamp{touched, 1}, Until: until}
	}
	for _, tc := range []struct {
		name      string
		a, b      *Session
		want      Ending
		wantUntil int64
	}{
		{"a logout beats a later access", version(LoggedOut, 1, 5), version(Alive, 9, 0), LoggedOut, 5},
		{"a logout beats a later expiry", version(LoggedOut, 1, 5), version(Expired, 9, 9), LoggedOut, 5},
		{"two logouts last as long as the longer", version(LoggedOut, 1, 5), version(LoggedOut, 9, 3), LoggedOut, 5},
		{"an expiry beats what it knew of", version(Expired, 5, 5), version(Alive, 5, 0), Expired, 5},
		{"an expiry yields to a later access", version(Expired, 5, 5), version(Alive, 6, 0), Alive, 0},
		{"the later expiry counts", version(Expired, 5, 9), version(Expired, 6, 3), Expired, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, m := range []*Session{Merge(tc.a, tc.b), Merge(tc.b, tc.a)} {
				if m.Ending != tc.want || m.Until != tc.wantUntil {
					t.Errorf("got %v until %d, want %v until %d", m.Ending, m.Until, tc.want, tc.wantUntil)
				}
			}
		})
	}
}

func TestExpiredSessionsKeepNoAttributes(t *testing.T) {
	r := newRig(t, 1, nil)
	c := create("s", "a", "secret")
	c.Idle = time.Minute
	r.must(c)
	r.pass(2 * time.Minute)
	r.run()
	for b, s := range r.nodes {
		if v := s.lookup(key("s")).newest; v.Ending != Expired || len(v.Attrs) > 0 {
			t.Errorf("boot %v holds %s", b, describe(v))
		}
	}
	r.must(create("s", "b", "1"))
	if got := r.load(&Load{Key: key("s")}).Session; len(got.Attrs) != 1 {
		t.Errorf("a session created anew begins with %s", describe(got))
	}
}
