package ring

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOwnersAgreeWithLibrary holds circle.owners to the consistent library's answer for the members that stay.
func TestOwnersAgreeWithLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for round := range 60 {
		cfg := randomConfig(r).withDefaults()
		list, err := sortMembers(members(1+r.IntN(25), 0))
		if err != nil {
			t.Fatal(err)
		}
		c, err := newCircle(cfg, list)
		if err != nil {
			t.Fatal(err)
		}
		excluded := make([]byte, len(list))
		for range r.IntN(len(list)) {
			excluded[r.IntN(len(list))] = 1
		}
		var staying []Member
		var index []int
		for i, e := range excluded {
			if e == 0 {
				staying, index = append(staying, list[i]), append(index, i)
			}
		}
		want := primaries(cfg, staying)
		for slot := range want {
			want[slot] = index[want[slot]]
		}
		got := c.owners(exclusion(excluded), cfg.Slots-1)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("round %d, %+v, excluded %v (-library +owners):\n%s", round, cfg, excluded, diff)
		}
		last := r.IntN(cfg.Slots)
		if got := c.owners(exclusion(excluded), last); !slices.Equal(got, want[:last+1]) {
			t.Fatalf("round %d, %+v: owners up to slot %d differ from all owners", round, cfg, last)
		}
	}
}
