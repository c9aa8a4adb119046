package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// Defaults of Config.
const (
	ListenDefault      = "127.0.0.1:7946"
	SlotsDefault       = 1024
	JoinTimeoutDefault = time.Minute
	LeaseDefault       = 300 * time.Millisecond
)

// Defaults of Moves.
const (
	BytesPerSecondDefault = 32 << 20
	TransfersDefault      = 64
	MovesDefault          = 8
	SettleDefault         = 10 * time.Second
	SlowFactorDefault     = 4.0
)

// The policies of Config.Split.
const (
	SplitAvailable = "available"
	SplitGuard     = "guard"
)

// NoBackups is the value of Config.Backups that asks for none.
const NoBackups = -1

// Config configures New. Zero fields mean the documented default; it is read-only afterwards.
type Config struct {
	// Name is the node's own over all its runs, unlike that of any other member; at most 64 bytes of letters, digits,
	// dots, hyphens and underscores. Default: the host's name, followed by the port unless that is 7946.
	Name string
	Zone string // failure domain, of the same form; default none

	Listen    string // host:port to bind, the port 0 for any; default 127.0.0.1:7946
	Advertise string // host:port that others reach this node by; default the bound address

	// Join lists addresses, host:port, of members or of nodes that found the cluster together; it may name this node
	// itself. A host's name stands for all its addresses, srv+NAME for the hosts and ports of its SRV records; they are
	// looked up while the node joins, and again while members are missing. Empty: found a cluster at once, unless members
	// are remembered from before.
	Join []string
	// Expect is how many nodes must have met before they found a cluster; default a majority of Join and this node.
	// Needed where a name in Join stands for several nodes.
	Expect int
	// JoinTimeout is how long to look for any of Join before Run gives up; default one minute.
	JoinTimeout time.Duration

	Slots     int // of the cluster, the same on every member; default 1024
	Backups   int // copies of each session besides the primary, the same on every member: 1 or 2, or NoBackups; default 1
	MinCopies int // commits on fewer copies are answered ErrNotEnoughCopies; default 1
	// Split is what a node does when it sees few others: SplitAvailable, the default, goes on with what it holds;
	// SplitGuard refuses commits other than destroys while fewer than MinMembers are seen alive, itself included.
	Split string
	// MinMembers goes with SplitGuard; default a majority of Join and this node. Set it alike on every member.
	MinMembers int
	Limits     replica.Limits
	Moves      Moves
	Traffic    Traffic
	// CacheBytes is how much is kept, about, of the sessions that this process's own requests had from other nodes, so that
	// they need not travel again; default 64 MiB, negative: nothing.
	CacheBytes int
	// MemoryBytes is what the sessions of this node may take, as it counts: about the heap in use, half of what the process
	// takes or less. From nine tenths of it on the node takes no more slots in; when all is taken it refuses new sessions, and
	// commits that make one larger, with replica.ErrOverCapacity. Default 40 % of the memory that the machine or the control
	// group has, where that is known; negative: no limit.
	MemoryBytes int
	// Quotas are what applications may keep in the cluster, by name; replica.OtherApps is all that are not named, together.
	// Give all members the same. A node that leads a part of the slots enforces that part of each quota and a tenth more;
	// beyond it creations and growth are refused with replica.ErrOverCapacity. Default none.
	Quotas map[string]replica.Quota
	Lease  time.Duration // see failover.Config; the same on every member; default 300 ms

	Key    wire.Key   // the cluster's; default the development key, which works on loopback only
	Accept []wire.Key // further keys accepted, while keys are being changed
	// PKI is certificates of the operator's own, used in place of those that Key gives; Key still keeps gossip. Default none.
	PKI *wire.PKI

	// DrainDeadline bounds how long Run, once told to stop, hands over what the node holds before it leaves; default 25
	// seconds. LeaveAtOnce: not at all, its backups take over.
	DrainDeadline time.Duration

	// StateDir is where the members are remembered between runs, in a file NAME.members; default none are.
	StateDir string

	// PacketConn is used instead of a socket on Listen, and closed with the node. For simulated networks.
	PacketConn net.PacketConn
	// Resolve replaces DNS. For simulated networks.
	Resolve func(ctx context.Context, addr string) ([]net.Addr, error)
	// Names looks up the names in Join; default net.DefaultResolver.
	Names Names
	// Clock tells the time; it must never go back in Mono. Default: the machine's clock that runs while it sleeps.
	Clock func() replica.Instant

	Log *slog.Logger // default slog.Default()
}

