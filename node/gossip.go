package node

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// gossip is this node's memberlist: who is alive. Its members are boots, named name#boot, because under one name
// memberlist takes a quick restart for a mere update.
type gossip struct {
	node      *Node
	list      *memberlist.Memberlist
	transport *transport
	changed   chan struct{} // has room for one; a member came, went or changed

	mu      sync.Mutex      // guards members; memberlist's own list must not be read, it changes under the reader
	members map[string]meta // by memberlist's name
}

// Detection is tuned for a LAN: a silent member is declared dead after 0.7 to 1.4 s, with no false alarm at five per
// cent loss in half an hour (docs/ARCHITECTURE.md).
const (
	probeInterval    = 200 * time.Millisecond
	probeTimeout     = 100 * time.Millisecond
	gossipInterval   = 50 * time.Millisecond
	pushPullInterval = 15 * time.Second
	streamTimeout    = 2 * time.Second
	gossipPacketMax  = 1150 // memberlist's own encryption and our mark come on top; every path carries it
)

func newGossip(n *Node) (*gossip, error) {
	key, err := n.cfg.Key.GossipKey()
	if err != nil {
		return nil, err
	}
	keys := [][]byte{key}
	for _, k := range n.cfg.Accept {
		more, err := k.GossipKey()
		if err != nil {
			return nil, fmt.Errorf("accepted key: %w", err)
		}
		keys = append(keys, more)
	}
	ring, err := memberlist.NewKeyring(keys, key)
	if err != nil {
		return nil, fmt.Errorf("gossip keys: %w", err)
	}
	g := &gossip{node: n, changed: make(chan struct{}, 1), members: map[string]meta{}}
	g.transport = newTransport(n)
	conf := memberlist.DefaultLANConfig()
	conf.Name = n.self.String()
	conf.Transport = g.transport
	conf.Keyring = ring
	conf.Delegate, conf.Events, conf.Merge, conf.Alive = g, g, g, g
	conf.ProbeInterval, conf.ProbeTimeout = probeInterval, probeTimeout
	conf.SuspicionMult, conf.SuspicionMaxTimeoutMult = 3, 2
	conf.GossipInterval, conf.PushPullInterval = gossipInterval, pushPullInterval
	conf.TCPTimeout, conf.UDPBufferSize = streamTimeout, gossipPacketMax
	conf.GossipToTheDeadTime = time.Minute
	conf.DeadNodeReclaimTime = time.Second
	conf.Logger = slog.NewLogLogger(n.log.Handler(), slog.LevelDebug)
	if conf.AdvertiseAddr, conf.AdvertisePort, err = splitAddr(n.self.Addr); err != nil {
		return nil, err
	}
	if g.list, err = memberlist.Create(conf); err != nil {
		return nil, fmt.Errorf("start gossip: %w", err)
	}
	return g, nil
}

// splitAddr takes a numeric host:port apart, resolving the host if it is a name.
func splitAddr(addr string) (host string, port int, err error) {
	h, p, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("%w: advertised address %q: %w", ErrConfig, addr, err)
	}
	if port, err = strconv.Atoi(p); err != nil || port == 0 {
		return "", 0, fmt.Errorf("%w: advertised address %q: the port must be a number", ErrConfig, addr)
	}
	if ip := net.ParseIP(h); ip != nil {
		if ip.IsUnspecified() {
			return "", 0, fmt.Errorf("%w: others cannot reach %q: set -advertise to the address that they reach this node by",
				ErrConfig, addr)
		}
		return h, port, nil
	}
	ips, err := net.LookupIP(h)
	if err != nil || len(ips) == 0 {
		return "", 0, fmt.Errorf("%w: advertised host %q does not resolve: %v", ErrConfig, h, err)
	}
	return ips[0].String(), port, nil
}

// meta is what each member tells all others of itself, beyond its address.
type meta struct {
	boot    replica.Boot
	cluster uint64
	started int64
	slots   int
	limits  uint64 // digest of what must agree
	name    string
	zone    string
	addr    string
	flags   uint64 // came later than the rest; a bit that is unknown here means nothing
	version string // of the module; came later than flags, empty where it is not told
}

const metaVersion = 1

// metaVersionLenMax bounds the version of the module in metadata, which is short of room.
const metaVersionLenMax = 64

// metaDraining is the flag of a member that hands over what it holds.
const metaDraining = 1 << 0

var errMeta = errors.New("gossip: member speaks another version; upgrade the older of the two")

func (m meta) encode() []byte {
	b := []byte{metaVersion}
	for _, v := range []uint64{uint64(m.boot), m.cluster, uint64(m.started), uint64(m.slots), m.limits} {
		b = binary.AppendUvarint(b, v)
	}
	for _, s := range []string{m.name, m.zone, m.addr} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	b = binary.AppendUvarint(b, m.flags)
	v := m.version[:min(len(m.version), metaVersionLenMax)]
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

func decodeMeta(b []byte) (meta, error) {
	if len(b) == 0 || b[0] != metaVersion {
		return meta{}, errMeta
	}
	b = b[1:]
	var v [5]uint64
	for i := range v {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			return meta{}, errMeta
		}
		v[i], b = n, b[size:]
	}
	var s [3]string
	for i := range s {
		var ok bool
		if s[i], b, ok = cutText(b); !ok {
			return meta{}, errMeta
		}
	}
	flags, size := binary.Uvarint(b) // zero if there is nothing
	told := ""
	if size > 0 {
		told, _, _ = cutText(b[size:]) // empty if there is nothing
	}
	return meta{replica.Boot(v[0]), v[1], int64(v[2]), int(v[3]), v[4], s[0], s[1], s[2], flags, told}, nil
}

