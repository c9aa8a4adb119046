package replica

import (
	"bytes"
	"crypto/rand"
	"errors"
	mrand "math/rand/v2"
	"strings"
	"testing"
)

func TestNewIDs(t *testing.T) {
	const n = 2000
	seen := map[string]bool{}
	var ones [256][256]int // of each place and letter
	for range n {
		id, err := NewID(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if !WellFormedID(id) || seen[id] {
			t.Fatalf("bad or repeated id %q", id)
		}
		seen[id] = true
		for i := range len(id) {
			ones[i][id[i]]++
		}
	}
	for i := range idLen {
		if i == tagLen {
			continue
		}
		letters := 0
		for _, count := range ones[i] {
			if count > 0 {
				letters++
			}
			if count > n/16 {
				t.Errorf("one letter %d times of %d at place %d", count, n, i)
			}
		}
		if letters != 64 {
			t.Errorf("%d letters at place %d: not six random bits", letters, i)
		}
	}
	if _, err := NewID(bytes.NewReader(make([]byte, 20))); err == nil {
		t.Error("an id was made without randomness")
	}
}

func TestWellFormedID(t *testing.T) {
	good := "tagtag.0123456789abcdefABCD-_"
	for id, want := range map[string]bool{
		good: true, "": false, good[1:]: false, good + "x": false, strings.Replace(good, ".", "_", 1): false,
		strings.Replace(good, "-", "+", 1): false, strings.Replace(good, "-_", "é", 1): false,
		strings.Replace(good, "tag", "ta.", 1): false, strings.Replace(good, "0", "\x00", 1): false,
	} {
		if got := WellFormedID(id); got != want {
			t.Errorf("%q: got %v", id, got)
		}
	}
}

func TestTags(t *testing.T) {
	tag := TagFrom("user-42")
	a, errA := NewTaggedID(rand.Reader, tag)
	b, errB := NewTaggedID(rand.Reader, tag)
	if errA != nil || errB != nil || a == b || Tag(a) != tag || SlotOf(a, 271) != SlotOf(b, 271) {
		t.Errorf("%q and %q of tag %q", a, b, tag)
	}
	if got := Tag("foreign-id"); got != "foreign-id" {
		t.Errorf("the tag of a foreign id is %q", got)
	}
}

// TestSlotsAreStable pins the function that says where every session lives: another would lose them all in an upgrade.
func TestSlotsAreStable(t *testing.T) {
	for id, want := range map[string]uint32{
		"tagtag.0123456789abcdefABCD-_": 241, "foreign-id": 46, "": 171,
	} {
		if got := SlotOf(id, 271); got != want {
			t.Errorf("slot of %q is %d, was %d", id, got, want)
		}
	}
	if got, want := TagFrom("user-42"), "gXyvdj"; got != want {
		t.Errorf("tag %q, was %q", got, want)
	}
}

func TestSlotsAreBalanced(t *testing.T) {
	const slots, each = 64, 500
	counts := make([]int, slots)
	for range slots * each {
		id, err := NewID(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		counts[SlotOf(id, slots)]++
	}
	for i, n := range counts { // six standard deviations
		if n < each-135 || n > each+135 {
			t.Errorf("slot %d has %d ids, expected about %d", i, n, each)
		}
	}
}

func TestKeysAreLoggedShortened(t *testing.T) {
	k := Key{"shop", "tagtag.0123456789abcdefABCD-_"}
	if got, want := k.String(), "shop/tagtag.0…"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := ShortID("short"); got != "short" {
		t.Errorf("got %q", got)
	}
}

func TestBoots(t *testing.T) {
	b, err := NewBoot(bytes.NewReader(append(make([]byte, 8), 1, 0, 0, 0, 0, 0, 0, 0)))
	if err != nil || b != 1 {
		t.Errorf("got %v, %v; zero is no boot", b, err)
	}
	if _, err := NewBoot(bytes.NewReader(nil)); err == nil {
		t.Error("a boot without randomness")
	}
	if got, want := (Member{Boot: 255, Name: "n"}).String(), "n#00000000000000ff"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func randomClaim(rng *mrand.Rand) Claim {
	c := Claim{Epoch: rng.Uint64N(6), Primary: Boot(rng.Uint64N(3)), Seen: rng.Uint32N(3)}
	for e := uint64(1); e < c.Epoch && len(c.Emptied) < 2; e++ {
		if rng.IntN(3) == 0 {
			c.Emptied = append(c.Emptied, e)
		}
	}
	return c
}

func TestClaimsAreInTotalOrder(t *testing.T) {
	rng := mrand.New(mrand.NewPCG(1, 1))
	for range 50_000 {
		a, b, c := randomClaim(rng), randomClaim(rng), randomClaim(rng)
		switch {
		case a.Compare(b) != -b.Compare(a):
			t.Fatalf("%+v and %+v: %d and %d", a, b, a.Compare(b), b.Compare(a))
		case a.Compare(b) <= 0 && b.Compare(c) <= 0 && a.Compare(c) > 0:
			t.Fatalf("not transitive: %+v %+v %+v", a, b, c)
		case !a.IsZero() && !b.IsZero() && a.Compare(b) == 0 && a.Fingerprint() != b.Fingerprint():
			t.Fatalf("equal claims %+v and %+v differ in print", a, b)
		case a.Above(b) && b.Above(a), !a.Same(a):
			t.Fatalf("%+v %+v", a, b)
		}
	}
}

func TestClaimOrder(t *testing.T) {
	base := Claim{Epoch: 5, Primary: 3, Emptied: []uint64{2}, Seen: 2}
	lower := []Claim{
		{}, {Epoch: 2, Primary: 9, Seen: 9}, // what it knew to be lost
		{Epoch: 9, Primary: 9, Emptied: []uint64{1}, Seen: 9},    // emptied by somebody who knew less
		{Epoch: 9, Primary: 9, Emptied: []uint64{2, 4}, Seen: 9}, // emptied although this one lived on
		{Epoch: 4, Primary: 9, Emptied: []uint64{2}, Seen: 9},
		{Epoch: 5, Primary: 9, Emptied: []uint64{2}, Seen: 1}, {Epoch: 5, Primary: 2, Emptied: []uint64{2}, Seen: 2},
	}
	for _, l := range lower {
		if !base.Above(l) || l.Above(base) {
			t.Errorf("%+v should be above %+v", base, l)
		}
	}
	c := Claim{Epoch: 1, Primary: 1, Backups: []Boot{2, 3}}
	if !c.Holds(1) || !c.Holds(3) || c.Holds(4) || len(c.Replicas()) != 3 || (Claim{}).Fingerprint() != 0 {
		t.Errorf("%+v", c)
	}
}

func TestClockOrdersStamps(t *testing.T) {
	a, b := Clock{Boot: 1}, Clock{Boot: 2}
	last := a.Next(testWall)
	for _, wall := range []int64{testWall, testWall - 1000, testWall + 1, -5, 0} {
		next := a.Next(wall)
		if !last.Less(next) || next.Less(last) || Later(last, next) != next {
			t.Fatalf("%v then %v", last, next)
		}
		last = next
	}
	b.Observe(last)
	if next := b.Next(0); !last.Less(next) {
		t.Errorf("%v after %v was observed", next, last)
	}
	if got := (Stamp{Clock: testWall << 16}).Wall(); got != testWall {
		t.Errorf("wall %d", got)
	}
}

func TestStatusesThatAreWorthAnotherTry(t *testing.T) {
	for s := range StatusForbidden + 1 {
		want := errors.Is(s, ErrNotPrimary) || errors.Is(s, ErrUnavailable) || errors.Is(s, ErrOverloaded)
		if s.Retryable() != want {
			t.Errorf("%v: got %v", s, s.Retryable())
		}
	}
}
