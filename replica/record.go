package replica

import "time"

// record is what a slot keeps for one key. One whose session nobody uses holds it packed and nothing else of it; waking
// it unpacks the session, and some time later it rests again, see rest.go.
type record struct {
	*versions        // nil while the record rests: wake comes before its fields are read
	rest      packed // of a record that rests, its session; else empty

	accessed time.Duration // Instant.Mono of the last access; Invariant: accessed >= newest.Accessed
	due      time.Duration // Instant.Mono at which the record is looked at again; see expiryHeap
	index    int32         // place in the expiryHeap, -1 when in none
	charged  int32         // bytes that it is counted for, negative for a session that lives; see Slot.charge
}

// versions is the session of a record that is in use.
type versions struct {
	durable *Session  // what reads see; nil while the creation is pending
	newest  *Session  // what the next commit is applied to; durable when nothing is pending
	pending []uint64  // sequence numbers of the entries that lie between durable and newest, in order
	one     [1]uint64 // room for what most have pending

	used   time.Duration // Slot.ticked when the record was last woken or found awake
	stays  time.Duration // how long it stays awake unused
	queued time.Duration // Slot.ticked when it entered Slot.awake, or was left there

	name keyRoom // the key; where the versions have it too, they do not keep the block that they were unpacked from
}

// live reports whether s is a session that a commit may change.
func live(s *Session) bool { return s != nil && s.Ending == Alive }

// key is the key of the session.
func (r *record) key() Key {
	if r.versions == nil {
		return r.rest.key()
	}
	if key, ok := r.name.key(); ok { // as nearly always; it lies nearer
		return key
	}
	return r.newest.Key
}

func (r *record) named(key Key) bool { return r.key() == key }

// open reports whether something is pending.
func (r *record) open() bool { return r.versions != nil && len(r.pending) > 0 }

// await adds an entry to what is pending.
func (r *record) await(seq uint64) {
	if len(r.pending) == 0 {
		r.pending = r.one[:0]
	}
	r.pending = append(r.pending, seq)
}

// view is the newest version, whether the record rests or not. It does not wake the record.
func (r *record) view() *Session { return r.viewIn(&Session{}) }

// viewIn is view, with what must be unpacked in the space of another view that is not needed any more.
func (r *record) viewIn(space *Session) *Session {
	if r.versions != nil {
		return r.newest
	}
	r.rest.unpack(space, space.Attrs[:0])
	return space
}

// shownIn is what reads see, nil while the creation is pending; see viewIn.
func (r *record) shownIn(space *Session) *Session {
	if r.versions != nil {
		return r.durable
	}
	return r.viewIn(space)
}

// settle makes everything that is known of the record visible; a replica that does not serve has nothing pending.
func (r *record) settle(s *Session) {
	r.durable, r.newest = s, s
	r.accessed = max(r.accessed, s.Accessed)
}

// whole is the newest version with the last access in it, as another replica needs it.
func (r *record) whole() *Session {
	v := r.view()
	if v.Accessed >= r.accessed {
		return v
	}
	s := *v
	s.Accessed = r.accessed
	return &s
}

// touchInterval is by how much the expiry of a session with the given idle time-out is put off, because accesses within
// it are answered before they are replicated. Halfway through they are.
func (l *Limits) touchInterval(idle time.Duration) time.Duration { return min(l.TouchInterval, idle/4) }

// ends is the moment after which the session, whose newest version is v, is over by its settings: idle time-outs by the
// monotonic clock, the absolute deadline by the time of day.
func (r *record) ends(v *Session, now Instant, l *Limits) time.Duration {
	set := &v.Settings
	end := now.at(set.Deadline)
	if set.Idle > 0 && set.Idle < forever {
		end = min(end, r.accessed+set.Idle+l.touchInterval(set.Idle))
	}
	return end
}

// forgotten is the moment at which the record of an ended session may go.
func (s *Session) forgotten(now Instant) time.Duration { return now.at(s.Until) }
