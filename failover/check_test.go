package failover_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
)

// checks are the invariants that the world holds every step against. What a step cannot have changed is not looked at.
type checks struct {
	// strict: no split is in force, and the last one has healed so far that all agree on who holds what. At most one node
	// serves a slot at a time, nothing acknowledged is missing and stamps rise.
	strict  bool
	served  []servedBy
	known   map[replica.Boot][]replica.Claim // by boot and slot
	highest []replica.Claim                  // by slot, of those that live nodes knew
	lost    []bool                           // by slot: all its replicas were gone at some time
	entries []lastEntry                      // by slot

	effects map[replica.RequestID]effect
	deduped int                    // commits answered from a remembered request
	ended   map[replica.Key]uint64 // logouts that were acknowledged; who has got so far in the log knows
	idle    map[replica.Key]*idleSession
}

// servedBy is the highest claim under which a slot was served, and by whom.
type servedBy struct {
	claim replica.Claim
	by    *simNode
}

// effect is the first acknowledgement of a request.
type effect struct {
	stamp replica.Stamp
	at    time.Duration
}

func newChecks(slots int) checks {
	return checks{
		strict: true, served: make([]servedBy, slots), known: map[replica.Boot][]replica.Claim{},
		highest: make([]replica.Claim, slots), lost: make([]bool, slots), entries: make([]lastEntry, slots),
		effects: map[replica.RequestID]effect{}, ended: map[replica.Key]uint64{}, idle: map[replica.Key]*idleSession{},
	}
}

// beStrict begins anew after a split has healed.
func (w *world) beStrict() {
	c := &w.check
	c.strict = true
	clear(c.served)
	clear(c.highest)
	clear(c.entries)
	for _, name := range w.up() {
		for slot := range uint32(w.cfg.slots) {
			if claim := w.nodes[name].core.Claim(slot); claim.Above(c.highest[slot]) {
				c.highest[slot] = claim
			}
		}
	}
	w.endEverywhere()
}

// endEverywhere takes for granted that by now whoever holds the log of its slot knows of every logout.
func (w *world) endEverywhere() {
	for key := range w.check.ended {
		slot := replica.SlotOf(key.ID, w.cfg.slots)
		if primary := w.boots[w.check.highest[slot].Primary]; primary != nil {
			w.check.ended[key] = primary.core.Position(slot).Seq
		}
	}
}

// intact reports whether nothing excuses the loss of what a slot held.
func (c *checks) intact(slot uint32) bool { return c.strict && !c.lost[slot] }

// answers reports whether a node that gives a status answers for the slot as its primary.
func answers(s replica.Status) bool {
	switch s {
	case replica.StatusOK, replica.StatusNotFound, replica.StatusExpired, replica.StatusDestroyed, replica.StatusExists, replica.StatusChanged:
		return true
	}
	return false
}

// checkDone holds every answer against what other nodes do at the same moment.
func (w *world) checkDone(n *simNode, done []replica.Done) {
	for i := range done {
		r := &done[i].Result
		p := w.requests[done[i].Token]
		if p == nil || !answers(r.Status) {
			continue
		}
		w.fold(uint64(r.Status)<<32 | uint64(r.Copies))
		w.fold(r.Stamp.Clock)
		if !w.heldByNext(n, p, r) {
			w.checkServer(n, p, r)
		}
		w.checkIdle(n, p, r)
		if p.request.Commit != nil && r.Status == replica.StatusOK {
			w.checkCopies(n, p, r)
			if c := p.request.Commit; c.Destroy {
				w.check.ended[c.Key] = n.core.Position(p.slot).Seq
			}
			w.checkOnce(n, p, r)
		}
	}
}

