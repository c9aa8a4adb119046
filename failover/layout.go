package failover

import (
	"time"

	"github.com/sessnode/sessnode/replica"
)

// The kinds of events that a core reports besides those of its slots.
const (
	EventPromoted replica.EventKind = "slot promoted"      // Peer was primary; Count milliseconds since it was last heard
	EventEvicted  replica.EventKind = "backup evicted"     // Peer acknowledged nothing for Count milliseconds
	EventRestored replica.EventKind = "copy restored"      // on Peer
	EventFenced   replica.EventKind = "primary fenced"     // by Peer, which knew a higher claim
	EventClaimed  replica.EventKind = "slot claimed"       // for the first time
	EventLost     replica.EventKind = "slot claimed empty" // every replica was lost
	EventMoved    replica.EventKind = "slot handed over"   // to this node, by Peer
	EventRevived  replica.EventKind = "slot revived"       // from a copy that was outside the claim
)

// adopt keeps a claim that a member told of if it is above the one known, and plays the part that it gives this node. It
// reports whether it was news.
func (c *Core) adopt(now replica.Instant, from replica.Boot, claim replica.Claim, fx *replica.Effects) bool {
	s := c.at(claim.Slot)
	if s == nil || claim.IsZero() || !claim.Above(s.claim) || claim.Primary == c.Self() {
		return false
	}
	if c.reassert(now, s, claim, fx) || c.doubts(now, s, from, claim, fx) {
		return false
	}
	before, promised := s.claim, s.promise.to
	c.learn(now, s, claim)
	if s.data.Role() == replica.Learner && claim.Primary != before.Primary {
		s.data.Drop() // another teaches anew
	}
	switch role := s.data.Role(); {
	case claim.Holds(c.Self()) && c.canFollow(s, before, claim, promised):
		s.data.Follow(claim, fx)
	case role == replica.Learner:
		s.data.Reclaim(claim)
	default:
		s.yields = role == replica.Primary
		s.data.Retire(claim, fx)
		if s.data.Offers() {
			c.offerNext(now, s, true, fx)
		}
		c.yield(s)
	}
	c.endHandOff(now, claim.Slot)
	return true
}

// canFollow reports whether what this node holds is what a backup under claim should hold: a prefix of its log. A backup
// does if its primary goes on, if it promised the slot to the new one, or if the old one handed over; a learner if it has
// learnt everything; a node without anything if the slot is claimed with nothing in it. Any other holds something else:
// it offers it, if it is anything, and is filled anew.
func (c *Core) canFollow(s *slot, before, claim replica.Claim, promised replica.Boot) bool {
	same := claim.Primary == before.Primary
	next := claim.Epoch == before.Epoch+1
	switch s.data.Role() {
	case replica.Backup:
		return len(claim.Emptied) == len(before.Emptied) &&
			(same || promised == claim.Primary || handedOver(before, claim))
	case replica.Learner:
		return s.data.Learnt() && same
	case replica.Primary:
		return s.data.Surrendered() && next && c.offeredTo(claim.Slot) == claim.Primary
	case replica.Absent:
		return before.IsZero() && claim.Epoch == 1 || len(claim.Emptied) > len(before.Emptied)
	}
	return false
}

// handedOver reports whether a claim is that of a backup to which the primary of the one before gave the slot.
func handedOver(before, claim replica.Claim) bool {
	return claim.Epoch == before.Epoch+1 && before.Holds(claim.Primary) && claim.Holds(before.Primary)
}

// misnamedEvery is how often a node reminds a primary that it cannot follow its claim.
const misnamedEvery = 250 * time.Millisecond

// watchMisnamed tells a primary that counts this node as a backup that it is none: it could not follow the claim. Without
// an update to refuse the primary would not find out.
func (c *Core) watchMisnamed(now replica.Instant, s *slot, fx *replica.Effects) {
	if s.claim.Primary == c.Self() || !s.claim.Holds(c.Self()) || s.data.Role() == replica.Backup ||
		now.Mono-s.fenced < misnamedEvery {
		return
	}
	s.fenced = now.Mono
	send(fx, s.claim.Primary, &replica.Fenced{Claim: s.claim})
}

// reassert answers a claim from empty that supersedes a claim under which this node serves: somebody who could not reach
// the slot's replicas took them for lost. As long as the backups grant the lease nobody else can have been promoted, so
// the slot is claimed again, above the other; unless no epoch lifts it there, because the lineage that the other knew to be
// lost had lived on for longer than this one's did before it was emptied.
func (c *Core) reassert(now replica.Instant, s *slot, claim replica.Claim, fx *replica.Effects) bool {
	if s.data.Role() != replica.Primary || len(claim.Emptied) <= len(s.claim.Emptied) || !c.leased(now, s.claim) ||
		s.data.Surrendered() {
		return false
	}
	next := s.claim
	next.Epoch = max(claim.Epoch, s.ballot) + 1
	next.Seen = uint32(c.aliveMembers())
	if !next.Above(claim) {
		return false
	}
	c.proclaim(now, next, make([]uint64, len(next.Backups)), fx)
	return true
}

// issue makes this node primary under a new claim and tells the backups on the way that their updates take. Telling every
// member is left to the caller, who may have many claims to tell of in one message.
func (c *Core) issue(now replica.Instant, claim replica.Claim, positions []uint64, fx *replica.Effects) {
	c.learn(now, &c.slots[claim.Slot], claim)
	for _, b := range claim.Backups {
		send(fx, b, &replica.Claims{Claims: []replica.Claim{claim}})
	}
	c.slots[claim.Slot].data.Lead(now, claim, positions, fx)
	c.endHandOff(now, claim.Slot)
}

// proclaim issues a claim that needs no round and tells every member.
func (c *Core) proclaim(now replica.Instant, claim replica.Claim, positions []uint64, fx *replica.Effects) {
	c.issue(now, claim, positions, fx)
	c.sendAll(fx, &replica.Claims{Claims: []replica.Claim{claim}})
}

// learn makes claim the highest known.
func (c *Core) learn(now replica.Instant, s *slot, claim replica.Claim) {
	c.digest ^= s.claim.Fingerprint() ^ claim.Fingerprint()
	c.changed[claim.Slot] = true
	s.claim, s.learned, s.promise, s.lost, s.unfit = claim, now.Mono, promise{}, 0, nil
	s.doubted, s.yields, s.home = 0, false, 0
	c.introduce(now, claim)
	c.stir(claim.Slot)
}

// Leave surrenders every slot: nothing is served from here on, and the backups may take over at once. The caller sends
// the effects before it closes anything.
func (c *Core) Leave(fx *replica.Effects) {
	if c.leaving {
		return
	}
	c.leaving = true
	c.sendAll(fx, &replica.Leaving{})
	for i := range c.slots {
		if s := &c.slots[i]; s.data.Role() == replica.Primary {
			s.data.Retire(s.claim, fx)
		}
	}
}

// Open counts the commits that are not yet as durable as they were asked to be. A node that is about to leave waits for
// none.
func (c *Core) Open() int {
	n := 0
	for i := range c.slots {
		n += c.slots[i].data.Open()
	}
	return n
}

// Quiesce refuses requests from here on, so that Open comes to zero.
func (c *Core) Quiesce() { c.quiet = true }
