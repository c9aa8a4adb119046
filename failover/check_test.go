package failover_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// checks are the invariants that the world holds every step against.
type checks struct {
	// strict: no split was made, so at most one node serves a slot at a time.
	strict bool
	served []servedBy
	known  map[replica.Boot][]replica.Claim
}

// servedBy is the highest claim under which a slot was served, and by whom.
type servedBy struct {
	claim replica.Claim
	by    *simNode
}

func newChecks(slots int) checks {
	return checks{strict: true, served: make([]servedBy, slots), known: map[replica.Boot][]replica.Claim{}}
}

// answers are the statuses with which a node answers for a slot as its primary.
var answers = []replica.Status{
	replica.StatusOK, replica.StatusNotFound, replica.StatusDestroyed, replica.StatusExists, replica.StatusChanged,
}

// checkDone holds every answer against what other nodes do at the same moment.
func (w *world) checkDone(n *simNode, done []replica.Done) {
	for _, d := range done {
		p := w.requests[d.Token]
		if p == nil || !slices.Contains(answers, d.Result.Status) {
			continue
		}
		if !w.heldByNext(n, p, d.Result) {
			w.checkServer(n, p.slot, fmt.Sprintf("%+v %+v: %+v", p.request.Load, p.request.Commit, d.Result))
		}
		if p.request.Commit != nil && d.Result.Status == replica.StatusOK {
			w.checkCopies(n, p, d.Result)
		}
	}
}

// heldByNext reports whether n acknowledges a commit that its successor took over: all backups had it before one of them
// became primary, and their acknowledgements waited while n stood still. Nothing is wrong with that.
func (w *world) heldByNext(n *simNode, p *pending, r replica.Result) bool {
	if p.request.Commit == nil || r.Status != replica.StatusOK {
		return p.request.Commit != nil && p.arrived < w.now // refused because of a commit that was pending until now
	}
	for _, name := range w.up() {
		m := w.nodes[name]
		if m == n || !m.core.Claim(p.slot).Above(n.core.Claim(p.slot)) || m.core.Role(p.slot) != replica.Primary {
			continue
		}
		s := m.core.Versions(p.slot)[p.request.Commit.Key]
		return s != nil && !s.Stamp.Less(r.Stamp)
	}
	return false
}

// checkServer fails if a slot is answered for by two, or by one who was deposed.
func (w *world) checkServer(n *simNode, slot uint32, what string) {
	claim, last := n.core.Claim(slot), &w.check.served[slot]
	if w.check.strict {
		if last.by != nil && last.by != n && last.claim.Above(claim) {
			w.fail("%s serves slot %d under %v; %s served it under %v: %s", n.name, slot, brief(claim), w.nameOf(last.by.self.Boot), brief(last.claim), what)
		}
		for _, name := range w.up() {
			if m := w.nodes[name]; m != n && !m.paused && m.serves(slot, w.now) {
				w.fail("%s and %s serve slot %d under %v and %v: %s", n.name, name, slot, brief(claim), brief(m.core.Claim(slot)), what)
			}
		}
	}
	if last.by == nil || !last.claim.Above(claim) {
		*last = servedBy{claim, n}
	}
}

func brief(c replica.Claim) string {
	return fmt.Sprintf("e%d/%d by %v+%v seen %d", c.Epoch, len(c.Emptied), c.Primary, c.Backups, c.Seen)
}

// serves reports whether a node would answer a read of the slot at this moment.
func (n *simNode) serves(slot uint32, now time.Duration) bool {
	return n.core.Serves(n.instant(now), slot)
}

// checkCopies counts who holds an acknowledged commit.
func (w *world) checkCopies(n *simNode, p *pending, r replica.Result) {
	c := p.request.Commit
	if c.Touch() {
		return
	}
	var holders []string
	for _, name := range w.up() {
		if s := w.nodes[name].core.Versions(p.slot)[c.Key]; s != nil && !s.Stamp.Less(r.Stamp) {
			holders = append(holders, name)
		}
	}
	// A copy may have died since it acknowledged, or have moved on after it.
	dead := 0
	for _, b := range n.core.Claim(p.slot).Replicas() {
		if m := w.boots[b]; m != nil && (!m.up || w.nodes[m.name] != m) {
			dead++
		}
	}
	if len(holders)+dead < r.Copies && w.check.strict {
		w.fail("%s acknowledges %d copies of %s; %v hold it", n.name, r.Copies, c.Key.ID, holders)
	}
}

// checkClaims holds what a node knows after a step against what it knew before, once in a while.
func (w *world) checkClaims(n *simNode) {
	if w.rng.IntN(16) != 0 {
		return
	}
	known := w.check.known[n.self.Boot]
	if known == nil {
		known = make([]replica.Claim, w.cfg.slots)
		w.check.known[n.self.Boot] = known
	}
	for slot := range uint32(w.cfg.slots) {
		claim := n.core.Claim(slot)
		if known[slot].Above(claim) && claim.Primary != n.self.Boot { // who claims a lost slot knows a claim above
			w.fail("%s forgot %v of slot %d for %v", n.name, brief(known[slot]), slot, brief(claim))
		}
		if w.check.strict && claim.Epoch < known[slot].Epoch {
			w.fail("%s: slot %d falls from epoch %d to %d", n.name, slot, known[slot].Epoch, claim.Epoch)
		}
		known[slot] = claim
		role, mine := n.core.Role(slot), claim.Primary == n.self.Boot
		if (role == replica.Primary) != mine && !n.left {
			w.fail("%s plays role %d in slot %d under %v", n.name, role, slot, brief(claim))
		}
		if role == replica.Backup && !claim.Holds(n.self.Boot) {
			w.fail("%s is backup of slot %d under %v", n.name, slot, brief(claim))
		}
	}
}

