package ring

import (
	"errors"
	"fmt"
	"slices"
)

// Errors of a scenario that cannot be played.
var (
	ErrUnknownMember = errors.New("unknown member")
	ErrNoChange      = errors.New("no member leaves or joins")
)

// Scenario is a change of membership to try out, without a cluster.
type Scenario struct {
	// Members is the number of members before, 1 to MaxMembers. They are called node-01, node-02 and so on; from 100 on
	// with three digits.
	Members int
	// Zones is the number of zones that the members are dealt to in turn: zone-1, zone-2 and so on. Zero means no zones.
	Zones int
	// Leave is the name of the member that leaves; empty if none does.
	Leave string
	// Join is the name of the member that joins, in the zone whose turn it is; empty if none does.
	Join string
}

// Preview returns what the scenario would move under cfg. Errors wrap ErrUnknownMember if there is none to leave,
// ErrNoChange if nobody leaves or joins, or an error of Compute: ErrDuplicateMember if the one that joins is there
// already, ErrNoMembers if nobody would be left.
func Preview(cfg Config, s Scenario) (Change, error) {
	switch {
	case s.Leave == "" && s.Join == "":
		return Change{}, ErrNoChange
	case s.Members > MaxMembers:
		return Change{}, fmt.Errorf("%w: %d, at most %d", ErrTooManyMembers, s.Members, MaxMembers)
	}
	members := s.members()
	before, err := Compute(cfg, members)
	if err != nil {
		return Change{}, fmt.Errorf("before the change: %w", err)
	}
	if s.Leave != "" {
		leaver := slices.IndexFunc(members, func(m Member) bool { return m.Name == s.Leave })
		if leaver < 0 {
			return Change{}, fmt.Errorf("%w: %q, want %s to %s",
				ErrUnknownMember, s.Leave, members[0].Name, members[len(members)-1].Name)
		}
		members = slices.Delete(members, leaver, leaver+1)
	}
	if s.Join != "" {
		members = append(members, Member{Name: s.Join, Zone: s.zone(s.Members)})
	}
	after, err := Compute(cfg, members)
	if err != nil {
		return Change{}, fmt.Errorf("after the change: %w", err)
	}
	return Compare(before, after), nil
}

// members returns the members before the change.
func (s Scenario) members() []Member {
	members := make([]Member, max(0, s.Members))
	for i := range members {
		members[i] = Member{Name: fmt.Sprintf("node-%02d", i+1), Zone: s.zone(i)}
	}
	return members
}

// zone returns the zone of the member with that index.
func (s Scenario) zone(index int) string {
	if s.Zones <= 0 {
		return ""
	}
	return fmt.Sprintf("zone-%d", index%s.Zones+1)
}