// heldByNext reports whether n acknowledges a commit that its successor took over: all backups had it before one of them
// became primary, and their acknowledgements waited while n stood still. Nothing is wrong with that, nor with what was
// read, or refused, when n was primary and waited for a commit that was pending.
func (w *world) heldByNext(n *simNode, p *pending, r *replica.Result) bool {
	if p.request.Commit == nil || r.Status != replica.StatusOK {
		return p.arrived < w.now
	}
	for _, m := range w.successors(n, p.slot) {
		if m.core.Role(p.slot) == replica.Primary && m.core.Claim(p.slot).Above(n.core.Claim(p.slot)) {
			s := m.core.Newest(p.slot, p.request.Commit.Key)
			return s != nil && !s.Stamp.Less(r.Stamp)
		}
	}
	return false
}

// successors are those who may be primary of a slot after n: any node that runs, and its backups, dead as they may be.
func (w *world) successors(n *simNode, slot uint32) []*simNode {
	var all []*simNode
	for _, name := range w.up() {
		if m := w.nodes[name]; m != n {
			all = append(all, m)
		}
	}
	for _, b := range n.core.Claim(slot).Backups {
		if m := w.boots[b]; m != nil && !m.up {
			all = append(all, m)
		}
	}
	return all
}

// checkServer fails if a slot is answered for by two, or by one who was deposed.
func (w *world) checkServer(n *simNode, p *pending, r *replica.Result) {
	slot := p.slot
	claim, last := n.core.Claim(slot), &w.check.served[slot]
	if w.check.strict {
		if last.by != nil && last.by != n && last.claim.Above(claim) && w.isKnown(last.claim) {
			w.fail("%s serves slot %d under %v; %s served it under %v: %s", n.name, slot, brief(claim),
				w.nameOf(last.by.self.Boot), brief(last.claim), show(p, r))
		}
		for _, name := range w.up() {
			if m := w.nodes[name]; m != n && !m.paused && w.serves(m, slot) {
				w.fail("%s and %s serve slot %d under %v and %v: %s", n.name, name, slot, brief(claim),
					brief(m.core.Claim(slot)), show(p, r))
			}
		}
	}
	if last.by == nil || !last.claim.Above(claim) {
		*last = servedBy{claim, n}
	}
}

// isKnown reports whether a node that runs knows a claim, or a higher one. One that nobody knows any more, because all who
// did are dead or stand still, deposes nobody.
func (w *world) isKnown(claim replica.Claim) bool {
	return slices.ContainsFunc(w.up(), func(name string) bool {
		n := w.nodes[name]
		return !n.paused && !claim.Above(n.core.Claim(claim.Slot))
	})
}

func show(p *pending, r *replica.Result) string {
	return fmt.Sprintf("%+v %+v: %+v", p.request.Load, p.request.Commit, *r)
}

func brief(c replica.Claim) string {
	return fmt.Sprintf("e%d/%d by %v+%v seen %d", c.Epoch, len(c.Emptied), c.Primary, c.Backups, c.Seen)
}

// serves reports whether a node would answer a read of the slot at this moment.
func (w *world) serves(n *simNode, slot uint32) bool {
	return n.core.Serves(n.instant(w.now), slot)
}

// checkCopies counts who holds an acknowledged commit: nodes that run, and replicas that died since they took it, whose
// memory is here as they left it.
func (w *world) checkCopies(n *simNode, p *pending, r *replica.Result) {
	c := p.request.Commit
	if c.Touch() {
		return
	}
	holders := 0
	for _, name := range w.up() {
		if holds(w.nodes[name].core.Newest(p.slot, c.Key), c, r.Stamp) {
			holders++
		}
	}
	for _, b := range n.core.Claim(p.slot).Backups {
		if m := w.boots[b]; m != nil && !m.up && holds(m.core.Newest(p.slot, c.Key), c, r.Stamp) {
			holders++
		}
	}
	if holders < r.Copies && w.check.strict {
		w.fail("%s acknowledges %d copies of %s; %d hold it\n%s", n.name, r.Copies, show(p, r), holders, w.describe(p.slot))
	}
}

