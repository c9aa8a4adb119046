package failover

import (
	"maps"
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/ring"
)

// Core is one node's part in the cluster. It is not safe for concurrent use. All its methods are steps: they take the
// time, which never goes back, and append to the effects.
type Core struct {
	cfg    Config
	shared replica.Config
	clock  replica.Clock
	memory replica.Memory

	cluster uint64 // zero: belongs to none yet
	found   founding
	slots   []slot
	changed map[uint32]bool // slots whose claim is new since TakeChanged
	digest  uint64          // over the claims of all slots
	peers   map[replica.Boot]*peer
	alive   []replica.Boot // peers that gossip calls alive, in order
	home    *ring.Table

	rounds    map[uint64]*round
	quiet     bool            // refuses requests; about to leave
	leaving   bool            // has surrendered everything
	joined    time.Duration   // Instant.Mono when the node came to belong to the cluster
	stood     time.Duration   // Instant.Mono when the node went on after it had stood still
	ticked    time.Duration   // of the last Tick
	scanned   time.Duration   // of the last look at every slot
	unbacked  time.Duration   // Instant.Mono until which the lease of slots without backups holds
	transfers uint64          // ids given to transfers and offers
	stirred   []uint32        // slots whose waiting requests are to be tried again at the end of the step
	yielded   []replica.Claim // those to which this node lost slots that it served, to be told at the end of the step
	checked   int             // the slot that was compared with its backups last
	acks      []uint32        // slots that owe an acknowledgement
	near      []uint32        // slots that need a look, as the last look at every slot found
	placing   uint64          // rises with whatever decides where slots belong
	bound     time.Duration   // Instant.Mono until which some promise may bind this node
	released  []uint32        // slots that were asked for and not claimed, not told yet
	lessons   []lesson        // learners being filled by this node, the most urgent first
	handOffs  []handOff       // slots being handed over by this node

	budget   budget
	settling settling
	latency  latency
	held     [causes]hold // what kept the first step of each cause from being taken when it was last planned
	starved  cause        // of the first learner that waits for the byte budget; causes: none does
	pauses   pauses
	clocks   clocks
}

// slot is what a node knows of one slot.
type slot struct {
	claim   replica.Claim // highest known
	learned time.Duration // Instant.Mono when it was learned
	data    *replica.Slot
	promise promise
	round   uint64         // the node's own round for the slot; zero when none
	retry   time.Duration  // no new round before
	rest    time.Duration  // no new learner or hand-off before
	short   time.Duration  // since when the slot lacks a copy that somebody could take; zero: it does not
	load    float64        // requests and updates, those of ten seconds ago for half as much
	moving  bool           // a learner whose slot is not short of a copy
	fenced  time.Duration  // when a refused update was last answered with the claim
	unfit   []replica.Boot // backups that refused to follow the claim
	taught  time.Duration  // when the last chunk came to this learner
	waiting []request      // requests that go on in a moment; at most waitingMax
	home    uint64         // Core.placing for which the slot was found to be at home; zero: it is not known to be
	ballot  uint64         // highest epoch that an asker was promised; a claim of this node lies above it
	yields  bool           // this node served it until the claim came, and has not told the others
	doubted time.Duration  // since when a higher claim is not followed; zero: there is none
	lost    time.Duration  // since when every replica is gone; zero: not so
}

// promise binds a node to obey and grant nobody else for a slot.
type promise struct {
	to    replica.Boot
	until time.Duration
}

func (p promise) holds(now replica.Instant) bool { return p.to != 0 && now.Mono < p.until }

// New makes the core of a node that belongs to no cluster yet. The configuration must be valid.
func New(cfg Config, now replica.Instant) *Core {
	c := &Core{
		cfg:     cfg.withDefaults(),
		peers:   map[replica.Boot]*peer{},
		rounds:  map[uint64]*round{},
		changed: map[uint32]bool{},
		slots:   make([]slot, cfg.Slots),
		ticked:  now.Mono,
		placing: 1,
		starved: causes,
	}
	c.budget = newBudget(c.cfg.BytesPerSecond, c.cfg.Limits.ChunkBytes)
	c.clock.Boot = cfg.Self.Boot
	c.memory = replica.Memory{Soft: cfg.MemoryBytes / 10 * 9, Hard: cfg.MemoryBytes}
	c.shared = replica.Config{
		Slots: cfg.Slots, Limits: c.cfg.Limits, MinCopies: c.cfg.MinCopies, Clock: &c.clock, Memory: &c.memory,
		Quotas: replica.NewQuotas(cfg.Quotas),
	}
	for i := range c.slots {
		c.slots[i].data = replica.NewSlot(uint32(i), &c.shared)
	}
	return c
}

