package node

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/sessnode/sessnode/replica"
)

// SlotList is some of the cluster's slots as one node knows them. Its JSON form answers the command "slots".
type SlotList struct {
	Node  string     `json:"node"`
	Boot  string     `json:"boot"`
	Total int        `json:"total"` // slots of the cluster
	Next  int        `json:"next"`  // the first slot that did not fit, to ask for; Total: there is none
	Slots []SlotView `json:"slots"` // in order; never nil
}

// SlotView is one slot as one node knows it.
type SlotView struct {
	Slot     uint32   `json:"slot"`
	Epoch    uint64   `json:"epoch"`   // 0: unclaimed
	Primary  string   `json:"primary"` // acting, by name; empty: nobody known
	Backups  []string `json:"backups"` // acting; never nil
	Home     []string `json:"home"`    // the primary first; never nil
	State    string   `json:"state"`   // see SlotStates
	Role     string   `json:"role"`    // of the node that tells
	Sessions int      `json:"sessions"`
	Bytes    int      `json:"bytes"` // of their attributes
}

// The states of a slot, worst first. The first that applies is told.
const (
	SlotUnclaimed = "unclaimed" // nobody has claimed it
	SlotDead      = "dead"      // its primary is no living member
	SlotSole      = "sole"      // one living node holds the only copy, though there are members for more
	SlotShort     = "short"     // fewer backups than there should be
	SlotMoving    = "moving"    // a copy is being made or it is being handed over; only its primary knows
	SlotAway      = "away"      // complete, and not at home
	SlotHome      = "home"      // complete, and at home
)

// SlotStates lists the states of a slot, worst first.
func SlotStates() []string {
	return []string{SlotUnclaimed, SlotDead, SlotSole, SlotShort, SlotMoving, SlotAway, SlotHome}
}

// slotsTold bounds the slots of one answer, so that it fits a frame.
const slotsTold = 2048

// roleNames are the roles as operators read them.
var roleNames = map[replica.Role]string{
	replica.Absent: "none", replica.Primary: "primary", replica.Backup: "backup", replica.Learner: "learner", replica.Holder: "holder",
}

// slotList tells of slots from the one that argument names, the first by default.
func (n *Node) slotList(argument string) (doc any, refused replica.Result) {
	from := 0
	if argument != "" {
		var err error
		if from, err = strconv.Atoi(argument); err != nil || from < 0 || from > n.cfg.Slots {
			return nil, replica.Result{
				Status: replica.StatusBadRequest, Detail: fmt.Sprintf("no slot %q: there are 0 to %d", argument, n.cfg.Slots-1),
			}
		}
	}
	l := SlotList{
		Node: n.self.Name, Boot: n.self.Boot.String(), Total: n.cfg.Slots, Next: min(from+slotsTold, n.cfg.Slots), Slots: []SlotView{},
	}
	want := n.wanted()
	for slot := uint32(from); slot < uint32(l.Next); slot++ {
		l.Slots = append(l.Slots, n.slotView(slot, want))
	}
	return l, refused
}

func (n *Node) slotView(slot uint32, want int) SlotView {
	claim := n.core.Claim(slot)
	v := SlotView{Slot: slot, Epoch: claim.Epoch, Backups: []string{}, Home: []string{}, Role: roleNames[n.core.Role(slot)]}
	v.Sessions, v.Bytes = n.core.Sessions(slot)
	v.Home = append(v.Home, n.core.Home(slot)...)
	primary, _ := n.core.Member(claim.Primary)
	v.Primary = primary.Name
	for _, b := range claim.Backups {
		m, _ := n.core.Member(b)
		v.Backups = append(v.Backups, m.Name)
	}
	v.State = n.slotState(slot, claim, want)
	return v
}

// slotState is the worst that applies to a slot.
func (n *Node) slotState(slot uint32, claim replica.Claim, want int) string {
	if claim.IsZero() {
		return SlotUnclaimed
	}
	backups := 0
	for _, b := range claim.Backups {
		_, alive := n.core.Member(b)
		backups += oneIf(alive)
	}
	_, led := n.core.Member(claim.Primary)
	switch {
	case !led:
		return SlotDead
	case backups == 0 && want > 0:
		return SlotSole
	case backups < want:
		return SlotShort
	case n.core.InMotion(slot):
		return SlotMoving
	case !n.isHome(slot, claim):
		return SlotAway
	}
	return SlotHome
}

// isHome reports whether a slot's primary and backups are those of its home. The order of the backups does not matter.
func (n *Node) isHome(slot uint32, claim replica.Claim) bool {
	home := n.core.Home(slot)
	if len(home) != 1+len(claim.Backups) {
		return false
	}
	primary, _ := n.core.Member(claim.Primary)
	if primary.Name != home[0] {
		return false
	}
	for _, b := range claim.Backups {
		if m, _ := n.core.Member(b); !slices.Contains(home, m.Name) {
			return false
		}
	}
	return true
}
