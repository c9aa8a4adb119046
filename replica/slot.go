package replica

import (
	"slices"
	"time"
)

// Role says what a node does for a slot.
type Role uint8

// The roles.
const (
	Absent  Role = 0 // holds nothing
	Holder  Role = 1 // holds sessions outside the highest claim; offers them to the acting primary, then drops them
	Learner Role = 2 // is being filled; does not count as a copy
	Backup  Role = 3
	Primary Role = 4
)

// Config is what all slots of a node share. It is read-only after NewSlot.
type Config struct {
	Slots     int // of the whole cluster
	Limits    Limits
	MinCopies int     // a commit that ends on fewer copies is answered ErrNotEnoughCopies; default 1
	Memory    *Memory // counts what all slots keep; nil: nobody does
	Quotas    *Quotas // of applications; nil: none
	Clock     *Clock  // gives this boot's stamps; owned by whoever steps the slots
}

// Slot is one node's share of one slot: its sessions, the end of its log and, on the primary, how far each backup is.
// Its methods are the steps of the commit path. A Slot is not safe for concurrent use.
type Slot struct {
	num uint32
	cfg *Config

	role  Role
	claim Claim // under which the role is played; of Absent and Holder, the last one known

	position uint64 // epoch of Position
	records  records
	layouts  layouts
	awake    []*record     // those that do not rest, each once, ascending by queued; and some that are forgotten
	ticked   time.Duration // Instant.Mono of the last tick
	kept     time.Duration // number of the last keepEvery in which keep was called
	expiry   expiryHeap
	requests requestLog
	tail     tail
	bytes    int               // of records, see Memory
	usage    map[string]*usage // of applications with a quota
	parting  bool              // a claim has left somebody out since the last tick, who may be a side of its own
	parted   int64             // when one did last, as time of day in milliseconds

	lineage []Turn // of the claim under which this node held the slot
	newest  Stamp  // newest one applied here

	// Of a primary.
	followers []*follower   // the claim's backups in its order, then learners
	locks     map[Key]*lock // Invariant: only of live sessions.
	barrier   uint64        // reads wait until all backups hold the entries up to this one
	given     bool          // surrendered: serves nothing until the next claim

	// Of a backup or learner.
	ackDue   bool
	wants    Ack // what was last asked for, of the entry Head
	wantDue  bool
	wantedAt time.Duration
	intake   intake

	reunions []*reunion // of a primary: with nodes that offer what they hold
	twins    twins      // that were found so
	offers   []offered  // and their chunks, merged and not yet on all backups
	offering offering   // of a holder, or of a backup that differs
	differs  bool       // of a backup: it was found to differ from its primary
	followed Boot       // the primary of which it was a backup last; zero if it was primary itself since
}

// NewSlot makes an absent slot.
func NewSlot(num uint32, cfg *Config) *Slot {
	return &Slot{num: num, cfg: cfg, requests: newRequestLog(), locks: map[Key]*lock{}}
}

// Role is what the node does for the slot.
func (s *Slot) Role() Role { return s.role }

// Sessions counts the live sessions and the bytes of their attributes. It visits all of them.
func (s *Slot) Sessions() (sessions, bytes int) {
	var space Session
	for r := range s.records.all() {
		if v := r.shownIn(&space); live(v) {
			_, n := v.Live()
			sessions++
			bytes += n
		}
	}
	return sessions, bytes
}

// Position says how far this replica has got.
func (s *Slot) Position() Position { return Position{Epoch: s.position, Seq: s.tail.head} }

// Holds reports whether the node has something of the slot that a promoter must know of.
func (s *Slot) Holds() bool { return s.role == Primary || s.role == Backup || s.role == Holder }

// Serving reports whether the slot's reads may be answered: the node is primary and every backup has what it had when
// it became so.
func (s *Slot) Serving() bool { return s.role == Primary && s.tail.committed >= s.barrier && !s.given }

// Lead makes the node primary under claim, with positions[i] the sequence number that claim.Backups[i] has reached. A
// primary that goes on under a new claim keeps what it knows of its followers.
func (s *Slot) Lead(now Instant, claim Claim, positions []uint64, fx *Effects) {
	before := s.followers
	s.followers = nil
	s.parting = s.parting || !claim.keeps(s.claim)
	for i, b := range claim.Backups {
		f := &follower{boot: b, acked: positions[i], sent: positions[i], progress: now.Mono}
		if j := slices.IndexFunc(before, func(f *follower) bool { return f.boot == b }); j >= 0 && s.role == Primary {
			f = before[j]
			if f.learning() {
				f.transfer, f.progress = nil, now.Mono
			}
		}
		s.followers = append(s.followers, f)
		s.tail.committed = min(s.tail.committed, f.acked)
	}
	if s.role == Primary {
		for _, f := range before {
			if f.learning() && !claim.Holds(f.boot) {
				s.followers = append(s.followers, f)
			}
		}
	} else {
		s.barrier = s.tail.head
	}
	s.role, s.claim, s.position, s.given, s.followed = Primary, claim, claim.Epoch, false, 0
	s.lineage, s.differs, s.offering = claim.Lineage, false, offering{}
	s.intake, s.ackDue = intake{}, false
	s.advance(fx)
	for _, f := range s.followers {
		s.resend(now, f, fx)
	}
}

