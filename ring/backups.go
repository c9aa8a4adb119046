package ring

// placement is a table in the making: indexes into the sorted members instead of names.
type placement struct {
	circle      *circle
	copies      int     // Members wanted for each slot. Invariant: 1 <= copies <= members.
	domain      []int   // The failure domain of each member.
	domainCount int     // Number of different failure domains.
	replicas    [][]int // For each slot the members chosen so far, primary first.
}

// addBackup appends one more backup to every slot: the member that would own the slot if all those before it were gone.
// Slots that leave out the same members share one pass over the ring.
func (p *placement) addBackup() {
	groups := make(map[exclusion][]int)
	for slot, chosen := range p.replicas {
		e := p.exclude(chosen)
		groups[e] = append(groups[e], slot)
	}
	// The order of the map does not matter: each group fills its own slots.
	for e, slots := range groups {
		owners := p.circle.owners(e, slots[len(slots)-1])
		for _, slot := range slots {
			p.replicas[slot] = append(p.replicas[slot], owners[slot])
		}
	}
}

// exclude returns the members that the next copy may not go to: those chosen, and their whole failure domains as long as
// every copy still to be placed is needed in a domain of its own.
func (p *placement) exclude(chosen []int) exclusion {
	used := make([]bool, p.domainCount)
	unused := p.domainCount
	for _, member := range chosen {
		if !used[p.domain[member]] {
			used[p.domain[member]] = true
			unused--
		}
	}
	excluded := make([]byte, len(p.domain))
	if unused > 0 && p.copies-len(chosen) <= unused {
		for member, d := range p.domain {
			if used[d] {
				excluded[member] = 1
			}
		}
	}
	for _, member := range chosen {
		excluded[member] = 1
	}
	return exclusion(excluded)
}
