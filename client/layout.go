package client

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// Limits on what a node may tell, far above what clusters need.
const (
	slotsMax   = 1 << 16
	membersMax = 4096
)

// adoptAfter is how long no node of the known cluster must have been connected before another cluster is taken for its
// successor: all nodes were restarted, and the sessions of the old one went with their memory. Waiting is for the one
// node that was restarted alone: the others, which have the sessions, are found in less.
const adoptAfter = 3 * time.Second

// layout is what all connected nodes together say about the cluster: the highest claim of each slot, and every member
// that at least one of them believes alive.
type layout struct {
	ready chan struct{} // closed when the first node has answered

	mu      sync.RWMutex // guards the fields below
	cluster uint64       // zero until a node has answered
	claims  []replica.Claim
	sources map[*peer][]replica.Member // who says what; one entry per peer that is up and has answered
	lost    time.Duration              // since when nobody has, while sources is empty; counted from the client's start
	members map[replica.Boot]replica.Member
}

func newLayout() *layout {
	return &layout{ready: make(chan struct{}), sources: make(map[*peer][]replica.Member)}
}

// layoutNews is what changed with a node's word.
type layoutNews struct {
	moved       []uint32 // slots whose claim rose
	foundedAnew bool     // what was known of another cluster is forgotten
}

// apply takes a node's word. It refuses that of another cluster, unless our own has been out of reach for adoptAfter.
func (l *layout) apply(now time.Duration, from *peer, m *replica.Layout) (news layoutNews, err error) {
	if err := check(m); err != nil {
		return news, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.foreign(m); err != nil {
		if len(l.sources) > 0 || now-l.lost < adoptAfter {
			return news, err
		}
		news.foundedAnew = true
	}
	if l.claims == nil {
		close(l.ready)
	}
	if l.claims == nil || news.foundedAnew {
		l.cluster, l.claims = m.Cluster, make([]replica.Claim, m.Slots)
	}
	l.sources[from] = m.Members
	l.union()
	for _, claim := range m.Claims {
		if l.raise(claim) {
			news.moved = append(news.moved, claim.Slot)
		}
	}
	return news, nil
}

// check reports what no node of any cluster may tell.
func check(m *replica.Layout) error {
	switch {
	case m.Slots == 0 || m.Cluster == 0:
		return errors.New("client: the node does not belong to a cluster yet")
	case m.Slots > slotsMax:
		return fmt.Errorf("client: a cluster of %d slots, the limit is %d", m.Slots, slotsMax)
	case len(m.Members) > membersMax:
		return fmt.Errorf("client: a cluster of %d members; allowed are %d", len(m.Members), membersMax)
	}
	return nil
}

// foreign reports that a layout is that of another cluster than the one known. Called with mu held.
func (l *layout) foreign(m *replica.Layout) error {
	switch {
	case l.claims == nil:
		return nil
	case m.Cluster != l.cluster:
		return fmt.Errorf("client: node belongs to cluster %016x, not %016x", m.Cluster, l.cluster)
	case len(l.claims) != int(m.Slots):
		return fmt.Errorf("client: node has %d slots, the cluster %d: it belongs to another cluster", m.Slots, len(l.claims))
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

// learn takes a claim that came with an answer and reports whether it is news. That of a node which has gone since is
// not taken: by now the layout may be another cluster's.
func (l *layout) learn(from *peer, claim replica.Claim) bool {
	if claim.IsZero() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, heard := l.sources[from]
	return heard && l.raise(claim)
}

// forget drops the word of a node that is not connected any more.
func (l *layout) forget(now time.Duration, p *peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.sources[p]; ok {
		delete(l.sources, p)
		l.lost = now
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

// slots is the number of slots of the cluster; zero before the layout is ready.
func (l *layout) slots() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.claims)
}

// slotOf is the slot of a session; zero before the layout is ready.
func (l *layout) slotOf(key replica.Key) uint32 {
	if slots := l.slots(); slots > 0 {
		return replica.SlotOf(key.ID, slots)
	}
	return 0
}

// primary is the address of a slot's primary, or "" when it is not known. A request that was under way when the cluster
// was founded anew with another number of slots may name the wrong one; nodes pass it on.
func (l *layout) primary(slot uint32) string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if int(slot) >= len(l.claims) {
		return ""
	}
	return l.members[l.claims[slot].Primary].Addr
}

// locate says where a session is.
func (l *layout) locate(id string) replica.Location {
	l.mu.RLock()
	defer l.mu.RUnlock()
	slot := replica.SlotOf(id, len(l.claims))
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
