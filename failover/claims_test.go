package failover_test

import (
	"fmt"

	"github.com/sessnode/sessnode/replica"
)

// checkClaims holds the claims that a node learned in a step against those that it knew: they never fall.
func (w *world) checkClaims(n *simNode) {
	changed := n.core.TakeAllChanged()
	if len(changed) == 0 {
		return
	}
	known := w.check.known[n.self.Boot]
	if known == nil {
		known = make([]replica.Claim, w.cfg.slots)
		w.check.known[n.self.Boot] = known
	}
	w.checkFull(n, changed)
	for _, claim := range changed {
		slot := claim.Slot
		w.fold(claim.Fingerprint())
		if known[slot].Above(claim) {
			w.fail("%s forgot %v of slot %d for %v", n.name, brief(known[slot]), slot, brief(claim))
		}
		if w.check.intact(slot) && claim.Epoch < known[slot].Epoch {
			w.fail("%s: slot %d falls from epoch %d to %d", n.name, slot, known[slot].Epoch, claim.Epoch)
		}
		known[slot] = claim
		if claim.Above(w.check.highest[slot]) {
			w.check.highest[slot] = claim
		}
		w.checkRole(n, slot)
	}
}

// checkRole holds what a node does for a slot against the claim that it knows.
func (w *world) checkRole(n *simNode, slot uint32) {
	claim, role := n.core.Claim(slot), n.core.Role(slot)
	if mine := claim.Primary == n.self.Boot; (role == replica.Primary) != mine && !n.left {
		w.fail("%s plays role %d in slot %d under %v", n.name, role, slot, brief(claim))
	}
	if role == replica.Backup && !claim.Holds(n.self.Boot) {
		w.fail("%s is backup of slot %d under %v", n.name, slot, brief(claim))
	}
	if known := w.check.known[n.self.Boot]; known != nil && !known[slot].Same(claim) {
		w.fail("%s changed %v of slot %d to %v and says so to nobody", n.name, brief(known[slot]), slot, brief(claim))
	}
}

// sample checks what holds at any moment and what no single step breaks; the roles of an eighth of the slots at a time.
func (w *world) sample() {
	w.judgeSplit()
	for _, name := range w.up() {
		n := w.nodes[name]
		w.checkBudgets(n)
		for slot := uint32(w.samples % 8); slot < uint32(w.cfg.slots); slot += 8 {
			w.checkRole(n, slot)
		}
	}
	if w.samples++; !w.check.strict {
		return
	}
	for slot := range uint32(w.cfg.slots) {
		var first *simNode
		for _, name := range w.up() {
			n := w.nodes[name]
			if n.paused || !w.serves(n, slot) {
				continue
			}
			if first != nil {
				w.fail("%s and %s serve slot %d under %v and %v", first.name, name, slot, brief(first.core.Claim(slot)),
					brief(n.core.Claim(slot)))
			}
			first = n
		}
	}
}

// checkBudgets fails if a node moves more at a time than it may.
func (w *world) checkBudgets(n *simNode) {
	transfers, moves := n.core.Limits()
	if got := max(n.core.Lessons(), n.core.Learning()); got > transfers {
		w.fail("%s has %d transfers under way, limit %d", n.name, got, transfers)
	}
	if got := max(n.core.Moving(), n.core.LearningMoves()); got > moves {
		w.fail("%s is moving %d slots, limit %d", n.name, got, moves)
	}
}

// checkBytes fails if a node has sent more of sessions to learners and acting primaries within a second of its clock than
// its configuration allows. It is called for every message sent.
func (w *world) checkBytes(n *simNode, m replica.Message) {
	limit := n.core.BytesPerSecond()
	size := 0
	switch m := m.(type) {
	case *replica.Snapshot:
		size = sizeOf(m.Parts)
	case *replica.Offer:
		size = sizeOf(m.Parts)
	}
	if size == 0 {
		return
	}
	if second := w.now.Truncate(1e9); n.second != second {
		n.second, n.secondBytes = second, 0
	}
	// A tenth may be saved up. A session larger than what is left goes whole, and the debt is paid before the next.
	if n.secondBytes > limit+limit/5 {
		w.fail("%s sends more after %d bytes of sessions within a second, limit %d", n.name, n.secondBytes, limit)
	}
	n.secondBytes += size
}

// sizeOf is what parts count for in a byte budget, roughly.
func sizeOf(parts []replica.Part) int {
	n := 0
	for _, p := range parts {
		_, bytes := p.Session.Live()
		n += bytes + len(p.Session.Key.ID)
	}
	return n
}

// describe shows what every node knows of a slot.
func (w *world) describe(slot uint32) string {
	s := ""
	for _, name := range w.up() {
		s += fmt.Sprintf("\t%s#%v: %s\n", name, w.nodes[name].self.Boot, w.nodes[name].core.Describe(slot))
	}
	return s
}
