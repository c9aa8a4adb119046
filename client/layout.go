package client

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sessnode/sessnode/replica"
)

// Limits on what a node may tell, far above what clusters need.
const (
	slotsMax   = 1 << 16
	membersMax = 4096
)

// layout is what all connected nodes together say about the cluster: the highest claim of each slot, and every member
// that at least one of them believes alive.
type layout struct {
	ready chan struct{} // closed when the first node has answered

	mu      sync.RWMutex // guards the fields below
	cluster uint64       // zero until a node names one
	claims  []replica.Claim
	sources map[*peer][]replica.Member // who says what; one entry per peer that is up and has answered
	members map[replica.Boot]replica.Member
}

func newLayout() *layout {
	return &layout{ready: make(chan struct{}), sources: make(map[*peer][]replica.Member)}
}

// apply takes a node's word and returns the slots whose claim rose. It refuses the word of another cluster.
func (l *layout) apply(from *peer, m *replica.Layout) (moved []uint32, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.check(m); err != nil {
		return nil, err
	}
	if l.claims == nil {
		l.claims = make([]replica.Claim, m.Slots)
		close(l.ready)
	}
	l.cluster = cmp.Or(l.cluster, m.Cluster)
	l.sources[from] = m.Members
	l.union()
	for _, claim := range m.Claims {
		if l.raise(claim) {
			moved = append(moved, claim.Slot)
		}
	}
	return moved, nil
}

func (l *layout) check(m *replica.Layout) error {
	switch {
	case m.Slots == 0:
		return errors.New("client: the node does not belong to a cluster yet")
	case m.Slots > slotsMax:
		return fmt.Errorf("client: a cluster of %d slots, the limit is %d", m.Slots, slotsMax)
	case len(m.Members) > membersMax:
		return fmt.Errorf("client: a cluster of %d members; allowed are %d", len(m.Members), membersMax)
	case l.claims != nil && len(l.claims) != int(m.Slots):
		return fmt.Errorf("client: node has %d slots, the cluster %d: it belongs to another cluster", m.Slots, len(l.claims))
	case l.cluster != 0 && m.Cluster != 0 && m.Cluster != l.cluster:
		return fmt.Errorf("client: node belongs to cluster %016x, not %016x", m.Cluster, l.cluster)
	}
	return nil
}

// union rebuilds members. While nobody is heard, the last known ones stay. Called with mu held.
func (l *layout) union() {
	if len(l.sources) == 0 {
		return
	}
	l.members = make(map[replica.Boot]replica.Member)
	for _, members := range l.sources {
		for _, m := range members {
			l.members[m.Boot] = m
		}
	}
}

// raise keeps the higher of two claims. Called with mu held.
func (l *layout) raise(claim replica.Claim) bool {
	if int(claim.Slot) >= len(l.claims) || !claim.Above(l.claims[claim.Slot]) {
		return false
	}
	l.claims[claim.Slot] = claim
	return true
}

// learn takes a claim that came with an answer and reports whether it is news.
func (l *layout) learn(claim replica.Claim) bool {
	if claim.IsZero() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.raise(claim)
}

// forget drops the word of a node that is not connected any more.
func (l *layout) forget(p *peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.sources[p]; ok {
		delete(l.sources, p)
		l.union()
	}
}

// heard reports whether a connected node has told its layout.
func (l *layout) heard(p *peer) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	_, ok := l.sources[p]
	return ok
}

// slotOf is the slot of a session; zero before the layout is ready.
func (l *layout) slotOf(id string) uint32 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if len(l.claims) == 0 {
		return 0
	}
	return replica.SlotOf(id, len(l.claims))
}

// primary is the address of a slot's primary, or "" when it is not known.
func (l *layout) primary(slot uint32) string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if int(slot) >= len(l.claims) {
		return ""
	}
	return l.members[l.claims[slot].Primary].Addr
}

// locate says where a slot is.
func (l *layout) locate(slot uint32) replica.Location {
	l.mu.RLock()
	defer l.mu.RUnlock()
	claim := l.claims[slot]
	where := replica.Location{Slot: slot, Epoch: claim.Epoch, Primary: l.members[claim.Primary]}
	for _, boot := range claim.Backups {
		if m, ok := l.members[boot]; ok {
			where.Backups = append(where.Backups, m)
		}
	}
	return where
}

// list is all members, by name and boot.
func (l *layout) list() []replica.Member {
	l.mu.RLock()
	defer l.mu.RUnlock()
	list := make([]replica.Member, 0, len(l.members))
	for _, m := range l.members {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b replica.Member) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Boot, b.Boot))
	})
	return list
}
