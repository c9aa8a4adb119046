package replica

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A copy of a request may reach a side with the heal, and hide what was written there since. A merge that knows the request
// from the other side puts that back, or lists it where the other side wrote later still.
func TestLateCopyHidesWrites(t *testing.T) {
	for _, c := range []struct {
		name    string
		between func(s *split) // what the loser's side writes after the winner's, before the copy comes
		want    string
		lost    []string
	}{
		{"nothing written since", func(*split) {}, "w", nil},
		{"written on the other side since", func(s *split) { s.must(s.named(3, set("0", "a", "y"))) }, "y", []string{"a overwritten"}},
		{"another attribute", func(s *split) { s.must(s.named(3, set("0", "b", "y"))) }, "w", nil},
	} {
		for _, by := range []string{"the offer", "a fetch", "a backup that took over"} {
			t.Run(c.name+" by "+by, func(t *testing.T) {
				s := newSplit(t, nil, create("0", "a", "0"))
				r := s.named(1, set("0", "a", "r"))
				s.onLoser(func() { s.must(r) })
				s.sleep(time.Millisecond)
				s.must(s.named(2, set("0", "a", "w")))
				s.sleep(time.Millisecond)
				s.onLoser(func() { c.between(s) })
				s.sleep(time.Millisecond)
				s.must(r)
				switch by {
				case "a fetch":
					s.touch("0")
				case "a backup that took over":
					s.claim = Claim{Epoch: 4, Primary: 3, Lineage: Took(s.claim.Lineage, 4, 3, s.slot(3).Newest())}
					s.lead(3, nil)
				}
				s.heal()
				s.run()
				if got := s.value("a"); got != c.want {
					t.Errorf("a is %q, want %q", got, c.want)
				}
				if d := cmp.Diff(c.lost, s.lost()); d != "" && (by != "a fetch" || c.lost == nil) {
					t.Errorf("conflicts (-want +got):\n%s", d)
				}
				if !s.primary().requests.knows(r.Request) {
					t.Error("the request is forgotten")
				}
			})
		}
	}
}

// What a side that loses hid is put back as well.
func TestLateCopyHidesWritesOfTheHolder(t *testing.T) {
	s := newSplit(t, nil, create("0", "a", "0"))
	r := s.named(1, set("0", "a", "r"))
	s.must(r)
	s.sleep(time.Millisecond)
	s.onLoser(func() { s.must(s.named(2, set("0", "a", "w"))) })
	s.sleep(time.Millisecond)
	s.onLoser(func() { s.must(r) })
	s.merged()
	if got := s.value("a"); got != "w" || len(s.conflicts) > 0 {
		t.Errorf("a is %q, and %v are listed as lost, want w and nothing", got, s.lost())
	}
}

// What requests hid is kept while sides may be apart, within a limit, and no longer than the requests.
func TestOverwrittenIsBounded(t *testing.T) {
	r := newRig(t, 2, nil)
	value := string(make([]byte, 60<<10))
	r.must(create("0", "a", value))
	write := func(seq uint64) {
		c := set("0", "a", value)
		c.Request, c.NotAfter = RequestID{7, seq}, r.now.Wall+5_000
		r.must(c)
	}
	write(1)
	if n := r.primary().requests.overBytes; n != 0 {
		t.Errorf("%d bytes are kept though no sides have parted", n)
	}
	r.reclaim(1, 2)
	r.run()
	for i := range uint64(40) {
		write(2 + i)
	}
	if n := r.primary().requests.overBytes; n > overBytesMax || n < overBytesMax/2 {
		t.Errorf("%d bytes are kept, the limit is %d", n, overBytesMax)
	}
	r.sleep(2 * time.Duration(splitWithin) * time.Millisecond)
	r.tick()
	r.tick()
	if l := &r.primary().requests; l.overBytes != 0 || l.byID.len() > 0 {
		t.Errorf("%d bytes and %d requests are kept for ever", l.overBytes, l.byID.len())
	}
}
