package node

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sessnode/sessnode/cache"
	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// What Run returns when the node cannot be a member.
var (
	// ErrNoSeed: none of the addresses to join answered in time.
	ErrNoSeed = errors.New("no node to join was reached")
	// ErrNameTaken: a living member has this node's name.
	ErrNameTaken = errors.New("another living member has this name: choose another name")
	// ErrOtherCluster: the nodes found belong to another cluster, or one with other settings.
	ErrOtherCluster = errors.New("belongs to another cluster")
	// ErrClosed: the node was closed.
	ErrClosed = errors.New("node is closed")
)

// Node is one member of a cluster. Its methods may be called from any goroutine.
type Node struct {
	cfg        Config
	self       replica.Member
	started    int64         // time of day in milliseconds; of two boots of one name the later started counts
	bootedAt   time.Duration // Instant.Mono then
	remembered uint64        // the cluster that the node belonged to in its last run
	minMembers int           // that must be alive to take commits; 0: any number
	endpoint   *wire.Endpoint
	log        *slog.Logger
	gossip     *gossip

	ctx     context.Context // ends when the node is closed
	stop    context.CancelFunc
	tasks   sync.WaitGroup // every goroutine that the node itself starts; Close joins them
	once    sync.Once      // Close
	cache   *cache.Cache   // of sessions that this process's own requests had from other nodes
	asked   atomic.Uint64  // own requests, to name them
	console console        // what its page was shown last
	loads   sync.Pool      // of *ownLoad
	waits   sync.Pool      // of *wait to which nobody is about to send

	drain chan struct{} // closed when draining begins
	left  chan struct{} // closed when the node has left in good order

	turn sync.Mutex // held, before mu, by the client's requests that are next: of all that clients ask one batch waits for mu

	mu             sync.Mutex // guards everything below
	overload       overload
	core           *failover.Core
	ticker         *time.Timer     // of the next tick
	ticked         time.Duration   // Instant.Mono of the last tick
	due            time.Duration   // Instant.Mono at which ticker ends; noTick while it is not set
	effects        replica.Effects // of the step under way; empty between steps
	out            outgoing
	waiters        map[replica.Token]waiter
	token          replica.Token // the last one given
	owners         uint64        // the last name given to a connection for its locks
	conns          conns
	large          largeLogs
	links          map[replica.Boot]*wire.Link  // to members with a higher boot
	watchers       map[*source]bool             // clients that want the layout; true: not sent yet
	watchersNew    bool                         // some of them are; nothing was sent to them yet
	members        []replica.Member             // as told to the core
	known          map[string]acquaintance      // by name, every member met, to look for
	forgotten      map[string]bool              // addresses of Join that nobody need look for
	resolved       []string                     // what the names in Join stood for when they were looked up last
	unsaved        bool                         // known changed and is to be written down
	admin          string                       // where the admin listener is
	membersChanged bool                         // since the last publish
	draining       bool                         // hands over what it holds; never ends
	told           tidings                      // what gossip was told
	events         map[replica.EventKind]uint64 // counts since the start
	conflicts      conflicts                    // that merges found
	tally          tally                        // for Metrics
	happened       happenings                   // for the console
	turns          map[uint32]replica.Boot      // by slot: its primary when it was looked at last
	top            top
	problem        error // what makes it impossible to be a member; see doom
}

// New makes a node and opens its socket, so that a taken address is known at once. It looks the names in Config.Join up, which
// may take two seconds. Nothing runs before Run.
func New(cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	boot, err := replica.NewBoot(rand.Reader)
	if err != nil {
		return nil, err
	}
	endpoint, err := wire.Listen(wire.EndpointConfig{
		Key: cfg.Key, Accept: cfg.Accept, PKI: cfg.PKI, Role: wire.RoleNode, Name: cfg.Name,
		Address: cfg.Listen, PacketConn: cfg.PacketConn, Resolve: cfg.Resolve, Logger: cfg.Log,
		ConnsMax: cfg.Traffic.ConnsMax, HandshakesMax: cfg.Traffic.HandshakesMax,
	})
	if err != nil {
		return nil, err
	}
	n, err := assemble(cfg, boot, endpoint)
	if err != nil {
		_ = endpoint.Close() // the error at hand says more
		return nil, err
	}
	return n, nil
}

