package replica

import "time"

// retransmitAfter is how long a backup may stay behind without progress before entries are sent to it again.
const retransmitAfter = 100 * time.Millisecond

// follower is what a primary knows of one backup or learner.
type follower struct {
	boot  Boot
	acked uint64 // it holds every entry up to this one
	sent  uint64 // sent, and not reported missing, up to this one. Invariant: acked <= sent <= head

	progress time.Duration // Instant.Mono when acked last rose, or when something was first sent that it lacks
	resent   time.Duration // Instant.Mono when entries were last sent again for want of progress
	transfer *transfer     // the snapshot that makes it a copy; nil for a backup
}

// learning reports whether the follower does not count as a copy yet.
func (f *follower) learning() bool { return f.transfer != nil }

// resend sends a follower what it lacks. One whose gap reaches further back than the tail is left alone: it is evicted
// or its transfer fails. Sending again is no progress.
func (s *Slot) resend(now Instant, f *follower, fx *Effects) {
	if f.acked == f.sent {
		f.progress = now.Mono
	}
	f.sent = f.acked
	if f.learning() && !f.transfer.started || !s.tail.joins(f.acked) {
		return
	}
	for _, item := range s.tail.after(f.sent) {
		fx.send(f.boot, s.update(item))
	}
	f.sent = s.tail.head
}

func (s *Slot) update(item *logged) *Update {
	return &Update{Slot: s.num, Epoch: s.claim.Epoch, Committed: s.tail.committed, Entry: item.entry}
}

// replicate sends the newest entry to every follower that is up to date with what was sent.
func (s *Slot) replicate(now Instant, fx *Effects) {
	item := s.tail.items[len(s.tail.items)-1]
	var u *Update
	for _, f := range s.followers {
		if f.learning() && !f.transfer.started || f.sent+1 != item.entry.Seq {
			continue
		}
		if u == nil {
			u = s.update(item)
		}
		if f.acked == f.sent {
			f.progress = now.Mono
		}
		fx.send(f.boot, u)
		f.sent = item.entry.Seq
	}
}

// Ack takes a follower's word for what it holds: completes what was waiting for it and sends again what it lacks.
func (s *Slot) Ack(now Instant, from Boot, a *Ack, fx *Effects) {
	f := s.follower(from)
	if f == nil || s.role != Primary || a.Epoch != s.claim.Epoch || a.Head > s.tail.head {
		return
	}
	if a.Head > f.acked {
		f.acked, f.progress = a.Head, now.Mono
		f.sent = max(f.sent, f.acked)
		s.advance(fx)
	}
	if a.Whole {
		s.makeWhole(f.acked + 1)
	}
	if a.Gap || a.Whole {
		s.resend(now, f, fx)
	}
}

// Resend sends a follower again what it has not acknowledged: the connection was lost, or it refused an update under
// a claim that it had not heard of.
func (s *Slot) Resend(now Instant, to Boot, fx *Effects) {
	if f := s.follower(to); f != nil && s.role == Primary {
		s.resend(now, f, fx)
	}
}

// Stuck lists the claim's backups that have acknowledged nothing for longer than limit though something was sent.
func (s *Slot) Stuck(now Instant, limit time.Duration) []Boot {
	var stuck []Boot
	for _, f := range s.followers {
		if !f.learning() && f.acked < s.tail.head && now.Mono-f.progress > limit {
			stuck = append(stuck, f.boot)
		}
	}
	return stuck
}

func (s *Slot) follower(boot Boot) *follower {
	for _, f := range s.followers {
		if f.boot == boot {
			return f
		}
	}
	return nil
}

// makeWhole replaces the parts of an entry by the whole versions that they made, for a backup that lacks their base.
// Later versions must not travel in their place: they may be pending, and bring no request ids.
func (s *Slot) makeWhole(seq uint64) {
	item := s.tail.at(seq)
	if item == nil || len(item.versions) != len(item.entry.Parts) {
		return
	}
	parts := make([]Part, len(item.versions))
	for i, v := range item.versions {
		parts[i] = Part{Session: v}
	}
	s.tail.rewrite(item, parts)
}

// advance makes visible, and answers, what has become durable enough, and forgets what every follower holds.
func (s *Slot) advance(fx *Effects) {
	if s.tail.opened > 0 {
		s.complete(fx)
	}
	everywhere, backups := s.tail.head, s.tail.head
	for _, f := range s.followers {
		if !f.learning() {
			backups = min(backups, f.acked)
		}
		everywhere = min(everywhere, f.acked)
	}
	s.tail.committed = max(s.tail.committed, backups)
	s.tail.trim(everywhere)
	s.confirmOffers(fx)
}

// complete visits the open entries in order; one is complete when enough backups have it and every earlier entry of the
// same sessions is.
func (s *Slot) complete(fx *Effects) {
	for _, item := range s.tail.items {
		if !item.open {
			continue
		}
		copies := s.copies(item.entry.Seq)
		if copies-1 < min(item.need, s.backups()) || !item.first() {
			continue
		}
		s.reveal(item, copies, fx)
		if s.tail.opened == 0 {
			return
		}
	}
}

// committed answers a commit that made stamp and is on so many nodes.
func (s *Slot) committed(stamp Stamp, copies int, destroys bool) Result {
	res := Result{Stamp: stamp, Copies: copies}
	if copies < s.cfg.MinCopies && !destroys {
		res.Status = StatusNotEnoughCopies
	}
	return res
}

// first reports whether nothing else that is pending lies before the entry on any of its sessions.
func (l *logged) first() bool {
	for _, r := range l.records {
		if r.pending[0] != l.entry.Seq {
			return false
		}
	}
	return true
}

// reveal makes an entry's versions what reads see, and answers who waited for that.
func (s *Slot) reveal(item *logged, copies int, fx *Effects) {
	for i, r := range item.records {
		r.durable = item.versions[i]
		r.pending = r.pending[1:]
		if len(r.pending) == 0 {
			r.pending = nil
		}
	}
	item.open = false
	s.tail.opened--
	if item.expires {
		key := item.entry.Parts[0].Session.Key
		fx.Events = append(fx.Events, Event{Kind: EventExpired, Slot: s.num, Epoch: s.claim.Epoch, Key: key})
	}
	for _, t := range item.waiting {
		fx.done(t, s.committed(item.versions[0].Stamp, copies, item.destroys))
	}
	fx.Done = append(fx.Done, item.after...)
	item.waiting, item.after, item.records = nil, nil, nil
	item.record[0] = nil
}

// copies counts the nodes known to hold an entry.
func (s *Slot) copies(seq uint64) int {
	n := 1
	for _, f := range s.followers {
		if !f.learning() && f.acked >= seq {
			n++
		}
	}
	return n
}

// backups counts the followers that are copies by the claim.
func (s *Slot) backups() int { return len(s.claim.Backups) }
