package failover_test

import "github.com/sessnode/sessnode/replica"

// lastEntry is the last of a slot's entries that a backup took, and its stamp.
type lastEntry struct {
	seq   uint64
	stamp replica.Stamp
}

// checkSent looks at what a node is about to send.
func (w *world) checkSent(n *simNode, m replica.Message) {
	if u, ok := m.(*replica.Update); ok {
		w.checkStamp(n, u)
		return
	}
	w.checkBytes(n, m)
}

// checkStamp fails unless the stamps of a slot's entries, the tokens of locks among them, rise, under each primary and
// from one to the next. Only requests of clients count: what is merged after a split or expires keeps an older stamp.
func (w *world) checkStamp(n *simNode, u *replica.Update) {
	if !w.countsStamp(u) {
		return
	}
	s, last := u.Entry.Parts[0].Session, &w.check.entries[u.Slot]
	if u.Entry.Seq > last.seq && !last.stamp.Less(s.Touched) && !w.check.lost[u.Slot] {
		w.fail("%s sends entry %d of slot %d under %v; entry %d was under %v", n.name, u.Entry.Seq, u.Slot, s.Touched,
			last.seq, last.stamp)
	}
}

// noteStamp takes note of an entry that a node was sent, if it took it. What reached nobody before its primary was deposed
// never was.
func (w *world) noteStamp(n *simNode, u *replica.Update) {
	claim, last := n.core.Claim(u.Slot), &w.check.entries[u.Slot]
	took := u.Epoch == claim.Epoch && n.core.Position(u.Slot).Seq >= u.Entry.Seq
	if took && w.countsStamp(u) && claim.Same(w.check.highest[u.Slot]) && u.Entry.Seq != last.seq {
		*last = lastEntry{u.Entry.Seq, u.Entry.Parts[0].Session.Touched}
	}
}

// countsStamp reports whether an entry is a client's request.
func (w *world) countsStamp(u *replica.Update) bool {
	return w.check.strict && !u.Entry.Request.IsZero() && len(u.Entry.Parts) > 0 && u.Entry.Parts[0].Session.Ending == replica.Alive
}

// checkReceived fails if a message brought a session back to life that was logged out.
func (w *world) checkReceived(n *simNode, m replica.Message) {
	if u, ok := m.(*replica.Update); ok {
		w.noteStamp(n, u)
	}
	if len(w.check.ended) == 0 {
		return
	}
	switch m := m.(type) {
	case *replica.Update:
		w.checkEnded(n, m.Slot, m.Entry.Parts)
	case *replica.Snapshot:
		w.checkEnded(n, m.Slot, m.Parts)
	case *replica.Offer:
		w.checkEnded(n, m.Slot, m.Parts)
	case *replica.Tail:
		for i := range m.Entries {
			w.checkEnded(n, m.Slot, m.Entries[i].Parts)
		}
	}
}

func (w *world) checkEnded(n *simNode, slot uint32, parts []replica.Part) {
	for i := range parts {
		w.checkDead(n, slot, parts[i].Session.Key)
	}
}

// checkDead fails if a session that was logged out lives on a replica of the highest claim. Elsewhere it may live until
// what is held there was offered and dropped.
func (w *world) checkDead(n *simNode, slot uint32, key replica.Key) {
	seq, ended := w.check.ended[key]
	if !ended || !w.check.intact(slot) || n.core.Position(slot).Seq < seq {
		return
	}
	s := n.core.Newest(slot, key)
	if s == nil || s.Ending != replica.Alive {
		return
	}
	role := n.core.Role(slot)
	if replicates := role == replica.Primary || role == replica.Backup; replicates && n.core.Claim(slot).Same(w.check.highest[slot]) {
		w.fail("%s lives on %s after its logout was acknowledged\n%s", key.ID, n.name, w.describe(slot))
	}
}
