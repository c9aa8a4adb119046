package replica

import "time"

// record is what a slot keeps for one key.
type record struct {
	key     Key
	durable *Session // what reads see; nil while the creation is pending
	newest  *Session // what the next commit is applied to; durable when nothing is pending
	pending []uint64 // sequence numbers of the entries that lie between durable and newest, in order

	accessed time.Duration // Instant.Mono of the last access; Invariant: accessed >= newest.Accessed
	logged   bool          // of a learner: it came whole by the log, so that a snapshot has nothing to add

	charged int  // bytes that it is counted for, see Slot.charge
	lives   bool // it is counted as a session

	due   time.Duration // Instant.Mono at which the record is looked at again; see expiryHeap
	index int           // place in the expiryHeap, -1 when in none
}

// live reports whether s is a session that a commit may change.
func live(s *Session) bool { return s != nil && s.Ending == Alive }

// settle makes everything that is known of the record visible; a replica that does not serve has nothing pending.
func (r *record) settle(s *Session) {
	r.durable, r.newest = s, s
	r.accessed = max(r.accessed, s.Accessed)
}

// whole is the newest version with the last access in it, as another replica needs it.
func (r *record) whole() *Session {
	if r.newest.Accessed >= r.accessed {
		return r.newest
	}
	s := *r.newest
	s.Accessed = r.accessed
	return &s
}

// touchInterval is by how much the expiry of a session with the given idle time-out is put off, because accesses within
// it are answered before they are replicated. Halfway through they are.
func (l *Limits) touchInterval(idle time.Duration) time.Duration { return min(l.TouchInterval, idle/4) }

// ends is the moment after which the session is over by its settings: idle time-outs by the monotonic clock, the
// absolute deadline by the time of day.
func (r *record) ends(now Instant, l *Limits) time.Duration {
	set := r.newest.Settings
	end := now.at(set.Deadline)
	if set.Idle > 0 && set.Idle < forever {
		end = min(end, r.accessed+set.Idle+l.touchInterval(set.Idle))
	}
	return end
}

// forgotten is the moment at which an ended session's record may go.
func (r *record) forgotten(now Instant) time.Duration {
	return now.at(r.newest.Until)
}
