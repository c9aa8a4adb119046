package node

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/ring"
	"github.com/sessnode/sessnode/wire"
)

// metaWait bounds the wait for gossip to take news of this node itself.
const metaWait = time.Second

// follow keeps the core's members, the home table and the links in line with gossip, until the node is closed. It is
// the only one that changes them. Close joins it.
func (n *Node) follow() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		alive := n.gossip.alive()
		n.belong(alive)
		members := make([]replica.Member, 0, len(alive))
		for _, m := range alive {
			members = append(members, m.member())
		}
		if err := n.setMembers(members); err != nil {
			n.doom(err)
			return
		}
		if n.isUnsaved() {
			n.remember()
		}
		if n.untold() {
			n.remember()
			if err := n.gossip.list.UpdateNode(metaWait); err != nil {
				n.log.Debug("gossip did not take news of this node", "error", err) // its next exchange carries it
			}
		}
		select {
		case <-n.gossip.changed:
		case <-ticker.C:
		case <-n.ctx.Done():
			return
		}
	}
}

// tidings is what changes in the metadata that gossip spreads of this node.
type tidings struct {
	cluster  uint64
	draining bool
}

func (n *Node) tidings() tidings { return tidings{n.core.Cluster(), n.draining} }

// untold reports, once, that gossip has not been told the latest of this node.
func (n *Node) untold() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	news := n.told != n.tidings()
	n.told = n.tidings()
	return news
}

// Cluster is the id of the cluster that the node belongs to; zero while it belongs to none.
func (n *Node) Cluster() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.core.Cluster()
}

// belong makes the node part of the cluster of the members that it met.
func (n *Node) belong(alive []meta) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range alive {
		if m.cluster != 0 && n.core.Cluster() == 0 {
			n.core.Belong(n.cfg.Clock(), m.cluster)
			n.log.Info("joined the cluster", "cluster", fmt.Sprintf("%016x", m.cluster), "through", m.member().String())
		}
	}
}

// setMembers tells the core who is alive and where that puts home, links the node to the others, and remembers them.
func (n *Node) setMembers(members []replica.Member) error {
	members = withSelf(members, n.asMember())
	if sameMembers(members, n.members) {
		return nil
	}
	home, err := n.homeOf(members)
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.missed(members)
	n.happenTo(members)
	n.members, n.membersChanged = members, true
	n.core.SetMembers(n.cfg.Clock(), members)
	n.core.SetHome(home)
	n.hasten(n.cfg.Clock())
	n.mu.Unlock()
	n.linkAll(members)
	n.remember()
	return nil
}

// asMember is this node as it stands in lists of members.
func (n *Node) asMember() replica.Member {
	n.mu.Lock()
	defer n.mu.Unlock()
	self := n.self
	self.Draining = n.draining
	return self
}

func withSelf(members []replica.Member, self replica.Member) []replica.Member {
	all := []replica.Member{self}
	for _, m := range members {
		if m.Boot != self.Boot && m.Name != self.Name {
			all = append(all, m)
		}
	}
	return all
}

func sameMembers(a, b []replica.Member) bool {
	if len(a) != len(b) {
		return false
	}
	known := make(map[replica.Member]bool, len(a))
	for _, m := range a {
		known[m] = true
	}
	for _, m := range b {
		if !known[m] {
			return false
		}
	}
	return true
}

// homeOf computes the home table, off the path of requests. Members that drain are nobody's home, unless all do.
func (n *Node) homeOf(members []replica.Member) (*ring.Table, error) {
	drains := func(m replica.Member) bool { return m.Draining }
	if staying := slices.DeleteFunc(slices.Clone(members), drains); len(staying) > 0 {
		members = staying
	}
	all := make([]ring.Member, 0, len(members))
	for _, m := range members {
		all = append(all, ring.Member{Name: m.Name, Zone: m.Zone})
	}
	home, err := ring.Compute(ring.Config{Slots: n.cfg.Slots, Backups: n.cfg.backups()}, all)
	if err != nil {
		return nil, fmt.Errorf("place slots: %w", err)
	}
	return home, nil
}

// linkAll keeps a link to every member with a higher boot and to no other.
func (n *Node) linkAll(members []replica.Member) {
	want := map[replica.Boot]replica.Member{}
	for _, m := range members {
		if m.Boot > n.self.Boot {
			want[m.Boot] = m
		}
	}
	var gone []*wire.Link
	n.mu.Lock()
	for boot, l := range n.links {
		if _, ok := want[boot]; !ok {
			gone = append(gone, l)
			delete(n.links, boot)
		}
	}
	for boot, m := range want {
		if n.links != nil && n.links[boot] == nil {
			n.links[boot] = n.linkTo(m)
		}
	}
	n.mu.Unlock()
	for _, l := range gone {
		l.Close()
	}
}

// agreement is a digest of the settings that all members must share besides the number of slots.
func (n *Node) agreement() uint64 {
	l := n.cfg.Limits
	h := fnv.New64a()
	fmt.Fprint(h, n.cfg.backups(), n.cfg.Lease, l.SessionBytesMax, l.AttrsMax, l.NameBytesMax, l.LifetimeMax, l.TouchInterval, l.ClockSkewMax)
	return h.Sum64()
}

// agrees reports why this node and one with the given cluster and settings cannot be members of one cluster.
func (n *Node) agrees(cluster uint64, slots int, limits uint64) error {
	own := n.core.Cluster()
	if own == 0 {
		own = n.remembered
	}
	switch {
	case own != 0 && cluster != 0 && own != cluster:
		return fmt.Errorf("%w: %016x, this node belongs to %016x: join one of its own members, or remove its state file",
			ErrOtherCluster, cluster, own)
	case slots != n.cfg.Slots:
		return fmt.Errorf("%w: it has %d slots, this node %d: set -slots alike", ErrOtherCluster, slots, n.cfg.Slots)
	case limits != n.agreement():
		return fmt.Errorf("%w: its -backups, -lease or session limits differ from this node's: set them alike", ErrOtherCluster)
	}
	return nil
}

// freshEnough is the silence after which a boot's name may go to another at once, even from another address.
const freshEnough = time.Second

// nameFree refuses a boot that has the name of a living member at another address. At the same address it can only be
// the next run of that member.
func (n *Node) nameFree(m meta) error {
	if m.name == n.self.Name && m.boot != n.self.Boot && m.addr != n.self.Addr {
		return fmt.Errorf("%w: %s at %s", ErrNameTaken, m.name, m.addr)
	}
	for _, known := range n.members {
		if known.Name != m.name || known.Boot == m.boot || known.Addr == m.addr || known.Boot == n.self.Boot {
			continue
		}
		if n.core.Silence(n.cfg.Clock(), known.Boot) < freshEnough {
			return fmt.Errorf("%w: %s at %s", ErrNameTaken, m.name, known.Addr)
		}
	}
	return nil
}
