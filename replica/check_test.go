package replica

import (
	"fmt"
	"testing"
	"time"
)

// compare lets the primary ask its backups, and carries everything that follows.
func (r *rig) compare() {
	r.step(r.claim.Primary, func(s *Slot, fx *Effects) { s.Check(r.now, fx) })
	r.run()
	for _, b := range r.claim.Backups {
		r.step(b, func(s *Slot, fx *Effects) { s.OfferNext(r.now, r.claim.Primary, uint64(r.now.Mono), fx) })
	}
	r.run()
}

func (r *rig) events(kind EventKind) (count uint64) {
	for _, e := range r.seen {
		if e.Kind == kind {
			count += e.Count
		}
	}
	return count
}

func TestEqualCopiesAreLeftAlone(t *testing.T) {
	r := newRig(t, 2, nil)
	for i := range 50 {
		r.must(create(fmt.Sprint(i), "a", "x"))
	}
	r.must(destroy("3"))
	c := set("4", "a", "y")
	c.Renew = "renewed"
	r.must(c)
	head := r.primary().tail.head
	r.compare()
	if got := r.events(EventDiffers); got != 0 || r.primary().tail.head != head {
		t.Errorf("%d copies differ, %d entries were made", got, r.primary().tail.head-head)
	}
}

// An ended session that one node has forgotten and the other not yet is no difference.
func TestForgettingIsNoDifference(t *testing.T) {
	r := newRig(t, 1, func(c *Config) { c.Limits.LifetimeMax = time.Minute })
	r.must(create("0"))
	r.must(destroy("0"))
	r.sleep(2 * time.Minute)
	r.slot(2).forget(r.slot(2).lookup(key("0")))
	r.compare()
	if got := r.events(EventDiffers); got != 0 {
		t.Errorf("%d copies differ", got)
	}
}

func TestDifferencesAreRepaired(t *testing.T) {
	damage := map[string]func(primary, backup *Slot){
		"session missing on the backup":  func(_, b *Slot) { b.forget(b.lookup(key("5"))) },
		"last session missing on it":     func(_, b *Slot) { b.forget(b.lookup(key("9"))) },
		"session missing on the primary": func(p, _ *Slot) { p.forget(p.lookup(key("5"))) },
		"backup empty": func(_, b *Slot) {
			for _, r := range b.records.sorted() {
				b.forget(r)
			}
		},
		"attribute older on the backup": func(_, b *Slot) {
			r := b.lookup(key("5"))
			v := *r.newest
			v.Attrs = []*Attr{{Name: "a", Value: []byte("old"), Stamp: Stamp{1, 1}}}
			r.settle(&v)
		},
		"attribute older on the primary": func(p, _ *Slot) {
			r := p.lookup(key("5"))
			v := *r.newest
			v.Attrs = []*Attr{{Name: "a", Value: []byte("old"), Stamp: Stamp{1, 1}}}
			r.settle(&v)
		},
	}
	for name, harm := range damage {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 2, smallChunks)
			for i := range 10 {
				r.must(create(fmt.Sprint(i), "a", "x"))
			}
			want := dump(r.primary())
			harm(r.primary(), r.slot(2))
			r.compare()
			r.pass(time.Second)
			r.run()
			for b := Boot(1); b <= 3; b++ {
				if got := dump(r.slot(b)); got != want {
					t.Errorf("boot %v holds\n%swant\n%s", b, got, want)
				}
			}
			if r.events(EventDiffers) == 0 || r.events(EventRepaired) == 0 {
				t.Errorf("%d differences, %d sessions repaired: not counted", r.events(EventDiffers), r.events(EventRepaired))
			}
			r.seen = nil
			r.compare()
			if got := r.events(EventDiffers); got != 0 {
				t.Errorf("%d copies differ after the repair", got)
			}
		})
	}
}

// A check that was overtaken, or comes to a backup that lacks entries, says nothing.
func TestCheckOfAnotherMomentIsIgnored(t *testing.T) {
	r := newRig(t, 1, nil)
	r.must(create("0"))
	r.step(1, func(s *Slot, fx *Effects) { s.Check(r.now, fx) })
	late := r.wire
	r.wire = nil
	r.must(set("0", "a", "x"))
	r.wire = late
	r.run()
	if got := r.events(EventDiffers); got != 0 {
		t.Errorf("%d copies differ", got)
	}
}
