package failover

import (
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// lesson is a learner that this node fills so that it becomes a copy.
type lesson struct {
	slot    uint32
	learner replica.Boot
	home    bool // a move home, not a missing copy
}

// lessonStuck is how long a learner may show no progress before it is given up.
const lessonStuck = 3 * time.Second

func (c *Core) beginLesson(now replica.Instant, a action) {
	c.slots[a.slot].data.Teach(now, a.peer, c.transferID())
	c.lessons = append(c.lessons, lesson{a.slot, a.peer, a.purpose == bring})
}

// transferID names a transfer or offer: unlike any other of this boot, and hardly like one of another.
func (c *Core) transferID() uint64 {
	c.transfers++
	return uint64(c.Self())&^0xffffffff | c.transfers&0xffffffff
}

// tickLessons sends what is due to every learner, makes those that hold everything backups, and gives up those that are
// gone.
func (c *Core) tickLessons(now replica.Instant, fx *replica.Effects) {
	var issued []replica.Claim
	c.lessons = slices.DeleteFunc(c.lessons, func(l lesson) bool {
		s := &c.slots[l.slot]
		state, going := learnerState(s, l.learner)
		switch {
		case !going:
			s.retry = now.Mono + c.jitter(c.cfg.Lease)
			return true
		case c.suspect(now, l.learner) || now.Mono-state.Progress > lessonStuck:
			s.data.Unteach(l.learner, fx)
			s.retry = now.Mono + c.jitter(c.cfg.Lease)
			return true
		case state.Ready && s.round == 0 && c.leased(now, s.claim) && !s.promise.holds(now):
			issued = append(issued, c.graduate(now, s, l.learner, fx))
			return true
		}
		s.data.SendChunk(now, l.learner, fx)
		return false
	})
	if len(issued) > 0 {
		c.sendAll(fx, &replica.Claims{Claims: issued})
	}
}

// restoring reports whether a missing copy is being made: slots stay where they are until none is missing.
func (c *Core) restoring() bool {
	return slices.ContainsFunc(c.lessons, func(l lesson) bool { return !l.home })
}

func learnerState(s *slot, learner replica.Boot) (replica.LearnerState, bool) {
	if s.data.Role() != replica.Primary {
		return replica.LearnerState{}, false
	}
	for _, l := range s.data.Learners() {
		if l.Boot == learner {
			return l, true
		}
	}
	return replica.LearnerState{}, false
}

// graduate makes a learner that holds everything a backup. No questions are needed: the lease holds, so nobody else can
// have claimed the slot.
func (c *Core) graduate(now replica.Instant, s *slot, learner replica.Boot, fx *replica.Effects) replica.Claim {
	next := s.claim
	next.Epoch++
	next.Seen = uint32(c.aliveMembers())
	next.Backups = append(slices.Clone(s.claim.Backups), learner)
	c.issue(now, next, make([]uint64, len(next.Backups)), fx)
	report(fx, EventRestored, next, learner, 1)
	return next
}

// receiveLesson handles both sides of a transfer.
func (c *Core) receiveLesson(now replica.Instant, from replica.Boot, m replica.Message, fx *replica.Effects) {
	switch m := m.(type) {
	case *replica.Snapshot:
		s := c.at(m.Slot)
		if s == nil {
			return
		}
		if s.claim.Primary != from || m.Chunk == 0 && !s.data.Taking(m.Transfer) && c.learning() >= c.cfg.TransfersMax {
			send(fx, from, &replica.SnapshotReply{Slot: m.Slot, Transfer: m.Transfer, Chunk: m.Chunk, Refused: true})
			return
		}
		s.taught = now.Mono
		s.data.Snapshot(now, from, s.claim, m, fx)
	case *replica.SnapshotReply:
		if s := c.at(m.Slot); s != nil {
			s.data.SnapshotReply(now, from, m, fx)
			s.data.SendChunk(now, from, fx)
		}
	}
}

// watchLearner drops what was learnt when nothing comes any more: the teacher has given up and nobody told.
func (c *Core) watchLearner(now replica.Instant, s *slot) {
	if s.data.Role() == replica.Learner && now.Mono-s.taught > 2*lessonStuck {
		s.data.Drop()
	}
}

// learning counts the slots that this node is being filled with.
func (c *Core) learning() int {
	n := 0
	for i := range c.slots {
		if c.slots[i].data.Role() == replica.Learner && !c.slots[i].data.Learnt() {
			n++
		}
	}
	return n
}

// offersMax bounds the slots whose left-over sessions a node offers at a time.
const offersMax = 8

// offerHeld offers what this node holds outside the highest claims to the acting primaries. Where the claim names this node
// all the same, its primary counts it among the copies until it has evicted it: until then nothing may be dropped.
func (c *Core) offerHeld(now replica.Instant, fx *replica.Effects) {
	under := 0
	for i := range c.slots {
		s := &c.slots[i]
		if s.data.Role() != replica.Holder || c.suspect(now, s.claim.Primary) || s.claim.Holds(c.Self()) {
			continue
		}
		if under++; under > offersMax {
			return
		}
		s.data.OfferNext(now, s.claim.Primary, c.transferID(), fx)
	}
}

// receiveOffer handles both sides of an offer.
func (c *Core) receiveOffer(now replica.Instant, from replica.Boot, m replica.Message, fx *replica.Effects) {
	switch m := m.(type) {
	case *replica.Offer:
		s := c.at(m.Slot)
		if s == nil {
			return
		}
		if c.serving(now, m.Slot) != replica.StatusOK {
			send(fx, from, &replica.OfferReply{Slot: m.Slot, Transfer: m.Transfer, Chunk: m.Chunk, Refused: true})
			return
		}
		s.data.Offer(now, from, m, fx)
	case *replica.OfferReply:
		s := c.at(m.Slot)
		if s == nil || s.claim.Holds(c.Self()) {
			return
		}
		s.data.OfferReply(from, m)
		if s.data.Role() == replica.Holder && !m.Refused && s.claim.Primary == from {
			s.data.OfferNext(now, from, c.transferID(), fx)
		}
	}
}