// checkFull fails if a node issued a claim with too few copies, or one that names a node without a whole copy.
func (w *world) checkFull(n *simNode) {
	for _, claim := range n.core.TakeChanged() {
		if w.full == 0 || claim.Primary != n.self.Boot {
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

// sample checks what holds at any moment.
func (w *world) sample() {
	limit := w.cfg.transfers
	if limit == 0 {
		limit = 64
	}
	moves := w.cfg.moves
	if moves == 0 {
		moves = 8
	}
	for _, name := range w.up() {
		n := w.nodes[name]
		if got := max(n.core.Lessons(), n.core.Learning()); got > limit {
			w.fail("%s has %d transfers under way, limit %d", name, got, limit)
		}
		if got := max(n.core.Moving(), n.core.LearningMoves()); got > moves {
			w.fail("%s has %d moves under way, limit %d", name, got, moves)
		}
	}
	if !w.check.strict {
		return
	}
	for slot := range uint32(w.cfg.slots) {
		first := ""
		for _, name := range w.up() {
			if n := w.nodes[name]; !n.paused && n.serves(slot, w.now) {
				if first != "" {
					w.fail("%s and %s serve slot %d under %v and %v", first, name, slot,
						brief(w.nodes[first].core.Claim(slot)), brief(n.core.Claim(slot)))
				}
				first = name
			}
		}
	}
}

// settled fails the test unless within some time every slot has all its copies, all nodes agree and nothing is under
// way.
func (w *world) settled(within time.Duration) {
	w.t.Helper()
	deadline := w.now + within
	for why := w.unsettled(); why != ""; why = w.unsettled() {
		if w.now > deadline {
			w.fail("not settled: %s", why)
		}
		w.run(20 * time.Millisecond)
	}
}

func (w *world) unsettled() string {
	up := w.up()
	want := w.wanted()
	first := w.nodes[up[0]].core
	for slot := range uint32(w.cfg.slots) {
		claim := first.Claim(slot)
		if got := len(claim.Backups) + 1; claim.IsZero() || got < want {
			return fmt.Sprintf("slot %d has %d copies, want %d:\n%s", slot, got, want, w.describe(slot))
		}
		for _, name := range up {
			if why := w.misfit(name, slot, claim); why != "" {
				return fmt.Sprintf("slot %d: %s %s:\n%s", slot, name, why, w.describe(slot))
			}
		}
		for _, b := range claim.Replicas() {
			if n := w.boots[b]; !n.up || w.nodes[n.name] != n {
				return fmt.Sprintf("slot %d has the dead replica %v", slot, b)
			}
		}
	}
	return ""
}

// wanted is how many copies a slot should have: nodes that drain do not count, unless there are no others.
func (w *world) wanted() int {
	takers := len(slices.DeleteFunc(w.up(), func(name string) bool { return w.nodes[name].self.Draining }))
	return 1 + min(w.cfg.backups, max(takers-1, 0))
}

// misfit says how a node differs from what a slot's claim makes of it.
func (w *world) misfit(name string, slot uint32, claim replica.Claim) string {
	n := w.nodes[name]
	want := replica.Absent
	switch {
	case claim.Primary == n.self.Boot:
		want = replica.Primary
		if !n.serves(slot, w.now) && !n.paused {
			return "does not serve"
		}
	case claim.Holds(n.self.Boot):
		want = replica.Backup
	}
	if got := n.core.Claim(slot); !got.Same(claim) || !slices.Equal(got.Backups, claim.Backups) {
		return "knows " + brief(got) + " instead of " + brief(claim)
	}
	if got := n.core.Role(slot); got != want {
		return fmt.Sprintf("plays role %d instead of %d", got, want)
	}
	return ""
}

func (w *world) describe(slot uint32) string {
	s := ""
	for _, name := range w.up() {
		s += fmt.Sprintf("\t%s#%v: %s\n", name, w.nodes[name].self.Boot, w.nodes[name].core.Describe(slot))
	}
	return s
}

// equal fails the test unless the replicas of every slot hold the same. Nothing may be under way.
func (w *world) equal() {
	w.t.Helper()
	for _, name := range w.up() {
		if n := w.nodes[name].core.Rounds(); n > 0 {
			w.fail("%s has %d rounds under way", name, n)
		}
	}
	for slot := range uint32(w.cfg.slots) {
		claim := w.nodes[w.up()[0]].core.Claim(slot)
		primary := w.boots[claim.Primary]
		want := contents(primary, slot)
		for _, b := range claim.Backups {
			if got := contents(w.boots[b], slot); got != want {
				w.fail("slot %d: %s holds\n%s%s holds\n%s%s", slot, primary.name, want, w.nameOf(b), got, w.describe(slot))
			}
			if got, want := w.boots[b].core.Position(slot).Seq, primary.core.Position(slot).Seq; got != want {
				w.fail("slot %d: %s is at %d, %s at %d", slot, primary.name, want, w.nameOf(b), got)
			}
		}
	}
}

// contents is every session of a slot as text, without what may differ between copies.
func contents(n *simNode, slot uint32) string {
	var lines []string
	for key, s := range n.core.Versions(slot) {
		line := fmt.Sprintf("\t%s %v ending %d", key.ID, s.Stamp, s.Ending)
		for _, a := range s.Attrs {
			line += fmt.Sprintf(" %s=%s@%x", a.Name, a.Value, a.Stamp.Clock)
		}
		lines = append(lines, line+"\n")
	}
	slices.Sort(lines)
	return fmt.Sprint(lines)
}
