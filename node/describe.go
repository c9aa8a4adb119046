package node

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
)

// Status is what the node sees at this moment. It visits every session that the node holds.
func (n *Node) Status() Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.status()
}

// Ready reports whether the node has joined, holds what the layout says that it holds, and is not about to leave; if not,
// why.
func (n *Node) Ready() (ready bool, reason string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ready()
}

func (n *Node) ready() (bool, string) {
	switch {
	case n.core.Cluster() == 0:
		return false, "belongs to no cluster yet"
	case n.draining:
		return false, "is draining"
	}
	return n.core.Ready(n.cfg.Clock())
}

func (n *Node) status() Status {
	s := n.overview()
	s.Held = n.heldStatus()
	s.Warnings = warnings(&s)
	return s
}

// overview is the status without what each session must be visited for, and what follows from it.
func (n *Node) overview() Status {
	s := Status{
		Node: n.self.Name, Boot: n.self.Boot.String(), Address: n.self.Addr, Admin: n.admin, Version: version(), Events: map[string]uint64{},
		Draining: n.draining, Backups: n.cfg.backups(), Split: n.cfg.Split, Conflicts: n.conflicts.total,
		Memory:     n.memory(),
		MinMembers: n.minMembers, Missing: n.absent(),
		Clock: timeOf(n.cfg.Clock().Wall),
	}
	clock, ahead := n.core.ClockState()
	s.ClockState, s.ClockAheadMS = clockStates[clock], ahead.Milliseconds()
	for kind, count := range n.events {
		s.Events[string(kind)] = count
	}
	if id := n.core.Cluster(); id != 0 {
		s.Cluster = fmt.Sprintf("%016x", id)
	}
	s.Ready, s.Reason = n.ready()
	members, versions := n.core.Members(), n.gossip.versions()
	versions[n.self.Boot] = s.Version // gossip may not have brought it back yet
	index := make(map[replica.Boot]int, len(members))
	for i, m := range members {
		index[m.Boot] = i
		s.Members = append(s.Members, MemberStatus{
			Name: m.Name, Boot: m.Boot.String(), Address: m.Addr, Zone: m.Zone, Version: versions[m.Boot],
			Connected: m.Boot == n.self.Boot || n.conns.to(m.Boot) != nil,
			Draining:  n.drains(m),
			ClockOff:  n.core.ClockOff(m.Boot),
		})
	}
	s.Slots = n.slotStatus(index, s.Members)
	s.Progress = progressStatus(n.core.Progress(n.cfg.Clock()))
	return s
}

var clockStates = [...]string{failover.ClockRight: "", failover.ClockDisputed: ClocksDiffer, failover.ClockOff: ClockOff}

func (n *Node) slotStatus(index map[replica.Boot]int, members []MemberStatus) SlotStatus {
	s := SlotStatus{Total: n.cfg.Slots}
	want := n.wanted()
	for slot := range uint32(n.cfg.Slots) {
		claim := n.core.Claim(slot)
		if claim.IsZero() {
			s.Unclaimed++
			continue
		}
		backups, primary := 0, 0
		for _, b := range claim.Backups {
			if i, ok := index[b]; ok {
				members[i].Backup++
				backups++
			}
		}
		if i, ok := index[claim.Primary]; ok {
			members[i].Primary++
			primary = 1
		}
		s.Dead += 1 - primary
		s.Short += oneIf(backups < want)
		s.Sole += oneIf(primary+backups == 1)
		s.Reduced += oneIf(backups < n.cfg.backups())
		s.Home += oneIf(n.isHome(slot, claim))
	}
	return s
}

func oneIf(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// drains reports whether a member hands over what it holds.
func (n *Node) drains(m replica.Member) bool {
	return m.Draining || m.Boot == n.self.Boot && n.draining
}

// wanted is how many backups each slot should have now.
func (n *Node) wanted() int {
	stay := 0
	for _, m := range n.core.Members() {
		stay += oneIf(!n.drains(m))
	}
	return backupsWanted(n.cfg.backups(), stay)
}

// backupsWanted is how many backups each slot should have: as configured, if there are members enough that stay.
func backupsWanted(configured, stay int) int { return max(min(configured, stay-1), 0) }

// staying counts the members that do not drain.
func staying(members []MemberStatus) int {
	count := 0
	for _, m := range members {
		count += oneIf(!m.Draining)
	}
	return count
}

func progressStatus(p failover.Progress) ProgressStatus {
	pauses := slices.Sorted(slices.Values(p.Pauses))
	return ProgressStatus{
		Restoring: p.Restoring, Moving: p.Moving, Left: p.Left, LeftBytes: p.LeftBytes, LeastSeconds: p.Least.Seconds(), SentBytes: p.SentBytes,
		Waiting: p.Waiting, Pauses: len(pauses),
		PauseP50MS: milliseconds(quantile(pauses, 50)), PauseP99MS: milliseconds(quantile(pauses, 99)),
	}
}

// quantile is the value of sorted ones that so many per cent do not exceed; zero if there are none.
func quantile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max((len(sorted)*percent+99)/100-1, 0)]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (n *Node) heldStatus() HeldStatus {
	var s HeldStatus
	for slot := range uint32(n.cfg.Slots) {
		sessions, bytes := n.core.Sessions(slot)
		s.add(n.core.Role(slot), sessions, bytes)
	}
	return s
}

// add counts one slot.
func (s *HeldStatus) add(role replica.Role, sessions, bytes int) {
	switch role {
	case replica.Primary:
		s.Primary++
	case replica.Backup:
		s.Backup++
	case replica.Learner:
		s.Learner++
	case replica.Holder:
		s.Holder++
	}
	s.Sessions += sessions
	s.Bytes += bytes
}

// Locate says where a session is or would be, as this node knows it; it asks nobody.
func (n *Node) Locate(_ context.Context, id string) (replica.Location, error) {
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
	return loc, nil
}

// memory is what sessions take.
func (n *Node) memory() MemoryStatus {
	used, most := n.core.Memory()
	return MemoryStatus{UsedBytes: used, LimitBytes: most}
}