// holds reports whether a version has what a commit set under a stamp.
func holds(s *replica.Session, c *replica.Commit, stamp replica.Stamp) bool {
	switch {
	case s == nil || s.Stamp.Less(stamp):
		return false
	case s.Ending != replica.Alive || c.Destroy:
		return s.Ending != replica.Alive
	}
	for _, ch := range c.Changes {
		i := slices.IndexFunc(s.Attrs, func(a *replica.Attr) bool { return a.Name == ch.Name })
		if i < 0 || s.Attrs[i].Stamp.Less(stamp) {
			return false
		}
	}
	return true
}

// checkOnce fails if a request took effect twice, and counts those answered from memory.
func (w *world) checkOnce(n *simNode, p *pending, r *replica.Result) {
	c := p.request.Commit
	if c.Request.IsZero() {
		return
	}
	first, again := w.check.effects[c.Request]
	switch {
	case !again:
		w.check.effects[c.Request] = effect{r.Stamp, w.now}
	case first.stamp != r.Stamp && w.check.intact(p.slot) && w.suffered["split"] == 0 && !c.Destroy && !c.Touch():
		w.fail("%s: a request took effect at %v and, under %v, again: %s", n.name, first.at-began, first.stamp, show(p, r))
	case p.arrived > first.at:
		w.check.deduped++
	}
}

// checkFull fails if a node issued a claim with too few copies, or one that names a node without a whole copy.
func (w *world) checkFull(n *simNode, changed []replica.Claim) {
	if w.full == 0 {
		return
	}
	for _, claim := range changed {
		if claim.Primary != n.self.Boot {
			continue
		}
		copies := 0
		for _, b := range claim.Replicas() {
			if m := w.boots[b]; m != nil && m.up && m.core.Copies(claim.Slot) {
				copies++
			}
		}
		if copies < w.full {
			w.fail("slot %d has %d copies under %s, want %d", claim.Slot, copies, brief(claim), w.full)
		}
	}
}

// checkEvent takes note of what excuses losses, and fails on what nothing does.
func (w *world) checkEvent(n *simNode, e replica.Event) {
	switch e.Kind {
	case failover.EventLost, failover.EventRevived:
		w.check.lost[e.Slot] = true
	case failover.EventClaimed:
		w.checkBirth(e.Slot)
	case replica.EventExpired:
		w.checkExpired(n, e)
	}
}

// checkBirth takes note of a slot being claimed for the first time once more: whoever knew of it is dead or stands still.
func (w *world) checkBirth(slot uint32) {
	if w.check.highest[slot].IsZero() {
		return
	}
	w.check.lost[slot] = true
	w.check.highest[slot] = replica.Claim{}
	for _, name := range w.up() {
		n := w.nodes[name]
		claim := n.core.Claim(slot)
		switch {
		case n.paused && !claim.IsZero():
			w.beSplit("who knew of slot %d stands still, and newcomers claim it", slot)
		case claim.Above(w.check.highest[slot]):
			w.check.highest[slot] = claim
		}
	}
	if w.check.served[slot].claim.Above(w.check.highest[slot]) {
		w.check.served[slot] = servedBy{}
	}
}

// checkLoss takes note of what dies with a node. Within a split it may be what nobody else has; outside, only if it is the
// last replica, or the last that holds the end of the log, where commits may be that one backup was enough for.
func (w *world) checkLoss(n *simNode) {
	for slot := range uint32(w.cfg.slots) {
		claim := w.check.highest[slot]
		end := uint64(0)
		if w.cfg.lossy && claim.Holds(n.self.Boot) {
			end = n.core.Position(slot).Seq
		}
		survives := slices.ContainsFunc(claim.Replicas(), func(b replica.Boot) bool {
			return w.boots[b] != nil && w.boots[b].up && w.boots[b].core.Position(slot).Seq >= end
		})
		if n.core.Role(slot) != replica.Absent && (!w.check.strict || !survives) {
			w.check.lost[slot] = true
		}
	}
}