func assemble(cfg Config, boot replica.Boot, endpoint *wire.Endpoint) (*Node, error) {
	bound := endpoint.Addr().String()
	if cfg.Advertise == "" {
		cfg.Advertise = bound
	}
	if cfg.Name == "" {
		_, port, err := net.SplitHostPort(bound)
		if err != nil {
			return nil, fmt.Errorf("bound address %q: %w", bound, err)
		}
		cfg.Name = nameOf(port)
	}
	n := &Node{
		cfg:      cfg,
		self:     replica.Member{Boot: boot, Name: cfg.Name, Addr: cfg.Advertise, Zone: cfg.Zone},
		started:  cfg.Clock().Wall,
		bootedAt: cfg.Clock().Mono,
		endpoint: endpoint,
		log:      cfg.Log.With("node", cfg.Name),
		waiters:  map[replica.Token]waiter{},
		conns:    conns{},
		large:    largeLogs{},
		cache:    cache.New(cfg.CacheBytes),
		links:    map[replica.Boot]*wire.Link{},
		watchers: map[*source]bool{},
		ticker:   time.NewTimer(0),
		events:   map[replica.EventKind]uint64{},
		turns:    map[uint32]replica.Boot{},
		top:      newTop(cfg.Clock().Mono),
	}
	n.drain, n.left = make(chan struct{}), make(chan struct{})
	n.ctx, n.stop = context.WithCancel(context.Background())
	if err := n.makeCore(); err != nil {
		return nil, err
	}
	g, err := newGossip(n)
	if err != nil {
		return nil, err
	}
	n.gossip = g
	return n, nil
}

// makeCore makes the core, with what is remembered from the last run.
func (n *Node) makeCore() error {
	r, err := n.recall()
	if err == nil {
		err = n.writable()
	}
	if err != nil {
		return err
	}
	var seed [16]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	n.remembered = r.cluster()
	listed, err := n.others(n.seeds(remembered{}))
	if err != nil {
		return err
	}
	others, err := n.others(n.seeds(r))
	if err != nil {
		return err
	}
	n.minMembers = n.cfg.minMembers(listed)
	cfg := failover.Config{
		Self: n.self, Slots: n.cfg.Slots, Backups: n.cfg.backups(), MinCopies: n.cfg.MinCopies,
		Limits: n.cfg.Limits, Lease: n.cfg.Lease, MemoryBytes: max(n.cfg.MemoryBytes, 0), Quotas: n.cfg.Quotas,
		Expect:         n.cfg.expect(others),
		BytesPerSecond: n.cfg.Moves.BytesPerSecond, TransfersMax: n.cfg.Moves.TransfersMax, MovesMax: n.cfg.Moves.MovesMax,
		Settle: n.cfg.Moves.Settle, SlowFactor: n.cfg.Moves.SlowFactor,
		MinMembers: n.minMembers,
		Cluster:    r.cluster(),
		Random:     mrand.New(mrand.NewPCG(binary.LittleEndian.Uint64(seed[:]), binary.LittleEndian.Uint64(seed[8:]))),
	}
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	n.core = failover.New(cfg, n.cfg.Clock())
	n.known, n.forgotten = map[string]acquaintance{}, map[string]bool{}
	for _, m := range r.Members {
		n.known[m.Name] = acquaintance{m.Address, m.AbsentSince}
	}
	return n.setMembers(nil)
}

// Addr is the address that the node's socket is bound to.
func (n *Node) Addr() net.Addr { return n.endpoint.Addr() }

