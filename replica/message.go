package replica

import "time"

// Message is what nodes and clients tell each other; package wire encodes exactly these. Messages own their contents
// and are not modified after they were sent.
type Message interface{ message() }

// Part is one session's share of an entry: a partial or whole version to merge.
type Part struct {
	// Base is the stamp of the version that Session was made for. A replica that has another lacks something and asks
	// for the whole session. Zero when Session is whole or creates the session.
	Base    Stamp
	Session *Session
}

// Entry is one step of a slot's log: everything that one commit changes, applied whole.
type Entry struct {
	Seq      uint64 // numbers the slot's entries without gaps, over all epochs
	Request  RequestID
	NotAfter int64 // how long Request is remembered, see Commit.NotAfter
	Parts    []Part
	// Requests took effect on another side of a split and are passed on with what they changed.
	Requests []RememberedRequest
}

// Position says how far a replica has got. Positions compare within a slot: epoch first, then sequence number.
type Position struct {
	Epoch uint64 // of the last claim under which the replica took an entry or was made one
	Seq   uint64 // last entry applied
}

// Update carries one entry from the primary to a backup or learner.
type Update struct {
	Slot      uint32
	Epoch     uint64 // of the claim under which it is sent; the sender is that claim's primary
	Committed uint64 // every backup has the entries up to this one
	Entry     Entry
}

// Ack tells the primary that the sender holds every entry up to Head.
type Ack struct {
	Slot  uint32
	Epoch uint64
	Head  uint64
	// Gap: an entry after Head+1 arrived, send again from Head+1. Whole: entry Head+1 arrived for a session whose base
	// is missing here, send it whole.
	Gap, Whole bool
}

// Fenced refuses an update: the sender knows a higher claim than the one it came under, or does not know that one.
// It carries the highest claim known.
type Fenced struct{ Claim Claim }

// Claims tells of claims; a receiver keeps each that is above its own.
type Claims struct{ Claims []Claim }

// ClaimsWanted asks for all claims.
type ClaimsWanted struct{}

// Heartbeat asks for a lease and says that the sender is alive.
type Heartbeat struct {
	Sent     time.Duration // the sender's Instant.Mono; echoed
	Digest   uint64        // of all claims that the sender knows; a receiver that has another asks for them
	ClockOff bool          // the sender's clock is off: it leads no slot
}

// HeartbeatReply grants the sender of a heartbeat a lease that counts from Sent, or, with Granted false, only says
// that the replier is alive.
type HeartbeatReply struct {
	Sent    time.Duration
	Digest  uint64
	Granted bool
	Wall    int64 // Instant.Wall of the replier; zero: it is of an earlier version and does not say
}

// AskedSlot is one slot that an asker wants to claim, above the claim Known.
type AskedSlot struct {
	Slot  uint32
	Known Claim
}

// Ask is sent to every member before a claim that deposes another boot: it wants the promise to fence lower claims of
// the slots, and whatever would forbid the claim.
type Ask struct {
	Round uint64 // chosen by the asker, echoed
	Slots []AskedSlot
}

// Verdict is what a member says to an asked slot.
type Verdict uint8

// The verdicts.
const (
	Promised  Verdict = 0 // until the lease time has passed twice the answerer grants and obeys nobody else for the slot
	Outranked Verdict = 1 // the answerer knows a higher claim, which comes along
	Hears     Verdict = 2 // the answerer hears the primary that the asker wants to depose
	Busy      Verdict = 3 // the answerer has promised the slot to another asker
)

// AnsweredSlot answers one AskedSlot.
type AnsweredSlot struct {
	Slot     uint32
	Verdict  Verdict
	Holds    bool // the answerer holds the slot's sessions, as of Position
	Position Position
	Claim    Claim // highest known; set when Verdict is Outranked
}

// Answer answers an Ask.
type Answer struct {
	Round uint64
	Slots []AnsweredSlot
}

// Pull asks a replica for the entries of a slot that the sender lacks: those that it keeps after After, as many as a
// message holds; the sender asks again for the rest.
type Pull struct {
	Round uint64
	Slot  uint32
	After Position
}

// Tail answers a Pull.
type Tail struct {
	Round    uint64
	Slot     uint32
	Complete bool // the entries join on to After without a gap
	Entries  []Entry
}

// Snapshot carries a chunk of a slot to a learner. Chunks come in order, the next when the last was answered; live
// updates run beside them.
type Snapshot struct {
	Slot     uint32
	Epoch    uint64
	Transfer uint64 // names the transfer; a receiver drops what it got under another
	Chunk    uint32 // from 0
	Seq      uint64 // sent with chunk 0: updates after this one come by themselves
	Parts    []Part
	Requests []RememberedRequest
	Last     bool
	Move     bool // the slot is not short of a copy; the receiver takes only so many of these at a time
}

// RememberedRequest is a request that took effect and must not do so again.
type RememberedRequest struct {
	Request  RequestID
	NotAfter int64
	Key      Key
	Stamp    Stamp
	Over     []*Attr // what its effect hid of what was written since sides parted, in the order of names; see overwritten
}

// SnapshotReply acknowledges a chunk; with Refused the transfer is over: the learner is filled with as much as it takes at
// a time, or knows of another claim.
type SnapshotReply struct {
	Slot     uint32
	Transfer uint64
	Chunk    uint32
	Refused  bool
}

