package ring

import (
	"fmt"
	"slices"
)

// Change is what it takes to get from one table to another. A copy is one slot on one member.
type Change struct {
	// Slots is the number of slots in both tables.
	Slots int `json:"slots"`
	// MembersBefore and MembersAfter are the numbers of members.
	MembersBefore int `json:"members_before"`
	MembersAfter  int `json:"members_after"`
	// Left and Joined are the names that are only in the first or only in the second table, ascending, never nil.
	Left   []string `json:"left"`
	Joined []string `json:"joined"`
	// CopiesMoved is the number of copies in the second table that the first has not: what must be sent to somebody.
	CopiesMoved int `json:"copies_moved"`
	// CopiesMovedMinimum is what every scheme that gives the newcomers as much as the second table does would have to
	// send: the greater of what those who joined hold afterwards, as they held nothing, and of what slots lack once those
	// who left are gone. One copy may serve for both, so it is not the sum. Invariant: CopiesMovedMinimum <= CopiesMoved.
	CopiesMovedMinimum int `json:"copies_moved_minimum"`
	// PrimariesMoved is the number of slots whose primary is another one.
	PrimariesMoved int `json:"primaries_moved"`
	// HeirsWithCopy is the share, 0 to 1, of the slots whose primary left where the new primary held a copy already; 1 if
	// no primary left.
	HeirsWithCopy float64 `json:"heirs_with_copy"`
	// LoadMaxOverMean is the number of primaries on the busiest member of the second table, over the mean.
	LoadMaxOverMean float64 `json:"load_max_over_mean"`
	// Members has an entry for every member of either table, ascending by name.
	Members []MemberLoad `json:"members"`
	// Moves has an entry for every slot of which a copy moves, ascending by slot, never nil.
	Moves []Move `json:"moves"`
}

// Move is a slot of which some member must receive a copy.
type Move struct {
	// Slot is the slot's number.
	Slot int `json:"slot"`
	// Before and After are the slot's replicas, primary first. They belong to the tables compared: do not modify them.
	Before []string `json:"before"`
	After  []string `json:"after"`
}

// Compare returns what a change from one table to another moves. Both must have the same number of slots: nodes with
// different configurations never meet in one cluster, so it panics otherwise.
func Compare(before, after *Table) Change {
	if before.Slots() != after.Slots() {
		panic(fmt.Sprintf("ring: BUG: compare of %d slots with %d", before.Slots(), after.Slots()))
	}
	c := Change{
		Slots:              before.Slots(),
		MembersBefore:      len(before.members),
		MembersAfter:       len(after.members),
		Left:               missing(before, after),
		Joined:             missing(after, before),
		CopiesMovedMinimum: copiesMovedMinimum(before, after),
		Members:            memberLoads(before, after),
		LoadMaxOverMean:    loadMaxOverMean(after),
		Moves:              []Move{},
	}
	promoted, promotedWithCopy := 0, 0
	for slot, was := range before.replicas {
		is := after.replicas[slot]
		if received := len(is) - common(was, is); received > 0 {
			c.CopiesMoved += received
			c.Moves = append(c.Moves, Move{Slot: slot, Before: was, After: is})
		}
		if was[0] != is[0] {
			c.PrimariesMoved++
		}
		if !after.hasMember(was[0]) {
			promoted++
			promotedWithCopy += common(was, is[:1])
		}
	}
	c.HeirsWithCopy = 1
	if promoted > 0 {
		c.HeirsWithCopy = float64(promotedWithCopy) / float64(promoted)
	}
	return c
}

// MovedOverMinimum returns CopiesMoved over CopiesMovedMinimum, never less than 1: 1 if nothing moves and nothing has to,
// +Inf if something moves though nothing has to.
func (c Change) MovedOverMinimum() float64 {
	if c.CopiesMoved == c.CopiesMovedMinimum {
		return 1
	}
	return float64(c.CopiesMoved) / float64(c.CopiesMovedMinimum)
}

// copiesMovedMinimum returns what CopiesMovedMinimum promises. A slot lacks copies that left with their member, or that
// there were too few members for, as far as the second table has them made anew.
func copiesMovedMinimum(before, after *Table) int {
	lacking, joined := 0, 0
	for slot, was := range before.replicas {
		survivors := 0
		for _, name := range was {
			if after.hasMember(name) {
				survivors++
			}
		}
		is := after.replicas[slot]
		lacking += max(0, len(is)-survivors)
		for _, name := range is {
			if !before.hasMember(name) {
				joined++
			}
		}
	}
	return max(lacking, joined)
}

// missing returns the names of a's members that b has not, ascending, never nil.
func missing(a, b *Table) []string {
	names := []string{}
	for _, m := range a.members {
		if !b.hasMember(m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}

// common returns how many names are in both lists.
func common(a, b []string) int {
	count := 0
	for _, name := range a {
		if slices.Contains(b, name) {
			count++
		}
	}
	return count
}