// cutText takes a text with its length before it from the front of b.
func cutText(b []byte) (text string, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return "", b, false
	}
	return string(b[size : size+int(n)]), b[size+int(n):], true
}

func (m meta) member() replica.Member {
	return replica.Member{Boot: m.boot, Name: m.name, Addr: m.addr, Zone: m.zone, Draining: m.flags&metaDraining != 0}
}

// NodeMeta implements memberlist.Delegate.
func (g *gossip) NodeMeta(limit int) []byte {
	n := g.node
	n.mu.Lock()
	defer n.mu.Unlock()
	m := meta{
		boot: n.self.Boot, cluster: n.core.Cluster(), started: n.started, slots: n.cfg.Slots, limits: n.agreement(),
		name: n.self.Name, zone: n.self.Zone, addr: n.self.Addr, version: version(),
	}
	if n.draining {
		m.flags = metaDraining
	}
	b := m.encode()
	if len(b) > limit { // a long name of a host as the address; the version is what can be done without
		m.version = ""
		b = m.encode()
	}
	if len(b) > limit {
		panic("node: BUG: member metadata too long") // names and addresses are bounded by Validate
	}
	return b
}

// NotifyMsg implements memberlist.Delegate; nobody sends any.
func (g *gossip) NotifyMsg([]byte) {}

// GetBroadcasts implements memberlist.Delegate; claims travel over QUIC.
func (g *gossip) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState implements memberlist.Delegate.
func (g *gossip) LocalState(bool) []byte { return nil }

// MergeRemoteState implements memberlist.Delegate.
func (g *gossip) MergeRemoteState([]byte, bool) {}

// NotifyJoin implements memberlist.EventDelegate.
func (g *gossip) NotifyJoin(p *memberlist.Node) { g.NotifyUpdate(p) }

// NotifyUpdate implements memberlist.EventDelegate.
func (g *gossip) NotifyUpdate(p *memberlist.Node) {
	m, err := decodeMeta(p.Meta)
	if err != nil {
		return // NotifyAlive has refused it
	}
	g.mu.Lock()
	g.members[p.Name] = m
	g.mu.Unlock()
	g.wake()
}

// NotifyLeave implements memberlist.EventDelegate.
func (g *gossip) NotifyLeave(p *memberlist.Node) {
	g.mu.Lock()
	delete(g.members, p.Name)
	g.mu.Unlock()
	g.wake()
}

func (g *gossip) wake() {
	select {
	case g.changed <- struct{}{}:
	default: // one is due already
	}
}

// NotifyMerge implements memberlist.MergeDelegate: it refuses a cluster that this node cannot be part of, before
// anything of it is taken.
func (g *gossip) NotifyMerge(peers []*memberlist.Node) error {
	for _, p := range peers {
		if p.State != memberlist.StateAlive {
			continue
		}
		if err := g.acceptable(p); err != nil {
			return err
		}
	}
	return nil
}

// NotifyAlive implements memberlist.AliveDelegate.
func (g *gossip) NotifyAlive(p *memberlist.Node) error { return g.acceptable(p) }

func (g *gossip) acceptable(p *memberlist.Node) error {
	m, err := decodeMeta(p.Meta)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	n := g.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.agrees(m.cluster, m.slots, m.limits); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	return n.nameFree(m)
}

// alive lists the members that memberlist believes alive, of each name the boot that started last.
func (g *gossip) alive() []meta {
	latest := map[string]meta{}
	g.mu.Lock()
	for _, m := range g.members {
		if known, ok := latest[m.name]; !ok || m.started > known.started || m.started == known.started && m.boot > known.boot {
			latest[m.name] = m
		}
	}
	g.mu.Unlock()
	all := make([]meta, 0, len(latest))
	for _, m := range latest {
		all = append(all, m)
	}
	return all
}

// versions are those that members tell of themselves.
func (g *gossip) versions() map[replica.Boot]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make(map[replica.Boot]string, len(g.members))
	for _, m := range g.members {
		all[m.boot] = m.version
	}
	return all
}

// leave says good-bye, so that nobody has to find out.
func (g *gossip) leave(limit time.Duration) {
	if err := g.list.Leave(limit); err != nil {
		g.node.log.Debug("gossip did not confirm the leaving", "error", err)
	}
}

func (g *gossip) shutdown() {
	_ = g.list.Shutdown() // returns nil
	g.transport.close()
}

var (
	_ memberlist.Delegate      = (*gossip)(nil)
	_ memberlist.EventDelegate = (*gossip)(nil)
	_ memberlist.MergeDelegate = (*gossip)(nil)
	_ memberlist.AliveDelegate = (*gossip)(nil)
	_ wire.Handler             = (*source)(nil)
)
