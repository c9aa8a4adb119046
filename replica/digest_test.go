package replica

import (
	"testing"
	"time"
)

// A version that came together when a split healed has the stamp of one that a client of the winning side holds, and more
// in it: the client must get it whole.
func TestKnownAcrossASplit(t *testing.T) {
	st := func(clock uint64, boot Boot) Stamp { return Stamp{clock, boot} }
	born := &Session{Key: key("s"), Born: st(1, 1), Stamp: st(3, 1), Touched: st(3, 1), Attrs: []Attr{
		{Name: "a", Stamp: st(2, 1), Value: []byte("1")}, {Name: "b", Stamp: st(3, 1), Value: []byte("1")},
	}, Settings: Settings{Deadline: 1, Stamp: st(1, 1)}}
	write := func(stamp Stamp, a ...Attr) *Session {
		return &Session{Key: key("s"), Stamp: stamp, Touched: stamp, Attrs: a}
	}
	held := Merge(born, write(st(7, 1), Attr{Name: "a", Stamp: st(7, 1), Value: []byte("2")}))
	tests := []struct {
		name  string
		other *Session // what the other side did before stamp 7
		knows bool
	}{
		{"nothing", born, true},
		{"an access", &Session{Key: key("s"), Stamp: st(3, 1), Touched: st(9, 2), Accessed: time.Hour}, true},
		{"a new attribute", write(st(5, 2), Attr{Name: "c", Stamp: st(5, 2)}), false},
		{"a value", write(st(5, 2), Attr{Name: "b", Stamp: st(5, 2), Value: []byte("2")}), false},
		{"a deletion", write(st(5, 2), Attr{Name: "b", Stamp: st(5, 2), Deleted: true}), false},
		{"a deletion of what was not there", write(st(5, 2), Attr{Name: "c", Stamp: st(5, 2), Deleted: true}), true},
		{"settings", &Session{Key: key("s"), Stamp: st(5, 2), Touched: st(5, 2), Settings: Settings{Idle: 1, Stamp: st(5, 2)}}, false},
		{"an overruled value", write(st(5, 2), Attr{Name: "a", Stamp: st(5, 2)}), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := Load{Known: held.Stamp, KnownDigest: held.Digest()}
			if got := l.knows(Merge(held, test.other)); got != test.knows {
				t.Errorf("a holder of %+v knows the merge: %v, want %v", held, got, test.knows)
			}
		})
	}
	older := Load{Known: born.Stamp, KnownDigest: born.Digest()}
	if older.knows(held) {
		t.Error("an older stamp is taken for the newest")
	}
}

// Names are hashed with their length, so that no two lists of attributes look alike.
func TestDigestKeepsNamesApart(t *testing.T) {
	st := Stamp{Clock: 1, Boot: 1}
	two := &Session{Attrs: []Attr{{Name: "a", Stamp: st}, {Name: "b", Stamp: st}}}
	var glued []byte
	glued = append(st.append(append(glued, 'a')), 1, 0, 0, 0, 0, 0, 0, 0, 'b')
	if one := (&Session{Attrs: []Attr{{Name: string(glued), Stamp: st}}}); one.Digest() == two.Digest() {
		t.Error("two attributes look like one with a long name")
	}
	if got, want := two.Digest(), uint64(0xdd471ecc87dfb1a3); got != want {
		t.Errorf("digest %#x, want %#x: clients compute it as docs/PROTOCOL.md says", got, want)
	}
}

func BenchmarkDigest(b *testing.B) {
	s := &Session{}
	for i := range 16 {
		s.Attrs = append(s.Attrs, Attr{Name: string(rune('a' + i)), Stamp: Stamp{uint64(i), 1}})
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Digest()
	}
}
