package ring

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The limits that a change by one member is held to, from DESIGN G7.
const (
	movedOverMinimumMax = 1.2
	loadMaxOverMeanMax  = 1.35
)

// checkChange holds a change to the limits.
func checkChange(t *testing.T, label string, c Change) {
	t.Helper()
	if got := c.MovedOverMinimum(); got > movedOverMinimumMax {
		t.Errorf("%s: moved %d, minimum %d: %.3f times", label, c.CopiesMoved, c.CopiesMovedMinimum, got)
	}
	if c.LoadMaxOverMean > loadMaxOverMeanMax {
		t.Errorf("%s: load over mean %.3f", label, c.LoadMaxOverMean)
	}
	if c.CopiesMoved < c.CopiesMovedMinimum {
		t.Errorf("%s: moved %d, less than the minimum %d", label, c.CopiesMoved, c.CopiesMovedMinimum)
	}
	received := 0
	for _, m := range c.Members {
		received += m.CopiesReceived
	}
	if received != c.CopiesMoved {
		t.Errorf("%s: members receive %d copies, moved are %d", label, received, c.CopiesMoved)
	}
}

func TestLeave(t *testing.T) {
	for _, backups := range []int{1, 2} {
		for _, count := range []int{3, 5, 10, 30} {
			cfg := Config{Backups: backups}
			list := members(count, 0)
			before := mustCompute(t, cfg, list)
			worst, heirs, load, sum := 0.0, 1.0, 0.0, 0.0
			for _, m := range list {
				change := Compare(before, mustCompute(t, cfg, without(list, m.Name)))
				checkChange(t, fmt.Sprintf("%d members, %d backups, without %s", count, backups, m.Name), change)
				if change.HeirsWithCopy != 1 {
					t.Errorf("%d members, %d backups, without %s: heirs with copy %.3f", count, backups, m.Name, change.HeirsWithCopy)
				}
				worst, sum = max(worst, change.MovedOverMinimum()), sum+change.MovedOverMinimum()
				heirs, load = min(heirs, change.HeirsWithCopy), max(load, change.LoadMaxOverMean)
			}
			t.Logf("leave %2d members, %d backups: moved %.3f worst, %.3f mean; heirs %.3f; load %.3f",
				count, backups, worst, sum/float64(count), heirs, load)
		}
	}
}

// TestJoin tries the next name in the row and five others. The newcomer's own share is left to the hash: at 30 members
// about one name in thirty gets more than 1.2 times its fair share of copies. These do not.
func TestJoin(t *testing.T) {
	for _, backups := range []int{1, 2} {
		for _, count := range []int{1, 2, 3, 5, 10, 30} {
			cfg := Config{Backups: backups}
			list := members(count, 0)
			before := mustCompute(t, cfg, list)
			least, worst, load := math.Inf(1), 0.0, 0.0
			newcomers := []Member{members(count+1, 0)[count]}
			for i := range 5 {
				newcomers = append(newcomers, Member{Name: fmt.Sprintf("new-%d", i)})
			}
			for _, newcomer := range newcomers {
				change := Compare(before, mustCompute(t, cfg, append(without(list), newcomer)))
				checkChange(t, fmt.Sprintf("%d members, %d backups, with %s", count, backups, newcomer.Name), change)
				fair := float64(cfg.withDefaults().Slots*min(1+backups, count+1)) / float64(count+1)
				if got := float64(change.CopiesMovedMinimum); got > movedOverMinimumMax*fair {
					t.Errorf("%d members, %d backups: %s gets %.0f copies, a fair share is %.0f", count, backups, newcomer.Name, got, fair)
				}
				least, worst = min(least, change.MovedOverMinimum()), max(worst, change.MovedOverMinimum())
				load = max(load, change.LoadMaxOverMean)
			}
			t.Logf("join %2d members, %d backups: moved %.3f to %.3f; load %.3f", count, backups, least, worst, load)
		}
	}
}

func TestLeaveWithZones(t *testing.T) {
	for _, zones := range []int{2, 3, 5} {
		for _, backups := range []int{1, 2} {
			cfg := Config{Backups: backups}
			list := members(30, zones)
			before := mustCompute(t, cfg, list)
			worst, heirs := 0.0, 0.0
			for _, m := range list[:4] {
				change := Compare(before, mustCompute(t, cfg, without(list, m.Name)))
				checkChange(t, fmt.Sprintf("%d zones, %d backups, without %s", zones, backups, m.Name), change)
				if 1+backups > zones && change.HeirsWithCopy != 1 {
					t.Errorf("%d zones, %d backups, without %s: a copy to spare, but heirs with copy %.3f",
						zones, backups, m.Name, change.HeirsWithCopy)
				}
				worst, heirs = max(worst, change.MovedOverMinimum()), heirs+change.HeirsWithCopy/4
			}
			t.Logf("leave 30 members, %d zones, %d backups: moved %.3f worst; heirs %.3f mean", zones, backups, worst, heirs)
		}
	}
}