// Moves bounds what a change of membership may cost. Zero fields mean the defaults, which failover.Config justifies.
type Moves struct {
	BytesPerSecond int           // of sessions that the node sends to make copies, move slots and heal; default 32 MiB
	TransfersMax   int           // slots of which it makes or takes copies at a time, for whatever reason; default 64
	MovesMax       int           // slots that it moves home, or takes, at a time; default 8
	Settle         time.Duration // how long membership must have been quiet before slots move home; default 10 s
	SlowFactor     float64       // moves home pause while requests take so many times as long as usual; default 4
}

func (m Moves) withDefaults() Moves {
	m.BytesPerSecond = cmp.Or(m.BytesPerSecond, BytesPerSecondDefault)
	m.TransfersMax = cmp.Or(m.TransfersMax, TransfersDefault)
	m.MovesMax = cmp.Or(m.MovesMax, MovesDefault)
	m.Settle = cmp.Or(m.Settle, SettleDefault)
	m.SlowFactor = cmp.Or(m.SlowFactor, SlowFactorDefault)
	return m
}

// bytesPerSecondMin is the least budget: less could not carry a chunk.
const bytesPerSecondMin = 10 << 10

func (m Moves) validate() error {
	switch {
	case m.BytesPerSecond < bytesPerSecondMin:
		return fmt.Errorf("%w: budget of %d bytes per second: choose at least 10KiB", ErrConfig, m.BytesPerSecond)
	case m.TransfersMax < 1:
		return fmt.Errorf("%w: %d transfers at a time: choose at least 1", ErrConfig, m.TransfersMax)
	case m.MovesMax < 1:
		return fmt.Errorf("%w: %d moves at a time: choose at least 1", ErrConfig, m.MovesMax)
	case m.Settle < 0:
		return fmt.Errorf("%w: settle time %v is negative: choose more, such as 1s", ErrConfig, m.Settle)
	case !(m.SlowFactor > 1):
		return fmt.Errorf("%w: slow factor %v: choose more than 1", ErrConfig, m.SlowFactor)
	}
	return nil
}

// Traffic bounds what clients and strangers may ask of a node at a time. Zero fields mean the defaults.
type Traffic struct {
	ConnsMax        int // connections that others make, nodes among them; default 4096
	HandshakesMax   int // that others begin in a second, see wire.EndpointConfig; default 500
	RequestsMax     int // requests under way on the node; more are refused as overload; default 65536
	RequestsPerConn int // of these, those of one client's connection; default 8192
}

func (t Traffic) withDefaults() Traffic {
	t.ConnsMax = cmp.Or(t.ConnsMax, wire.ConnsMax)
	t.HandshakesMax = cmp.Or(t.HandshakesMax, wire.HandshakesMax)
	t.RequestsMax = cmp.Or(t.RequestsMax, 65536)
	t.RequestsPerConn = cmp.Or(t.RequestsPerConn, 8192)
	return t
}