// Offer tells the acting primary what a node outside the highest claim holds, or a backup that differs. The first chunk
// only says that there is something; each other one brings what was wanted of those before and lists more.
type Offer struct {
	Slot     uint32
	Transfer uint64
	Chunk    uint32 // from 0
	Lineage  []Turn // with chunk 0: of the claim under which the sender held the slot
	Parts    []Part // what was wanted
	Requests []RememberedRequest
	Items    []Item // in the order of keys, over all chunks; only when all that was wanted has been sent
	Last     bool   // there is nothing more to bring or list
}

// Item lists one session of an offer.
type Item struct {
	Key     Key
	Version uint64 // fingerprint
}

// OfferReply says that what the chunk brought is merged and on all backups, and what is wanted of what it listed. After
// the last one the sender may drop what it holds. With Refused the replier is not the primary, or has no room now.
type OfferReply struct {
	Slot     uint32
	Transfer uint64
	Chunk    uint32
	Wanted   []uint32 // indexes into Items
	Refused  bool
}

// Fetch asks a node that has offered what it holds for one session ahead of the others.
type Fetch struct {
	Slot uint32
	Key  Key
}

// Fetched answers a Fetch.
type Fetched struct {
	Slot     uint32
	Key      Key
	Parts    []Part // the session, or nothing
	Requests []RememberedRequest
}

// Check asks a backup to compare its copy of a slot with its primary's.
type Check struct {
	Slot   uint32
	Epoch  uint64
	Seq    uint64 // the last entry that the primary had applied
	Cut    int64  // ended sessions that are forgotten by this time of day, in milliseconds since 1970, are left out
	Digest uint64
}

// HandOff offers a backup the slot: the sender, its primary, serves nothing of it any more. Every backup holds the log up
// to Head and there is nothing after it. The receiver becomes primary by a claim of its own.
type HandOff struct {
	Slot  uint32
	Epoch uint64 // of the sender's claim
	Head  uint64
	Locks []HeldLock // in the order of keys; they and their queues travel along
}

// Released says that the sender does not claim slots that it was promised.
type Released struct{ Slots []uint32 }

// GivenUp hands the list of the writes that merges gave up to another member: the sender is about to leave.
type GivenUp struct {
	Conflicts []Conflict // oldest first
	Older     uint64     // how many more there were
}

// Leaving says that the sender serves nothing any more and surrenders all its leases.
type Leaving struct{}

// Candidacy asks for a vote to found a cluster.
type Candidacy struct{ Round uint64 }

// Vote answers a Candidacy.
type Vote struct {
	Round   uint64
	Granted bool
	// Cluster is the cluster that the voter belongs to already, or zero.
	Cluster uint64
}

// Founded says that the cluster exists; the receiver belongs to it from now on.
type Founded struct{ Cluster uint64 }

// Hello opens a connection between nodes, in both directions.
type Hello struct {
	Cluster uint64 // zero: belongs to none yet
	Member  Member
	Slots   uint32
	Limits  uint64 // digest of the limits that must agree
}

// Request carries a client's request, or one that a node passes on; exactly one of Load, Commit, Lock and List is
// set.
type Request struct {
	Token  uint64 // chosen by the sender, per connection; echoed
	Hops   uint8  // how often it was passed on
	Load   *Load
	Commit *Commit
	Lock   *Lock
	List   *List
}

// Identity is the id and the session of a request that asks for a change or a lock; zero of others, which have no id.
func (m *Request) Identity() (id RequestID, key Key) {
	switch {
	case m.Commit != nil:
		return m.Commit.Request, m.Commit.Key
	case m.Lock != nil:
		return m.Lock.Request, m.Lock.Key
	}
	return id, key
}

// Reply answers a Request.
type Reply struct {
	Token  uint64
	Result Result
	// Claim is the slot's highest claim when the status is NotPrimary or Unavailable.
	Claim Claim
}

// LayoutWanted asks a node for its layout now and for every change from then on.
type LayoutWanted struct{}

// Layout tells a client who the members are and, in Claims, which claims are new; the first one after LayoutWanted
// holds all.
type Layout struct {
	Cluster uint64
	Slots   uint32
	Members []Member // all that are believed alive
	Claims  []Claim
}

// AdminRequest is an operator's command to the node that it is sent to, such as "drain". Cluster keys only. An empty
// Command asks for the node's status.
type AdminRequest struct {
	Token    uint64
	Command  string
	Argument string // of the command; what it means, the command says
}

// AdminReply is the answer: a JSON document, or a status other than ok and what completes it for a reader.
type AdminReply struct {
	Token  uint64
	JSON   []byte
	Status Status
	Detail string
}

func (*Update) message()         {}
func (*Ack) message()            {}
func (*Fenced) message()         {}
func (*Claims) message()         {}
func (*ClaimsWanted) message()   {}
func (*Heartbeat) message()      {}
func (*HeartbeatReply) message() {}
func (*Ask) message()            {}
func (*Answer) message()         {}
func (*Pull) message()           {}
func (*Tail) message()           {}
func (*Snapshot) message()       {}
func (*SnapshotReply) message()  {}
func (*Offer) message()          {}
func (*OfferReply) message()     {}
func (*Fetch) message()          {}
func (*Fetched) message()        {}
func (*Check) message()          {}
func (*HandOff) message()        {}
func (*Released) message()       {}
func (*Leaving) message()        {}
func (*GivenUp) message()        {}
func (*Candidacy) message()      {}
func (*Vote) message()           {}
func (*Founded) message()        {}
func (*Hello) message()          {}
func (*Request) message()        {}
func (*Reply) message()          {}
func (*LayoutWanted) message()   {}
func (*Layout) message()         {}
func (*AdminRequest) message()   {}
func (*AdminReply) message()     {}
