package replica

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// A version that came together when a split healed has the stamp of one that a client of the winning side holds, and more
// in it: the client must get it whole.
func TestKnownAcrossASplit(t *testing.T) {
	st := func(clock uint64, boot Boot) Stamp { return Stamp{clock, boot} }
	born := &Session{Key: key("s"), Born: st(1, 1), Stamp: st(3, 1), Touched: st(3, 1), Attrs: []*Attr{
		{Name: "a", Stamp: st(2, 1), Value: []byte("1")}, {Name: "b", Stamp: st(3, 1), Value: []byte("1")},
	}, Settings: Settings{Deadline: 1, Stamp: st(1, 1)}}
	write := func(stamp Stamp, a ...*Attr) *Session {
		return &Session{Key: key("s"), Stamp: stamp, Touched: stamp, Attrs: a}
	}
	held := Merge(born, write(st(7, 1), &Attr{Name: "a", Stamp: st(7, 1), Value: []byte("2")}))
	tests := []struct {
		name  string
		other *Session // what the other side did before stamp 7
		knows bool
	}{
		{"nothing", born, true},
		{"an access", &Session{Key: key("s"), Stamp: st(3, 1), Touched: st(9, 2), Accessed: time.Hour}, true},
		{"a new attribute", write(st(5, 2), &Attr{Name: "c", Stamp: st(5, 2)}), false},
		{"a value", write(st(5, 2), &Attr{Name: "b", Stamp: st(5, 2), Value: []byte("2")}), false},
		{"a deletion", write(st(5, 2), &Attr{Name: "b", Stamp: st(5, 2), Deleted: true}), false},
		{"a deletion of what was not there", write(st(5, 2), &Attr{Name: "c", Stamp: st(5, 2), Deleted: true}), true},
		{"settings", &Session{Key: key("s"), Stamp: st(5, 2), Touched: st(5, 2), Settings: Settings{Idle: 1, Stamp: st(5, 2)}}, false},
		{"an overruled value", write(st(5, 2), &Attr{Name: "a", Stamp: st(5, 2)}), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := Load{Known: held.Stamp, KnownDigest: held.Digest()}
			if got, _ := l.answer(Merge(held, test.other)); (got == nil) != test.knows {
				t.Errorf("a holder of %+v gets %+v, want nothing: %v", held, got, test.knows)
			}
		})
	}
	older := Load{Known: born.Stamp, KnownDigest: born.Digest()}
	if got, _ := older.answer(held); got == nil {
		t.Error("an older stamp is taken for the newest")
	}
}

// Attributes are not mixed up, and the digest is that of docs/PROTOCOL.md: clients compute it too.
func TestDigestTellsAttributesApart(t *testing.T) {
	s, u := Stamp{Clock: 1, Boot: 1}, Stamp{Clock: 2, Boot: 1}
	of := func(attrs ...*Attr) uint64 { return (&Session{Attrs: attrs}).Digest() }
	two := of(&Attr{Name: "a", Stamp: s}, &Attr{Name: "b", Stamp: u})
	for _, other := range []uint64{
		of(&Attr{Name: "a", Stamp: u}, &Attr{Name: "b", Stamp: s}), of(&Attr{Name: "a", Stamp: s}), of(&Attr{Name: "ab", Stamp: s}),
		of(&Attr{Name: "a", Stamp: s}, &Attr{Name: "b", Stamp: u}, &Attr{Name: "c", Stamp: u}),
	} {
		if two == other {
			t.Error("two versions have one digest")
		}
	}
	if want := uint64(0xbb5caa76d8f005b); two != want {
		t.Errorf("digest %#x, want %#x", two, want)
	}
}

func BenchmarkDigest(b *testing.B) {
	s := &Session{}
	for i := range 16 {
		s.Attrs = append(s.Attrs, &Attr{Name: string(rune('a' + i)), Stamp: Stamp{uint64(i), 1}})
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Digest()
	}
}

// Who knows everything up to some stamp gets what was written later, and with it the version that a whole load brings.
func TestAnswerSince(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	clock := Clock{Boot: 1}
	for round := range 200 {
		s := &Session{Key: key("s"), Born: clock.Next(1), Settings: Settings{Deadline: 1, Stamp: clock.Next(1)}}
		var versions []*Session
		for range 20 {
			st := clock.Next(1)
			a := &Attr{Name: string(rune('a' + random.IntN(12))), Stamp: st, Deleted: random.IntN(4) == 0}
			if !a.Deleted {
				a.Value = make([]byte, random.IntN(300))
			}
			s = Merge(s, &Session{Key: s.Key, Stamp: st, Touched: st, Attrs: []*Attr{a}})
			versions = append(versions, s)
		}
		for i, held := range versions {
			got, whole := (&Load{Known: held.Stamp, KnownDigest: held.Digest(), Since: held.Stamp}).answer(s)
			switch {
			case i == len(versions)-1:
				if got != nil {
					t.Fatalf("round %d: who knows all is told %+v", round, got)
				}
			case whole == 0:
				if !reflect.DeepEqual(got, s.Visible()) {
					t.Fatalf("round %d, version %d: got %+v, want %+v", round, i, got, s)
				}
			default:
				if together := Merge(held, got); together.Digest() != whole || whole != s.Digest() {
					t.Fatalf("round %d: version %d and what came since make %+v, want %+v", round, i, together, s)
				}
				if _, n := got.Live(); n > 2000 {
					t.Fatalf("round %d: %d bytes came", round, n)
				}
			}
		}
	}
	l := &Load{Known: Stamp{1, 1}, KnownDigest: 1}
	if _, whole := l.answer(&Session{Stamp: Stamp{5, 1}, Attrs: []*Attr{{Name: "a", Stamp: Stamp{1, 1}, Value: make([]byte, 99)}}}); whole != 0 {
		t.Error("who did not ask for changes got only those")
	}
}