// ErrConfig is wrapped by what Validate reports.
var ErrConfig = errors.New("bad configuration")

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = ListenDefault
	}
	if c.JoinTimeout == 0 {
		c.JoinTimeout = JoinTimeoutDefault
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = 64 << 20
	}
	if c.MemoryBytes == 0 {
		c.MemoryBytes = memoryShare(machineMemory())
	}
	if c.Slots == 0 {
		c.Slots = SlotsDefault
	}
	if c.Backups == 0 {
		c.Backups = 1
	}
	if c.Split == "" {
		c.Split = SplitAvailable
	}
	if c.MinCopies == 0 {
		c.MinCopies = 1
	}
	if c.Lease == 0 {
		c.Lease = LeaseDefault
	}
	if c.DrainDeadline == 0 {
		c.DrainDeadline = DrainDeadlineDefault
	}
	c.Moves = c.Moves.withDefaults()
	if c.Key.IsZero() {
		c.Key = wire.DevelopmentKey()
	}
	if c.Names == nil {
		c.Names = net.DefaultResolver
	}
	if c.Clock == nil {
		c.Clock = MachineClock()
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	c.Limits, c.Traffic = c.Limits.WithDefaults(), c.Traffic.withDefaults()
	return c
}

// backups is Backups as a count.
func (c *Config) backups() int { return max(c.Backups, 0) }

// expect is how many nodes must meet to found a cluster, given the other addresses that this node looks for.
func (c *Config) expect(others int) int {
	switch {
	case c.Expect > 0:
		return c.Expect
	case others == 0:
		return 1
	}
	return majority(others)
}

// majority is more than half of a node and others.
func majority(others int) int { return (others+1)/2 + 1 }

// minMembers is how many members must be seen alive to take commits, given the other addresses of Join; 0 for any.
func (c *Config) minMembers(others int) int {
	switch {
	case c.Split != SplitGuard:
		return 0
	case c.MinMembers > 0:
		return c.MinMembers
	}
	return majority(others)
}

// Validate reports the first field that cannot work, with what to do about it.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Name != "" && !plainName(c.Name):
		return fmt.Errorf("%w: name %q: use at most 64 letters, digits, dots, hyphens and underscores", ErrConfig, c.Name)
	case c.Zone != "" && !plainName(c.Zone):
		return fmt.Errorf("%w: zone %q: use at most 64 letters, digits, dots, hyphens and underscores", ErrConfig, c.Zone)
	case c.Expect < 0 || c.Expect > 1000:
		return fmt.Errorf("%w: expect %d nodes: choose 1 to 1000", ErrConfig, c.Expect)
	case c.Expect > 1 && len(c.Join) == 0:
		return fmt.Errorf("%w: expecting %d nodes without an address to join: name some", ErrConfig, c.Expect)
	case c.Slots < 1 || c.Slots > 16384:
		return fmt.Errorf("%w: %d slots: choose 1 to 16384", ErrConfig, c.Slots)
	case c.Backups != NoBackups && c.Backups > 2 || c.Backups < NoBackups:
		return fmt.Errorf("%w: %d backups: choose 0, 1 or 2", ErrConfig, c.Backups)
	case c.MinCopies < 1 || c.MinCopies > 1+c.backups():
		return fmt.Errorf("%w: min-copies %d cannot be reached with %d backups: choose 1 to %d", ErrConfig, c.MinCopies, c.backups(), 1+c.backups())
	case c.DrainDeadline < 0 && c.DrainDeadline != LeaveAtOnce:
		return fmt.Errorf("%w: drain deadline %v is negative: choose 0, to leave at once, or more", ErrConfig, c.DrainDeadline)
	case c.JoinTimeout < 0:
		return fmt.Errorf("%w: join time-out %v is negative: choose 1s or more", ErrConfig, c.JoinTimeout)
	case c.Lease != 0 && (c.Lease < 50*time.Millisecond || c.Lease > time.Minute):
		return fmt.Errorf("%w: lease %v: choose 50ms to 1m", ErrConfig, c.Lease)
	case min(c.Traffic.ConnsMax, c.Traffic.HandshakesMax, c.Traffic.RequestsMax, c.Traffic.RequestsPerConn) < 0:
		return fmt.Errorf("%w: a limit of traffic is negative: choose 1 or more", ErrConfig)
	case slices.ContainsFunc(slices.Collect(maps.Values(c.Quotas)), func(q replica.Quota) bool { return min(q.Sessions, q.Bytes) < 0 }):
		return fmt.Errorf("%w: a quota is negative: choose 0, for any number, or more", ErrConfig)
	case c.Key.IsClient():
		return fmt.Errorf("%w: a client key cannot run a node: use the cluster key", ErrConfig)
	}
	if err := cmp.Or(c.validateSplit(), c.Moves.validate()); err != nil {
		return err
	}
	for _, a := range slices.Concat([]string{c.Listen, cmp.Or(c.Advertise, c.Listen)}, c.Join) {
		if name, ok := strings.CutPrefix(a, SRVPrefix); ok && a != c.Listen && a != c.Advertise {
			if err := c.validateSRV(a, name); err != nil {
				return err
			}
			continue
		}
		if _, _, err := net.SplitHostPort(a); err != nil {
			return fmt.Errorf("%w: address %q: write host:port, such as 10.0.0.1:7946 or [::1]:7946", ErrConfig, a)
		}
	}
	if err := c.Limits.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return fits(c.Limits.WithDefaults())
}