// Follow makes the node a backup under claim. It keeps what it holds; the caller answers for it being a replica of the
// claim's lineage, or empty.
func (s *Slot) Follow(claim Claim, fx *Effects) {
	s.stepDown(fx)
	s.parting = s.parting || !claim.keeps(s.claim)
	s.role, s.claim, s.followed = Backup, claim, claim.Primary
	s.lineage, s.differs, s.offering = claim.Lineage, false, offering{}
	s.position = max(s.position, claim.Epoch)
	s.intake = intake{}
}

// Retire takes the node out of the slot's claim; what it holds stays, for the acting primary to merge.
func (s *Slot) Retire(claim Claim, fx *Effects) {
	s.stepDown(fx)
	s.claim = claim
	if s.records.len() == 0 || s.role == Learner {
		s.Drop()
		return
	}
	s.role, s.differs, s.offering = Holder, false, offering{}
}

// Drop forgets everything that the node holds of the slot.
func (s *Slot) Drop() {
	claim := s.claim
	s.release()
	*s = *NewSlot(s.num, s.cfg)
	s.claim = claim
}

// stepDown discards what is pending and tells those who wait to try again elsewhere.
func (s *Slot) stepDown(fx *Effects) {
	if s.role != Primary {
		return
	}
	for _, item := range s.tail.items {
		if !item.open {
			continue
		}
		for _, t := range item.waiting {
			fx.done(t, Result{Status: StatusUnavailable, Detail: "the primary stepped down", Unsure: true}) // backups may have it
		}
		for _, d := range item.after {
			fx.refuse(d.Token, StatusUnavailable, "the primary stepped down")
		}
		s.requests.forget(item.entry.Request)
	}
	for _, r := range s.awake { // in the order in which they woke
		switch {
		case len(r.pending) == 0:
			continue
		case r.durable == nil:
			s.forget(r)
		default:
			r.newest = r.durable
			s.charge(r)
		}
		r.pending = nil
	}
	s.forgetLocks(fx)
	s.followers, s.barrier, s.offers, s.reunions, s.twins, s.given = nil, 0, nil, nil, nil, false
	if s.tail.opened > 0 {
		s.tail.reset(s.tail.first() - 1)
	}
}

// forget removes a record.
func (s *Slot) forget(r *record) {
	s.expiry.remove(r)
	s.recharge(r, 0, false)
	s.records.remove(r)
}

// schedule counts a record whose newest version changed and puts it into the expiry heap.
func (s *Slot) schedule(now Instant, r *record) {
	s.charge(r)
	if r.newest.ended() {
		s.expiry.schedule(r, r.newest.forgotten(now))
	} else {
		s.expiry.schedule(r, r.ends(r.newest, now, &s.cfg.Limits))
	}
}

// merge takes part of an entry that another node made into what is held here.
func (s *Slot) merge(now Instant, p *Part) *record {
	r := s.recordOf(p.Session.Key)
	r.settle(Merge(r.newest, p.Session).bare())
	s.cfg.Clock.Observe(r.newest.Touched)
	s.newest = Later(s.newest, p.Session.Touched)
	s.schedule(now, r)
	return r
}

// sameVersion reports whether b, merged from a and something else, tells nothing that a did not.
func sameVersion(a, b *Session) bool {
	return a.Stamp == b.Stamp && a.Touched == b.Touched && a.Ending == b.Ending && a.Until == b.Until && sameWrites(a, b)
}

// sameWrites reports whether two versions of a session hold the same attributes and settings.
func sameWrites(a, b *Session) bool {
	return a.Settings == b.Settings &&
		slices.EqualFunc(a.Attrs, b.Attrs, func(x, y *Attr) bool { return x.Name == y.Name && x.Stamp == y.Stamp })
}

// keys is every key, in order, in memory of its own: a session that changes meanwhile is not held by its old key.
func (s *Slot) keys() []Key {
	keys := make([]Key, 0, s.records.len())
	for _, r := range s.records.sorted() {
		keys = append(keys, r.key().clone())
	}
	return keys
}

// Newest is the newest stamp among what this replica was ever told of the slot.
func (s *Slot) Newest() Stamp { return s.newest }

// Lineage is that of the claim under which this node holds, or held, what it has of the slot.
func (s *Slot) Lineage() []Turn { return s.lineage }

// Open counts the commits that wait for their durability.
func (s *Slot) Open() int { return s.tail.opened }
