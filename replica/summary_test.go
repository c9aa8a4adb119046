package replica

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A summary that merges carried on says what a look at each attribute does, and leads to each.
func TestSummaryFollowsMerges(t *testing.T) {
	for seed := range uint64(200) {
		h := newHistory(seed)
		for range 50 {
			h.step()
		}
		for _, s := range h.sides {
			checkSummary(t, s)
			checkSummary(t, s.Visible())
			woken := *s
			woken.summary = summarize(s.Attrs, &layouts{})
			checkSummary(t, &woken)
		}
	}
}

func checkSummary(t *testing.T, s *Session) {
	t.Helper()
	got, want := s.counts(), count(s.Attrs)
	if got.places, got.seen = nil, 0; got != want {
		t.Fatalf("summary %+v, want %+v", got, want)
	}
	if plain := s.holding(s.Attrs); s.Digest() != plain.Digest() {
		t.Fatalf("digest %#x, want %#x", s.Digest(), plain.Digest())
	}
	for _, name := range []string{"", "0", "1", "2", "3", "4", "none"} {
		i, ok := s.find(name)
		if j, there := findAttr(s.Attrs, name); i != j || ok != there {
			t.Fatalf("%q found at %d %v, lies at %d %v", name, i, ok, j, there)
		}
	}
}

// Attributes are found whatever their number, and where their hashes are the same.
func TestEveryAttributeIsFound(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, count := range []int{1, 2, 12, 13, 31, 255, 256, 300} {
		var s *Session
		for i := range count {
			p := Written(key("s"), []Change{{Name: fmt.Sprint(random.Uint64()), Value: []byte{1}}}, Stamp{uint64(i + 1), 1})
			s = Merge(s, p)
		}
		s = Merge(s, Written(s.Key, []Change{{Name: s.Attrs[count/2].Name, Value: []byte{2, 3}}}, Stamp{1000, 1}))
		for i, a := range s.Attrs {
			if j, ok := s.find(a.Name); !ok || i != j {
				t.Errorf("of %d attributes, number %d is found at %d, %v", count, i, j, ok)
			}
		}
		if attrs, _ := s.Live(); attrs != count || len(s.Attrs[count/2].Value) != 2 {
			t.Errorf("%d attributes, want %d", attrs, count)
		}
	}
}

// Sessions with the same names share their places.
func TestLayoutsAreShared(t *testing.T) {
	var known layouts
	one := summarize([]*Attr{{Name: "a"}, {Name: "b"}}, &known)
	same := summarize([]*Attr{{Name: "a", Value: []byte("v")}, {Name: "b"}}, &known)
	if one.places != same.places {
		t.Error("the same names lie at two places")
	}
}

// A key beside its session is the key, however long it is.
func TestKeyRoom(t *testing.T) {
	text := func(n int) string { return string(make([]byte, n)) }
	for _, k := range []Key{{"a", "b"}, {"", ""}, {"shop", text(42)}, {"shop", text(43)}, {text(46), ""}, {text(64), text(128)}} {
		var room keyRoom
		if got := room.hold(k); got != k {
			t.Errorf("%q became %q", k, got)
		}
		if got, ok := room.key(); ok != (len(k.App)+len(k.ID) <= 46 && k != Key{}) || ok && got != k {
			t.Errorf("%q is held as %q, %v", k, got, ok)
		}
	}
}