// fits refuses limits under which a session could not travel, as one frame.
func fits(l replica.Limits) error {
	if n := l.SessionSizeMax(); n > wire.FrameSizeMax {
		return fmt.Errorf("%w: sessions of %d bytes in %d attributes take up to %d bytes in a frame, which may have %d: choose smaller limits",
			ErrConfig, l.SessionBytesMax, l.AttrsMax, n, wire.FrameSizeMax)
	}
	return nil
}

// validateSRV checks an element of Join that names SRV records.
func (c *Config) validateSRV(element, name string) error {
	switch {
	case name == "" || strings.ContainsAny(name, ":/ "):
		return fmt.Errorf("%w: %q: write the name of SRV records, such as %s_sessnode._udp.example.org; they name the ports",
			ErrConfig, element, SRVPrefix)
	case c.Expect == 0:
		return fmt.Errorf("%w: %s may stand for any number of nodes: say with expect how many found the cluster", ErrConfig, element)
	case c.Split == SplitGuard && c.MinMembers == 0:
		return fmt.Errorf("%w: %s may stand for any number of nodes: say with min-members how many there must be", ErrConfig, element)
	}
	return nil
}

func (c *Config) validateSplit() error {
	switch {
	case c.Split != SplitAvailable && c.Split != SplitGuard:
		return fmt.Errorf("%w: split policy %q: choose %s or %s", ErrConfig, c.Split, SplitAvailable, SplitGuard)
	case c.MinMembers < 0 || c.MinMembers > 1000:
		return fmt.Errorf("%w: min-members %d: choose 1 to 1000", ErrConfig, c.MinMembers)
	case c.MinMembers > 0 && c.Split != SplitGuard:
		return fmt.Errorf("%w: min-members %d goes with the split policy %s only: choose that", ErrConfig, c.MinMembers, SplitGuard)
	case c.Split == SplitGuard && c.MinMembers == 0 && len(c.Join) == 0:
		return fmt.Errorf("%w: split policy %s without an address to join: say how many members there must be with min-members",
			ErrConfig, SplitGuard)
	}
	return nil
}

func plainName(s string) bool {
	return len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(".-_", r))
	}) < 0
}

// nameOf is the default name of a node that listens on the given port.
func nameOf(port string) string {
	host, err := os.Hostname()
	if err != nil || !plainName(host) {
		host = "node"
	}
	if _, usual, _ := net.SplitHostPort(ListenDefault); port == usual {
		return host
	}
	return host + "-" + port
}

// statePath is the file in which the members are remembered, or empty.
func (c *Config) statePath() string {
	if c.StateDir == "" {
		return ""
	}
	return filepath.Join(c.StateDir, c.Name+".members")
}
