package replica

import (
	"strings"
	"testing"
)

// ledBy makes a slot that its only replica leads, of ten slots of which it leads five: the part of a quota is 55 of 100.
func ledBy(t *testing.T, quotas map[string]Quota) (*rig, func()) {
	q := NewQuotas(quotas)
	r := newRig(t, 0, func(c *Config) { c.Quotas = q })
	slots := []*Slot{r.primary()}
	for range 9 {
		slots = append(slots, NewSlot(0, &r.cfg))
	}
	for _, s := range slots[1:5] {
		s.role = Primary
	}
	share := func() { q.Share(slots) }
	share()
	return r, share
}

func TestQuotaOfSessions(t *testing.T) {
	r, share := ledBy(t, map[string]Quota{testApp: {Sessions: 10}}) // 5.5 here, rounded up
	ids := []string{"a", "b", "c", "d", "e", "f"}
	for _, id := range ids {
		r.must(create(id))
	}
	for range 2 {
		res := r.commit(create("g"))
		if res.Status != StatusOverCapacity || !strings.Contains(res.Detail, `application "shop" has 6 sessions`) {
			t.Errorf("one past the quota: %v %q", res.Status, res.Detail)
		}
		share() // counting anew changes nothing
	}
	r.must(set("a", "x", "growth is free"))
	r.must(&Commit{Key: Key{"other", "g"}, Create: true}) // has no quota
	r.must(destroy("a"))
	r.must(create("g"))
}

func TestQuotaOfBytes(t *testing.T) {
	r, share := ledBy(t, map[string]Quota{testApp: {Bytes: 10_000}}) // 5500 here
	r.must(create("a", "x", strings.Repeat("v", 3000)))
	most := 5500 - r.primary().bytes
	r.must(set("a", "x", strings.Repeat("v", 3000+most)))
	for _, c := range []*Commit{set("a", "x", strings.Repeat("v", 3001+most)), create("b")} {
		if res := r.commit(c); res.Status != StatusOverCapacity {
			t.Errorf("one byte past the quota: %v", res.Status)
		}
		share()
	}
	r.must(set("a", "x", "less"))
	r.must(create("b"))
}

func TestQuotaOfAllOthers(t *testing.T) {
	r, _ := ledBy(t, map[string]Quota{testApp: {}, OtherApps: {Sessions: 2}}) // 1.1 here, rounded up
	r.must(&Commit{Key: Key{"one", "s"}, Create: true})
	r.must(&Commit{Key: Key{"two", "s"}, Create: true})
	if res := r.commit(&Commit{Key: Key{"three", "s"}, Create: true}); res.Status != StatusOverCapacity {
		t.Errorf("a third of two: %v", res.Status)
	}
	for _, id := range []string{"a", "b", "c"} {
		r.must(create(id))
	}
}