// Self is the node's own boot.
func (c *Core) Self() replica.Boot { return c.cfg.Self.Boot }

// Cluster is the id of the cluster that the node belongs to; zero while it belongs to none.
func (c *Core) Cluster() uint64 { return c.cluster }

// Belong makes the node part of a cluster: it was founded here, or members said so.
func (c *Core) Belong(now replica.Instant, cluster uint64) {
	if c.cluster != 0 {
		return
	}
	c.cluster, c.joined = cluster, now.Mono
	for _, p := range c.peers {
		p.heard = now.Mono // members are silent while they belong to no cluster
	}
}

// SetHome takes the table that the ring computed for the members believed alive that do not drain, or for all if every
// one does. It becomes the core's.
func (c *Core) SetHome(home *ring.Table) {
	c.home = home
	c.placing++
}

// Claim is the highest claim known of a slot.
func (c *Core) Claim(slot uint32) replica.Claim { return c.slots[slot].claim }

// Claims lists the highest claim known of every slot that was ever claimed, except where its primary has not heard yet
// what this node holds: nobody is to be sent there before.
func (c *Core) Claims() []replica.Claim {
	var all []replica.Claim
	for i := range c.slots {
		if !c.slots[i].claim.IsZero() && c.slots[i].data.Told() {
			all = append(all, c.slots[i].claim)
		}
	}
	return all
}

// Refers reports whether clients may be sent to the primary that the slot's claim names: not before it has heard what this
// node holds.
func (c *Core) Refers(slot uint32) bool { return c.slots[slot].data.Told() }

// TakeChanged lists, in the order of slots, the claims that are new since the last call. It keeps back what Claims does.
func (c *Core) TakeChanged() []replica.Claim {
	if len(c.changed) == 0 {
		return nil
	}
	var claims []replica.Claim
	for _, n := range slices.Sorted(maps.Keys(c.changed)) {
		if s := &c.slots[n]; s.data.Told() {
			claims = append(claims, s.claim)
			delete(c.changed, n)
		}
	}
	return claims
}

// Receive takes a message from a member. Messages that name impossible slots are ignored: the codec has no way to know
// how many there are.
func (c *Core) Receive(now replica.Instant, from replica.Boot, m replica.Message, fx *replica.Effects) {
	c.hear(now, from)
	c.receive(now, from, m, fx)
	c.goOn(now, fx)
	c.tellYielded(fx)
}

func (c *Core) receive(now replica.Instant, from replica.Boot, m replica.Message, fx *replica.Effects) {
	switch m := m.(type) {
	case *replica.Update:
		c.update(now, from, m, fx)
	case *replica.Ack:
		if s := c.at(m.Slot); s != nil {
			s.data.Ack(now, from, m, fx)
			c.offerEven(now, m.Slot, fx)
			c.stir(m.Slot)
		}
	case *replica.Fenced:
		c.refused(now, from, m, fx)
	case *replica.Heartbeat:
		c.heartbeat(now, from, m, fx)
	case *replica.HeartbeatReply:
		c.granted(now, from, m, fx)
	case *replica.Claims:
		for _, claim := range m.Claims {
			c.adopt(now, from, claim, fx)
		}
	case *replica.ClaimsWanted:
		send(fx, from, &replica.Claims{Claims: c.Claims()})
	case *replica.HandOff:
		c.take(now, from, m, fx)
	case *replica.Released:
		c.unbind(from, m)
	case *replica.Leaving:
		c.surrendered(from)
	default:
		c.receiveChange(now, from, m, fx)
	}
}

// receiveChange handles what is only said when who holds a slot changes.
func (c *Core) receiveChange(now replica.Instant, from replica.Boot, m replica.Message, fx *replica.Effects) {
	switch m := m.(type) {
	case *replica.Ask:
		c.answer(now, from, m, fx)
	case *replica.Answer:
		c.answered(now, from, m, fx)
	case *replica.Pull:
		if s := c.at(m.Slot); s != nil {
			entries, complete := s.data.Tail(m.After)
			send(fx, from, &replica.Tail{Round: m.Round, Slot: m.Slot, Complete: complete, Entries: entries})
		}
	case *replica.Tail:
		c.pulled(now, from, m, fx)
	case *replica.Snapshot, *replica.SnapshotReply:
		c.receiveLesson(now, from, m, fx)
	case *replica.Offer, *replica.OfferReply, *replica.Fetch, *replica.Fetched, *replica.Check:
		c.receiveOffer(now, from, m, fx)
	case *replica.Candidacy, *replica.Vote, *replica.Founded:
		c.receiveFounding(now, from, m, fx)
	}
}