// ShowAdmin makes the status tell where the node's admin listener is. It is opened when the node's own address is known,
// which is after New; so this is no part of Config. To be called before Run.
func (n *Node) ShowAdmin(addr string) { n.admin = addr }

// Member is the node's own boot.
func (n *Node) Member() replica.Member { return n.self }

// Run joins or founds a cluster and serves until ctx is done; then it drains for as long as Config.DrainDeadline says,
// leaves in good order, so that its backups take over the rest at once, and closes the node. A node that was told to
// drain leaves when it is done. Run is to be called once. It returns nil after an orderly end, otherwise why the node
// cannot be a member.
func (n *Node) Run(ctx context.Context) error {
	defer n.Close()
	n.tasks.Go(n.accept)
	n.tasks.Go(n.tick)
	n.tasks.Go(n.follow)
	n.tasks.Go(n.probe)
	n.tasks.Go(func() { n.join(n.ctx) })
	select {
	case <-ctx.Done():
	case <-n.drain:
		n.handOver(ctx)
	case <-n.ctx.Done():
	}
	if n.ctx.Err() == nil {
		n.drainAndLeave()
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.problem != nil {
		return n.problem
	}
	return ErrClosed
}

// doom ends the node: what it found makes it impossible to be a member.
func (n *Node) doom(err error) {
	n.mu.Lock()
	if n.problem == nil {
		n.problem = err
	}
	n.mu.Unlock()
	n.stop()
}

// leaveWait bounds the wait for commits under way, for the others to hear of the leaving, and for what is queued.
const leaveWait = time.Second

// leave surrenders every slot once nothing is under way, tells gossip, and waits until what was queued is sent.
func (n *Node) leave() {
	n.mu.Lock()
	n.core.Quiesce()
	n.mu.Unlock()
	n.until(leaveWait, func() bool { return n.core.Open() == 0 })
	n.mu.Lock()
	if s := n.soleCopies(); s > 0 {
		n.log.Warn("leaving with slots that no other node holds: their sessions are gone", "slots", s)
	}
	n.bequeath()
	n.core.Leave(&n.effects)
	n.dispatch(n.cfg.Clock())
	n.mu.Unlock()
	n.until(leaveWait, n.sent)
	n.gossip.leave(leaveWait)
	n.log.Info("left the cluster")
}

// soleCopies counts the slots with sessions that only this node holds.
func (n *Node) soleCopies() int {
	sole := 0
	for slot := range uint32(n.cfg.Slots) {
		if sessions, _ := n.core.Sessions(slot); sessions > 0 && n.core.Role(slot) == replica.Primary && len(n.core.Claim(slot).Backups) == 0 {
			sole++
		}
	}
	return sole
}

// until waits for done, called under the mutex, at most as long as given.
func (n *Node) until(limit time.Duration, done func() bool) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	for {
		n.mu.Lock()
		ok := done()
		n.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-ticker.C:
		case <-timeout.C:
			return
		case <-n.ctx.Done():
			return
		}
	}
}

// sent reports whether nothing is queued to any member.
func (n *Node) sent() bool {
	for boot := range n.conns {
		c := n.conns.to(boot)
		for lane := range c.Lanes() {
			if c.Queued(lane) > 0 {
				return false
			}
		}
	}
	return true
}

// Close stops the node at once, as a crash would, and returns when everything has stopped. What was not on the backups
// is lost, so use it for tests, or after Run.
func (n *Node) Close() error {
	n.once.Do(func() {
		n.stop()
		n.gossip.shutdown()
		n.mu.Lock()
		links := n.links
		n.links = nil
		n.mu.Unlock()
		for _, l := range links {
			l.Close()
		}
		_ = n.endpoint.Close() // nothing is left that could be done about it
		n.tasks.Wait()
		n.mu.Lock()
		n.abandon()
		n.mu.Unlock()
	})
	return nil
}
