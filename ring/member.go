package ring

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// MaxMembers is the largest number of members that a table can be computed for.
const MaxMembers = 256

// MaxNameBytes is the longest name or zone of a member, in bytes.
const MaxNameBytes = 256

// Errors of a member list that no table can be computed for. They are wrapped with the name at fault; test for them with
// errors.Is.
var (
	ErrNoMembers       = errors.New("no members")
	ErrTooManyMembers  = errors.New("too many members")
	ErrInvalidMember   = errors.New("invalid member")
	ErrDuplicateMember = errors.New("duplicate member")
	ErrNameCollision   = errors.New("members share a point of the ring")
)

// Member is one node as the ring sees it. Both fields are compared byte by byte; any bytes are allowed.
type Member struct {
	// Name identifies the node: 1 to MaxNameBytes bytes, unique in a member list.
	Name string `json:"name"`
	// Zone is the failure domain the node stands in, such as a rack or a data centre. Empty means none: such a node is a
	// failure domain of its own.
	Zone string `json:"zone,omitempty"`
}

// sortMembers returns a checked copy of members in the order of their names, the order that indexes refer to everywhere
// else in this package.
func sortMembers(members []Member) ([]Member, error) {
	switch {
	case len(members) == 0:
		return nil, ErrNoMembers
	case len(members) > MaxMembers:
		return nil, fmt.Errorf("%w: %d, at most %d", ErrTooManyMembers, len(members), MaxMembers)
	}
	sorted := slices.Clone(members)
	slices.SortFunc(sorted, func(a, b Member) int { return cmp.Compare(a.Name, b.Name) })
	for i, m := range sorted {
		if m.Name == "" || len(m.Name) > MaxNameBytes || len(m.Zone) > MaxNameBytes {
			return nil, fmt.Errorf("%w: name of %d bytes, zone of %d bytes: want 1 to %d and 0 to %d",
				ErrInvalidMember, len(m.Name), len(m.Zone), MaxNameBytes, MaxNameBytes)
		}
		if i > 0 && m.Name == sorted[i-1].Name {
			return nil, fmt.Errorf("%w: %q", ErrDuplicateMember, m.Name)
		}
	}
	return sorted, nil
}

// domains numbers the failure domains: members of one zone share a number, a member without a zone has its own. The
// second result is the number of domains.
func domains(members []Member) ([]int, int) {
	ofMember := make([]int, len(members))
	ofZone := make(map[string]int)
	count := 0
	for i, m := range members {
		if d, known := ofZone[m.Zone]; known && m.Zone != "" {
			ofMember[i] = d
			continue
		}
		ofMember[i] = count
		ofZone[m.Zone] = count
		count++
	}
	return ofMember, count
}
