package ring

import (
	"cmp"
	"slices"
)

// MemberLoad is what one member holds before and after a change; zeros where it is not a member.
type MemberLoad struct {
	// Member is the member as the second table knows it, or else the first.
	Member
	// PrimariesBefore and PrimariesAfter are the numbers of slots that it is the primary of.
	PrimariesBefore int `json:"primaries_before"`
	PrimariesAfter  int `json:"primaries_after"`
	// CopiesBefore and CopiesAfter are the numbers of slots that it holds, as primary or backup.
	CopiesBefore int `json:"copies_before"`
	CopiesAfter  int `json:"copies_after"`
	// CopiesReceived is the number of slots that it holds only afterwards: what it will be sent.
	CopiesReceived int `json:"copies_received"`
}

// memberLoads returns the load of every member of either table, ascending by name.
func memberLoads(before, after *Table) []MemberLoad {
	byName := make(map[string]*MemberLoad)
	for _, m := range slices.Concat(before.members, after.members) {
		byName[m.Name] = &MemberLoad{Member: m}
	}
	for slot, was := range before.replicas {
		is := after.replicas[slot]
		byName[was[0]].PrimariesBefore++
		byName[is[0]].PrimariesAfter++
		for _, name := range was {
			byName[name].CopiesBefore++
		}
		for _, name := range is {
			byName[name].CopiesAfter++
			if !slices.Contains(was, name) {
				byName[name].CopiesReceived++
			}
		}
	}
	loads := make([]MemberLoad, 0, len(byName))
	for _, load := range byName {
		loads = append(loads, *load)
	}
	slices.SortFunc(loads, func(a, b MemberLoad) int { return cmp.Compare(a.Name, b.Name) })
	return loads
}

// loadMaxOverMean returns the primaries of the busiest member over the mean.
func loadMaxOverMean(t *Table) float64 {
	primaries := make(map[string]int)
	busiest := 0
	for _, replicas := range t.replicas {
		primaries[replicas[0]]++
		busiest = max(busiest, primaries[replicas[0]])
	}
	return float64(busiest*len(t.members)) / float64(t.Slots())
}