func (c *Core) at(slot uint32) *slot {
	if int(slot) >= len(c.slots) {
		return nil
	}
	return &c.slots[slot]
}

func send(fx *replica.Effects, to replica.Boot, m replica.Message) {
	fx.Send = append(fx.Send, replica.Envelope{To: to, Msg: m})
}

func (c *Core) sendAll(fx *replica.Effects, m replica.Message) {
	for _, b := range c.alive {
		send(fx, b, m)
	}
}

func report(fx *replica.Effects, kind replica.EventKind, claim replica.Claim, peer replica.Boot, count uint64) {
	fx.Events = append(fx.Events, replica.Event{
		Kind: kind, Slot: claim.Slot, Epoch: claim.Epoch, Peer: peer, Count: count,
	})
}

// FlushAcks sends the acknowledgements that are owed. The caller calls it after each batch of messages: the more it
// gathers, the fewer are sent.
func (c *Core) FlushAcks(fx *replica.Effects) {
	for _, i := range c.acks {
		c.slots[i].data.FlushAck(fx)
	}
	c.acks = c.acks[:0]
}

// Tick does what time alone brings about. The caller calls it when Next says so; a long pause between two calls is taken
// for what it is, a node that stood still.
func (c *Core) Tick(now replica.Instant, fx *replica.Effects) {
	if now.Mono-c.ticked > c.cfg.Lease/2 {
		c.stalled(now)
	}
	c.ticked = now.Mono
	c.tickFounding(now, fx)
	if c.cluster == 0 || c.leaving {
		return
	}
	scan := now.Mono-c.scanned >= scanEvery
	if scan {
		c.judgeClock(now, fx) // first: who hears a heartbeat hands this node nothing that it is about to give away
	}
	c.sendHeartbeats(now, fx)
	if scan {
		c.scanned = now.Mono
		c.scan(now, fx)
	}
	c.tickRounds(now, fx)
	c.tickLessons(now, fx)
	c.tickHandOffs(now, fx)
	c.goOn(now, fx)
}

// aliveMembers counts the members believed alive, this node among them.
func (c *Core) aliveMembers() int { return len(c.alive) + 1 }

// Role is what this node does for a slot.
func (c *Core) Role(slot uint32) replica.Role { return c.slots[slot].data.Role() }

// Sessions counts the live sessions of a slot that this node holds, and the bytes of their attributes.
func (c *Core) Sessions(slot uint32) (sessions, bytes int) { return c.slots[slot].data.Sessions() }

// shareQuotas counts anew what applications have in the slots that this node leads, and may have.
func (c *Core) shareQuotas() {
	if c.shared.Quotas == nil {
		return
	}
	all := make([]*replica.Slot, len(c.slots))
	for i := range c.slots {
		all[i] = c.slots[i].data
	}
	c.shared.Quotas.Share(all)
}

// Memory is the bytes that this node's sessions take, and may take, see [replica.Memory]; 0: any number.
func (c *Core) Memory() (used, most int) { return c.memory.Used(), c.memory.Hard }

// Ready reports whether the node plays the part that the layout gives it in every slot; if not, what is missing.
func (c *Core) Ready(now replica.Instant) (ready bool, reason string) {
	if now.Mono-c.joined < compareAfter && len(c.alive) > 0 {
		return false, "has just joined"
	}
	if c.ClockOff(c.Self()) {
		return false, "its clock is off: check NTP"
	}
	for i := range c.slots {
		s := &c.slots[i]
		role := s.data.Role()
		switch {
		case s.claim.IsZero():
			return false, "slots are not claimed yet, or it does not know by whom"
		case s.claim.Primary == c.Self() && role != replica.Primary,
			s.claim.Primary != c.Self() && s.claim.Holds(c.Self()) && role != replica.Backup:
			return false, "does not hold yet what the layout says that it holds"
		}
	}
	return true, ""
}
