package node

import (
	"fmt"

	"github.com/sessnode/sessnode/replica"
)

// Status is what the node sees at this moment. It visits every session that the node holds.
func (n *Node) Status() Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.status()
}

// Ready reports whether the node has joined and holds what the layout says that it holds; if not, why.
func (n *Node) Ready() (ready bool, reason string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ready()
}

func (n *Node) ready() (bool, string) {
	if n.core.Cluster() == 0 {
		return false, "belongs to no cluster yet"
	}
	return n.core.Ready(n.cfg.Clock())
}

func (n *Node) status() Status {
	s := Status{Node: n.self.Name, Boot: n.self.Boot.String(), Address: n.self.Addr, Events: map[string]uint64{}}
	for kind, count := range n.events {
		s.Events[string(kind)] = count
	}
	if id := n.core.Cluster(); id != 0 {
		s.Cluster = fmt.Sprintf("%016x", id)
	}
	s.Ready, s.Reason = n.ready()
	members := n.core.Members()
	index := make(map[replica.Boot]int, len(members))
	for i, m := range members {
		index[m.Boot] = i
		s.Members = append(s.Members, MemberStatus{
			Name: m.Name, Boot: m.Boot.String(), Address: m.Addr, Zone: m.Zone,
			Connected: m.Boot == n.self.Boot || n.conns[m.Boot] != nil,
		})
	}
	s.Slots = n.slotStatus(index, s.Members)
	s.Held = n.heldStatus()
	return s
}

func (n *Node) slotStatus(index map[replica.Boot]int, members []MemberStatus) SlotStatus {
	s := SlotStatus{Total: n.cfg.Slots}
	want := min(n.cfg.backups(), len(members)-1)
	for slot := range uint32(n.cfg.Slots) {
		claim := n.core.Claim(slot)
		if claim.IsZero() {
			s.Unclaimed++
			continue
		}
		backups := 0
		for _, b := range claim.Backups {
			if i, ok := index[b]; ok {
				members[i].Backup++
				backups++
			}
		}
		if backups < want {
			s.Short++
		}
		if i, ok := index[claim.Primary]; ok {
			members[i].Primary++
		} else {
			s.Dead++
		}
	}
	return s
}

func (n *Node) heldStatus() HeldStatus {
	var s HeldStatus
	for slot := range uint32(n.cfg.Slots) {
		switch n.core.Role(slot) {
		case replica.Primary:
			s.Primary++
		case replica.Backup:
			s.Backup++
		case replica.Learner:
			s.Learner++
		case replica.Holder:
			s.Holder++
		}
		sessions, bytes := n.core.Sessions(slot)
		s.Sessions += sessions
		s.Bytes += bytes
	}
	return s
}

// Locate says where a session is, as this node knows it.
func (n *Node) Locate(id string) replica.Location {
	n.mu.Lock()
	defer n.mu.Unlock()
	slot := replica.SlotOf(id, n.cfg.Slots)
	claim := n.core.Claim(slot)
	loc := replica.Location{Slot: slot, Epoch: claim.Epoch}
	loc.Primary, _ = n.core.Member(claim.Primary)
	for _, b := range claim.Backups {
		m, _ := n.core.Member(b)
		loc.Backups = append(loc.Backups, m)
	}
	return loc
}
