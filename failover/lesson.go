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
	why     cause
}

// lessonStuck is how long a learner may leave a chunk unanswered, or show no progress after the last one, before it is
// given up.
const lessonStuck = 3 * time.Second

// beginLesson begins to fill a learner, unless those that are being filled use up the byte budget: to fill a few at a
// time keeps the log that they need short.
func (c *Core) beginLesson(now replica.Instant, a action) {
	if a.why >= c.starved || !c.budget.ready(now) {
		c.holdBack(a.why, heldByBudget)
		return
	}
	data := c.slots[a.slot].data
	if a.why == forHome {
		data.TeachMove(now, a.peer, c.transferID())
	} else {
		data.Teach(now, a.peer, c.transferID())
	}
	after := slices.IndexFunc(c.lessons, func(l lesson) bool { return l.why > a.why })
	if after < 0 {
		after = len(c.lessons)
	}
	c.lessons = slices.Insert(c.lessons, after, lesson{a.slot, a.peer, a.why})
}

// transferID names a transfer or offer: unlike any other of this boot, and hardly like one of another.
func (c *Core) transferID() uint64 {
	c.transfers++
	return uint64(c.Self())&^0xffffffff | c.transfers&0xffffffff
}

// tickLessons makes learners that hold everything backups, gives up those that are gone, and sends what is due to the
// others.
func (c *Core) tickLessons(now replica.Instant, fx *replica.Effects) {
	var issued []replica.Claim
	c.lessons = slices.DeleteFunc(c.lessons, func(l lesson) bool {
		s := &c.slots[l.slot]
		state, going := s.data.Learner(l.learner)
		still := now.Mono-state.Progress > lessonStuck
		switch {
		case !going || s.data.Role() != replica.Primary:
			s.rest = now.Mono + c.jitter(c.cfg.Lease)
			return true
		case c.suspect(now, l.learner): // who is heard again is as good as before
			s.data.Unteach(l.learner, fx)
			s.rest = now.Mono + c.jitter(c.cfg.Lease)
			return true
		case still && !state.Due:
			s.data.Unteach(l.learner, fx)
			s.rest = now.Mono + c.jitter(c.cfg.Lease)
			c.passOver(now, l.learner, 2*lessonStuck)
			return true
		case state.Ready && s.round == 0 && c.leased(now, s.claim) && !s.promise.holds(now):
			issued = append(issued, c.graduate(now, s, l.learner, fx))
			return true
		case still: // for want of budget; the learner would think that it was forgotten
			c.budget.spend(now, s.data.Assure(now, l.learner, fx))
		}
		return false
	})
	if len(issued) > 0 {
		c.sendAll(fx, &replica.Claims{Claims: issued})
	}
	c.sendChunks(now, fx)
}

// sendChunks sends the chunks that are due as far as the byte budget goes, the most urgent first.
func (c *Core) sendChunks(now replica.Instant, fx *replica.Effects) {
	c.starved = causes
	for _, l := range c.lessons {
		data := c.slots[l.slot].data
		if !data.ChunkDue(now, l.learner) {
			continue
		}
		if !c.budget.ready(now) {
			c.starved = l.why
			c.holdBack(l.why, heldByBudget)
			return
		}
		c.budget.spend(now, data.SendChunk(now, l.learner, fx))
	}
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
		if s.claim.Primary != from || c.declines(s, m) {
			send(fx, from, &replica.SnapshotReply{Slot: m.Slot, Transfer: m.Transfer, Chunk: m.Chunk, Refused: true})
			return
		}
		s.taught, s.moving = now.Mono, m.Move
		s.data.Snapshot(now, from, s.claim, m, fx)
	case *replica.SnapshotReply:
		if s := c.at(m.Slot); s != nil {
			s.data.SnapshotReply(now, from, m, fx)
			if m.Refused {
				c.turnedDown(now, m.Slot, from)
			}
			c.sendChunks(now, fx)
		}
	}
}

// declines reports whether this node takes no such transfer: it drains, is short of memory, or is being filled with as many slots as it
// takes at a time.
func (c *Core) declines(s *slot, m *replica.Snapshot) bool {
	learner := s.data.Role() == replica.Learner
	switch {
	case !c.takesIn():
		if learner {
			s.data.Drop()
		}
		return true
	case m.Chunk > 0:
		return false
	case !learner && c.learning(false) >= c.cfg.TransfersMax:
		return true
	}
	return m.Move && !(learner && s.moving) && c.learning(true) >= c.cfg.MovesMax
}

// turnedDown gives others their turn when a learner refused what it was sent: other slots with the same learner as soon
// as it may have room, and the slot with another one.
func (c *Core) turnedDown(now replica.Instant, slot uint32, learner replica.Boot) {
	s := &c.slots[slot]
	if _, going := s.data.Learner(learner); going {
		return // it refused something older
	}
	c.lessons = slices.DeleteFunc(c.lessons, func(l lesson) bool {
		if l.slot != slot || l.learner != learner {
			return false
		}
		c.passOver(now, learner, c.jitter(c.cfg.Lease))
		s.rest = now.Mono + 2*c.cfg.Lease
		return true
	})
}

// watchLearner drops what was learnt when nothing comes any more: the teacher has given up and nobody told.
func (c *Core) watchLearner(now replica.Instant, s *slot) {
	if s.data.Role() == replica.Learner && now.Mono-s.taught > 2*lessonStuck {
		s.data.Drop()
	}
}

// learning counts the slots that this node is being filled with, or is full of and no copy yet; or those of them that only
// move.
func (c *Core) learning(onlyMoves bool) int {
	n := 0
	for i := range c.slots {
		s := &c.slots[i]
		if s.data.Role() == replica.Learner && (s.moving || !onlyMoves) {
			n++
		}
	}
	return n
}
