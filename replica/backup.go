package replica

import "time"

// wantAgain is how long a backup waits for what it asked for before it asks again.
const wantAgain = 50 * time.Millisecond

// Update takes one entry from the primary, in order. The caller has checked that it came under the highest claim known.
// FlushAck sends the acknowledgement, of many entries at once.
func (s *Slot) Update(now Instant, u *Update) {
	if s.role != Backup && s.role != Learner {
		return
	}
	if s.role == Learner && !s.intake.started {
		return // entries are sent again once the first chunk is answered
	}
	if !u.Entry.sound() {
		return // unanswered, as every entry after it: the primary will do without this replica
	}
	switch {
	case u.Entry.Seq <= s.tail.head:
		s.ackDue = true // sent again; the acknowledgement was lost or is under way
	case u.Entry.Seq > s.tail.head+1:
		s.want(now, Ack{Gap: true})
	case s.lacksBase(&u.Entry):
		s.want(now, Ack{Whole: true})
	default:
		s.apply(now, u.Entry)
		s.ackDue = true
		s.wants, s.wantDue = Ack{}, false
	}
	s.position = u.Epoch
	s.tail.committed = max(s.tail.committed, min(u.Committed, s.tail.head))
	s.tail.trim(s.tail.committed)
}

// want asks the primary for something, once, until it comes or some time has passed.
func (s *Slot) want(now Instant, a Ack) {
	a.Head = s.tail.head + 1
	if s.wants == a && now.Mono-s.wantedAt < wantAgain {
		return
	}
	s.wants, s.wantedAt, s.wantDue, s.ackDue = a, now.Mono, true, true
}

// FlushAck tells the primary how far this replica is, if there is news.
func (s *Slot) FlushAck(fx *Effects) {
	if !s.ackDue {
		return
	}
	a := &Ack{Slot: s.num, Epoch: s.claim.Epoch, Head: s.tail.head}
	if s.wantDue {
		a.Gap, a.Whole = s.wants.Gap, s.wants.Whole
	}
	s.ackDue, s.wantDue = false, false
	fx.send(s.claim.Primary, a)
}

// lacksBase reports whether a part was made for a version that this replica does not have. A learner still being filled
// gets the rest with the snapshot.
func (s *Slot) lacksBase(e *Entry) bool {
	if s.role == Learner && !s.intake.complete {
		return false
	}
	for i := range e.Parts {
		p := &e.Parts[i]
		if p.Base.IsZero() {
			continue
		}
		r := s.lookup(p.Session.Key)
		if r == nil || r.newest.Ending == Alive && r.newest.Stamp.Less(p.Base) {
			return true
		}
	}
	return false
}

// apply takes the next entry of the log.
func (s *Slot) apply(now Instant, e Entry) {
	item := &logged{entry: e, sizeBytes: e.size()}
	item.versions = item.version[:0]
	over := s.overwritten(now, &e)
	records := item.record[:0]
	for i := range e.Parts {
		p := &e.Parts[i]
		r := s.merge(now, p)
		if s.role == Learner && p.Base.IsZero() {
			s.intake.log(r)
		}
		item.versions, records = append(item.versions, r.newest), append(records, r)
	}
	if s.role == Learner && !s.intake.complete {
		item.versions = nil // they may lack what the snapshot has yet to bring
	}
	s.rememberAll(&e, records, over)
	item.record[0] = nil
	s.tail.append(item)
}

// Tail is the entries kept after the given position, as many as fit a message, and whether they join on to it. Entries
// of a replica behind by more than an epoch join by their numbers, since replicas of one lineage number the same
// entries alike.
func (s *Slot) Tail(after Position) (entries []Entry, complete bool) {
	if !s.tail.joins(after.Seq) {
		return nil, false
	}
	size := 0
	for _, item := range s.tail.after(after.Seq) {
		if size += item.sizeBytes; size > s.cfg.Limits.ChunkBytes && len(entries) > 0 {
			break
		}
		entries = append(entries, item.entry)
	}
	return entries, true
}

// Joins reports whether the entries that this replica keeps go on from seq without a gap.
func (s *Slot) Joins(seq uint64) bool { return s.tail.joins(seq) }

// Absorb takes entries that another replica of the claim had and this one lacks, before it becomes primary.
func (s *Slot) Absorb(now Instant, entries []Entry) {
	for _, e := range entries {
		if e.Seq == s.tail.head+1 && e.sound() {
			s.apply(now, e)
		}
	}
}

// Tick expires sessions (on the primary), forgets what may be forgotten, sends again what got stuck, and visits no more
// than a bounded number of records.
func (s *Slot) Tick(now Instant, fx *Effects) {
	if s.parting {
		s.parting, s.parted = false, now.Wall
	}
	s.ticked = now.Mono
	if turn := (now.Mono + time.Duration(s.num%keepTurns)*keepEvery/keepTurns) / keepEvery; turn != s.kept {
		s.kept = turn
		s.keep(now, fx)
	}
	if s.role != Primary {
		return
	}
	s.tickLocks(now, fx)
	for _, f := range s.followers {
		if f.acked < f.sent && now.Mono-f.progress > retransmitAfter && now.Mono-f.resent > retransmitAfter {
			f.resent = now.Mono
			s.resend(now, f, fx)
		}
	}
}

// A slot looks for what is over in it every keepEvery: that costs more than the rest of a tick. Slots do so in turns.
const (
	keepEvery = 200 * time.Millisecond
	keepTurns = 4
)

// keep lets records rest, forgets requests and has sessions expire.
func (s *Slot) keep(now Instant, fx *Effects) {
	s.restSome(now.Mono)
	s.requests.sweep(now.Wall, s.parted, &s.cfg.Limits)
	for range recordsPerKeep {
		r := s.expiry.next(now.Mono)
		if r == nil {
			break
		}
		s.due(now, r, fx)
	}
}

// recordsPerKeep bounds the records that expire at one time.
const recordsPerKeep = 1024

// due handles a record whose time in the expiry heap has come.
func (s *Slot) due(now Instant, r *record, fx *Effects) {
	v := r.view()
	switch {
	case v.ended():
		if !r.open() && now.Mono >= v.forgotten(now)+s.lastToForget() {
			s.forget(r)
			return
		}
		s.expiry.schedule(r, max(v.forgotten(now), now.Mono+lookAgain))
	case s.role == Primary && !s.given && s.overBy(now, r, v) && !s.full():
		s.wake(r)
		s.expire(now, r, fx) // which schedules the ended version
	case s.role == Holder && now.Mono >= now.at(v.Settings.Deadline+s.grace()):
		s.forget(r) // no primary takes it any more
	default:
		due := r.ends(v, now, &s.cfg.Limits)
		if due <= now.Mono {
			due = now.Mono + lookAgain
		}
		s.expiry.schedule(r, due)
	}
}

// lookAgain is how long an overdue record with which nothing can be done yet is left alone.
const lookAgain = time.Second

// lastToForget is how much longer a primary remembers an ended session: who creates it anew must not find the end still
// known on a backup whose clock is behind.
func (s *Slot) lastToForget() time.Duration {
	if s.role == Primary {
		return 2 * s.cfg.Limits.ClockSkewMax
	}
	return 0
}