func TestManyMembersWithEnoughSlots(t *testing.T) {
	cfg := Config{Backups: 1, Slots: 4096}
	list := members(100, 0)
	before := mustCompute(t, cfg, list)
	for _, m := range []Member{list[41]} {
		change := Compare(before, mustCompute(t, cfg, without(list, m.Name)))
		if got := change.MovedOverMinimum(); got > movedOverMinimumMax || change.HeirsWithCopy != 1 {
			t.Errorf("100 members, %d slots, without %s: moved %.3f, heirs %.3f", cfg.Slots, m.Name, got, change.HeirsWithCopy)
		}
	}
}

// handTable makes a table out of rows of replicas.
func handTable(list []Member, rows ...[]string) *Table {
	return &Table{members: list, replicas: rows}
}

func TestCompare(t *testing.T) {
	a, b, c, d := Member{Name: "a"}, Member{Name: "b"}, Member{Name: "c"}, Member{Name: "d", Zone: "z"}
	before := handTable([]Member{a, b, c}, []string{"a", "b"}, []string{"a", "c"}, []string{"b", "c"}, []string{"c", "b"})
	after := handTable([]Member{b, c, d}, []string{"b", "d"}, []string{"d", "c"}, []string{"b", "c"}, []string{"b", "d"})
	want := Change{
		Slots: 4, MembersBefore: 3, MembersAfter: 3, Left: []string{"a"}, Joined: []string{"d"},
		CopiesMoved: 3, CopiesMovedMinimum: 3, PrimariesMoved: 3, HeirsWithCopy: 0.5, LoadMaxOverMean: 2.25,
		Members: []MemberLoad{
			{Member: a, PrimariesBefore: 2, CopiesBefore: 2},
			{Member: b, PrimariesBefore: 1, PrimariesAfter: 3, CopiesBefore: 3, CopiesAfter: 3},
			{Member: c, PrimariesBefore: 1, CopiesBefore: 3, CopiesAfter: 2},
			{Member: d, PrimariesAfter: 1, CopiesAfter: 3, CopiesReceived: 3},
		},
		Moves: []Move{
			{Slot: 0, Before: []string{"a", "b"}, After: []string{"b", "d"}},
			{Slot: 1, Before: []string{"a", "c"}, After: []string{"d", "c"}},
			{Slot: 3, Before: []string{"c", "b"}, After: []string{"b", "d"}},
		},
	}
	if diff := cmp.Diff(want, Compare(before, after)); diff != "" {
		t.Errorf("Compare (-want +got):\n%s", diff)
	}
}

// TestMovedIsNeverBelowTheMinimum changes several members at a time, down to one and up to more than there are copies.
func TestMovedIsNeverBelowTheMinimum(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		cfg := Config{Slots: 1 + random.IntN(200), Backups: random.IntN(4), VirtualNodes: 1 + random.IntN(20)}
		before, after := someMembers(random), someMembers(random)
		c := Compare(mustCompute(t, cfg, before), mustCompute(t, cfg, after))
		if c.CopiesMoved < c.CopiesMovedMinimum || c.MovedOverMinimum() < 1 {
			t.Errorf("%+v, %v to %v: moved %d, less than the minimum %d", cfg, before, after, c.CopiesMoved, c.CopiesMovedMinimum)
		}
		if len(c.Left) == 0 && len(c.Joined) > 0 && len(before) > cfg.Backups {
			received := 0
			for _, name := range c.Joined {
				i := slices.IndexFunc(c.Members, func(m MemberLoad) bool { return m.Name == name })
				received += c.Members[i].CopiesAfter
			}
			if c.CopiesMovedMinimum != received {
				t.Errorf("%+v, %v to %v: newcomers hold %d, the minimum is %d", cfg, before, after, received, c.CopiesMovedMinimum)
			}
		}
	}
}

// someMembers returns one to eight members, of whom two lists share some.
func someMembers(random *rand.Rand) []Member {
	list := members(8, random.IntN(4))
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:1+random.IntN(len(list))]
}

func TestCompareWithItself(t *testing.T) {
	table := mustCompute(t, Config{Backups: 2}, members(4, 0))
	c := Compare(table, table)
	if c.CopiesMoved != 0 || c.CopiesMovedMinimum != 0 || c.MovedOverMinimum() != 1 || c.HeirsWithCopy != 1 {
		t.Errorf("got %+v, want nothing moved", c)
	}
}

func TestCompareDifferentSlotsPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Compare of tables with different numbers of slots returned")
		}
	}()
	Compare(mustCompute(t, Config{Slots: 1}, members(1, 0)), mustCompute(t, Config{Slots: 2}, members(1, 0)))
}

// TestChangeJSON pins the names that scripts read.
func TestChangeJSON(t *testing.T) {
	c := Compare(handTable([]Member{{Name: "a", Zone: "z"}}, []string{"a"}), handTable([]Member{{Name: "b"}}, []string{"b"}))
	got, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"slots":1,"members_before":1,"members_after":1,"left":["a"],"joined":["b"],"copies_moved":1,` +
		`"copies_moved_minimum":1,"primaries_moved":1,"heirs_with_copy":0,"load_max_over_mean":1,"members":[` +
		`{"name":"a","zone":"z","primaries_before":1,"primaries_after":0,"copies_before":1,"copies_after":0,"copies_received":0},` +
		`{"name":"b","primaries_before":0,"primaries_after":1,"copies_before":0,"copies_after":1,"copies_received":1}],` +
		`"moves":[{"slot":0,"before":["a"],"after":["b"]}]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}
