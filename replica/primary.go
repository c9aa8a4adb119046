package replica

import (
	"fmt"
	"strings"
)

// Load answers with the session as of its last durable commit. The caller has made sure that the slot is Serving and
// that its lease holds.
func (s *Slot) Load(now Instant, t Token, l *Load, fx *Effects) {
	r := s.lookup(l.Key)
	switch {
	case s.late(now, l.NotAfter):
		fx.refuse(t, StatusTooLate, "")
		return
	case r == nil || r.durable == nil:
		fx.refuse(t, StatusNotFound, "")
		return
	case r.durable.Ending == Expired:
		fx.refuse(t, StatusExpired, "")
		return
	case r.durable.Ending == LoggedOut:
		fx.refuse(t, StatusDestroyed, "")
		return
	case s.over(now, r) && s.full():
		fx.done(t, ResultOf(s.overloaded()))
		return
	case s.over(now, r):
		s.expire(now, r, fx)
	}
	if r.newest.Ending == Expired {
		s.answerAfter(t, r, Result{Status: StatusExpired}, fx)
		return
	}
	res := Result{Stamp: r.durable.Stamp}
	res.Session, res.Whole = l.answer(r.durable)
	if l.Peek {
		fx.done(t, res)
		return
	}
	s.access(now, t, r, res, fx)
}

// late reports whether nobody waits any more for the answer to what must not be done after a time of day.
func (s *Slot) late(now Instant, notAfter int64) bool { return late(now, notAfter, &s.cfg.Limits) }

// over reports whether the session's time has come.
func (s *Slot) over(now Instant, r *record) bool { return s.overBy(now, r, r.newest) }

// overBy is over of a record that may rest, whose newest version is v.
func (s *Slot) overBy(now Instant, r *record, v *Session) bool {
	return live(v) && now.Mono >= r.ends(v, now, &s.cfg.Limits)
}

// expire ends a session whose time has come.
func (s *Slot) expire(now Instant, r *record, fx *Effects) {
	ended := &Session{
		Key: r.key(), Stamp: r.newest.Stamp, Touched: r.newest.Touched, Ending: Expired,
		Until: max(r.newest.Settings.Deadline, now.Wall) + s.grace(),
	}
	s.append(now, &logged{entry: Entry{Parts: []Part{{Session: ended}}}, need: s.backups(), expires: true}, fx)
}

// grace is how long, in milliseconds, an ended session is remembered beyond the last moment at which somebody may
// still send it a commit.
func (s *Slot) grace() int64 {
	return (s.cfg.Limits.RequestAgeMax + 2*s.cfg.Limits.ClockSkewMax).Milliseconds()
}

// access slides the idle time-out for the request that res answers. The backups are told now and then; only if they would
// expire the session too early by what they know, should this node die, does the answer wait for them.
func (s *Slot) access(now Instant, t Token, r *record, res Result, fx *Effects) {
	r.accessed = now.Mono
	v := r.newest
	interval := s.cfg.Limits.touchInterval(v.Settings.Idle)
	if interval > 0 && now.Mono-v.Accessed >= interval/2 && !s.full() {
		touch := &Session{Key: r.key(), Stamp: v.Stamp, Touched: s.cfg.Clock.Next(now.Wall), Accessed: now.Mono}
		s.append(now, &logged{entry: Entry{Parts: []Part{{Base: v.Stamp, Session: touch}}}, need: s.backups()}, fx)
	}
	switch {
	case interval == 0 || now.Mono-r.durable.Accessed < interval:
		fx.done(t, res)
	case len(r.pending) == 0:
		fx.done(t, ResultOf(s.overloaded()))
	default:
		s.answerAfter(t, r, res, fx)
	}
}

// Commit applies c to the newest version of its session, sends it to the backups, and answers t once as many hold it as
// its durability asks for. The caller has made sure that the slot is Serving and that its lease holds.
func (s *Slot) Commit(now Instant, t Token, c *Commit, fx *Effects) {
	if old, known := s.requests.find(c.Request); known {
		s.repeat(t, c, old, fx)
		return
	}
	if err := s.admit(now, c); err != nil {
		fx.done(t, ResultOf(err))
		return
	}
	r := s.lookup(c.Key)
	if r != nil && !c.Destroy && s.over(now, r) {
		s.expire(now, r, fx)
	}
	if err := s.allowed(now, r, c); err != nil {
		s.answerAfter(t, r, ResultOf(err), fx)
		return
	}
	if c.Touch() {
		s.touch(now, t, r, fx)
		return
	}
	item := &logged{
		entry:    Entry{Request: c.Request, NotAfter: c.NotAfter},
		need:     s.need(c.Durability),
		destroys: c.Destroy,
	}
	if err := s.compose(now, item, r, c); err != nil {
		s.answerAfter(t, r, ResultOf(err), fx)
		return
	}
	item.waiting = append(item.waiter[:0], t)
	s.moveLock(c)
	s.append(now, item, fx)
}

// need is how many backups a commit waits for: as many as it asks for, and never fewer than the operator does.
func (s *Slot) need(d Durability) int {
	least := max(0, s.cfg.MinCopies-1)
	switch d {
	case DurableAll:
		return max(least, s.backups())
	case DurableOne:
		return max(least, 1)
	}
	return least
}

// absent is why there is nothing to change: v is what is known of the session, nil for nothing. A logout is told before.
func absent(v *Session) error {
	if v != nil && v.Ending == Expired {
		return ErrExpired
	}
	return ErrNotFound
}

// touch answers a commit that changes nothing, which sees what a read would.
func (s *Slot) touch(now Instant, t Token, r *record, fx *Effects) {
	if !live(r.durable) {
		fx.done(t, ResultOf(absent(r.durable)))
		return
	}
	s.access(now, t, r, Result{Stamp: r.durable.Stamp, Copies: s.copies(s.tail.head)}, fx)
}

// waitersMax bounds how many requests wait for one entry, of each sort.
const waitersMax = 256

// answerAfter gives an answer once nothing that it relies on is pending: another primary might not have it.
func (s *Slot) answerAfter(t Token, r *record, res Result, fx *Effects) {
	if r == nil || len(r.pending) == 0 {
		fx.done(t, res)
		return
	}
	item := s.tail.at(r.pending[len(r.pending)-1])
	if len(item.after) == waitersMax {
		fx.refuse(t, StatusOverloaded, "too many requests wait for the same commit")
		return
	}
	item.after = append(item.after, Done{t, res})
}

// repeat answers a request that took effect before, with the copies held now.
func (s *Slot) repeat(t Token, c *Commit, old remembered, fx *Effects) {
	if !old.of.named(c.Key) {
		fx.refuse(t, StatusBadRequest, "the request id was used for another session")
		return
	}
	item := s.tail.at(old.seq)
	switch {
	case item == nil || !item.open:
		fx.done(t, s.committed(old.Stamp, s.copies(old.seq), c.Destroy))
	case item.entry.Request != c.Request: // it took effect on another side of a split and is being merged
		fx.done(t, Result{Status: StatusUnavailable, Detail: "the request is on its way to the backups", Unsure: true})
	case len(item.waiting) == waitersMax:
		fx.done(t, Result{Status: StatusOverloaded, Detail: "the same request is waiting already", Unsure: true})
	default:
		item.waiting = append(item.waiting, t)
	}
}

// admit refuses what no session could take, or the slot cannot.
func (s *Slot) admit(now Instant, c *Commit) error {
	l := &s.cfg.Limits
	skew := l.ClockSkewMax.Milliseconds()
	switch {
	case c.NotAfter <= 0 || c.NotAfter > now.Wall+l.RequestAgeMax.Milliseconds()+skew:
		return fmt.Errorf("%w: not-after must lie within %v from now; is the clock right?", ErrBadRequest, l.RequestAgeMax)
	case now.Wall > c.NotAfter+skew:
		return ErrTooLate
	case s.full() || s.requests.live() >= l.RequestsMax:
		return s.overloaded()
	case 1+s.backups() < s.cfg.MinCopies && !c.Destroy:
		return fmt.Errorf("%w: nothing was written; %d of %d", ErrNotEnoughCopies, 1+s.backups(), s.cfg.MinCopies)
	}
	return c.validate(l, s.num, s.cfg.Slots)
}

// full reports whether the log takes no more entries until a backup has caught up or was evicted.
func (s *Slot) full() bool {
	return len(s.tail.items) >= s.cfg.Limits.TailMax || s.tail.sizeBytes >= s.cfg.Limits.TailBytesMax
}

// crowded reports whether half of the room in the log is taken: what can wait gives way to commits.
func (s *Slot) crowded() bool {
	return len(s.tail.items) > s.cfg.Limits.TailMax/2 || s.tail.sizeBytes > s.cfg.Limits.TailBytesMax/2
}

func (s *Slot) overloaded() error {
	return fmt.Errorf("%w: slot %d has too much under way", ErrOverloaded, s.num)
}

// allowed checks the commit's conditions against the newest version.
func (s *Slot) allowed(now Instant, r *record, c *Commit) error {
	var v *Session
	if r != nil {
		v = r.newest
	}
	switch {
	case !s.fits(v, c):
		return fmt.Errorf("%w: slot %d holds %d sessions and remembered ends", ErrOverCapacity, s.num, s.records.len())
	case c.Destroy:
		return nil
	case v != nil && v.Ending == LoggedOut:
		return ErrDestroyed
	case c.Create && live(v):
		return ErrExists
	case !c.Create && !live(v):
		return absent(v)
	case !c.Lock.IsZero() && !s.holds(now, c.Key, c.Lock):
		return ErrLockLost
	case !c.If.IsZero() && v.Stamp != c.If:
		return ErrChanged
	case c.Renew != "" && s.records.find(Key{c.Key.App, c.Renew}) != nil:
		return ErrExists
	}
	return nil
}

// fits reports whether there is room for what c adds to the slot. The ends of unknown sessions, which cost a client
// nothing, may take no more than half of it.
func (s *Slot) fits(v *Session, c *Commit) bool {
	room := s.cfg.Limits.SessionsMax - s.records.len()
	switch {
	case c.Renew != "":
		return room > 0
	case v != nil:
		return true
	case c.Destroy:
		return room > s.cfg.Limits.SessionsMax/2
	}
	return room > 0 || !c.Create
}

// compose puts what c changes of the session of r, stamped, into an entry; its first part is the session that the answer speaks of.
func (s *Slot) compose(now Instant, item *logged, r *record, c *Commit) error {
	stamp := s.cfg.Clock.Next(now.Wall)
	var base *Session
	if r != nil {
		base = r.newest
	}
	if c.Destroy {
		item.entry.Parts = append(item.part[:0], Part{Session: s.ended(now, base, c.Key, stamp)})
		return s.affords(base == nil)
	}
	p := s.partial(now, c, stamp)
	if !c.Create {
		p.Base = base.Stamp
		s.bound(p.Session, base, c)
	}
	next := Merge(base, p.Session)
	if err := next.within(&s.cfg.Limits); err != nil {
		return err
	}
	if err := s.afford(c, base, next); err != nil {
		return err
	}
	if c.Renew != "" {
		renewed := *next
		renewed.Key.ID, renewed.Born = c.Renew, stamp
		item.entry.Parts = []Part{{Session: &renewed}, {Session: s.tombstone(now, c.Key, stamp)}}
		return nil
	}
	item.entry.Parts = append(item.part[:0], p)
	item.versions = append(item.version[:0], next)
	return nil
}

// ended is the tombstone that a destroy leaves. No commit prolongs one that there is.
func (s *Slot) ended(now Instant, base *Session, key Key, stamp Stamp) *Session {
	if base != nil && base.Ending == LoggedOut {
		return base
	}
	return s.tombstone(now, key, stamp)
}

// bound keeps the deadline that c sets within the longest lifetime of the id. A tombstone relies on it: a copy of the
// session that some node still holds is over before the tombstone is.
func (s *Slot) bound(p, base *Session, c *Commit) {
	if c.Configure && c.Renew == "" && !base.Born.IsZero() {
		p.Settings.Deadline = min(p.Settings.Deadline, base.Born.Wall()+s.cfg.Limits.LifetimeMax.Milliseconds())
	}
}

func (s *Slot) tombstone(now Instant, key Key, stamp Stamp) *Session {
	until := now.Wall + s.cfg.Limits.LifetimeMax.Milliseconds() + s.grace()
	return &Session{Key: key, Stamp: stamp, Touched: stamp, Ending: LoggedOut, Until: until}
}

// partial is the session that holds exactly what c sets.
func (s *Slot) partial(now Instant, c *Commit, stamp Stamp) Part {
	p := Written(c.Key, c.Changes, stamp)
	p.Accessed = now.Mono
	if c.Create {
		p.Born = stamp
	}
	if c.Create || c.Configure {
		life := s.cfg.Limits.LifetimeMax
		if c.Lifetime > 0 {
			life = min(life, c.Lifetime)
		}
		p.Settings = Settings{Idle: c.Idle, Deadline: now.Wall + life.Milliseconds(), Stamp: stamp}
	}
	return Part{Session: p}
}

// append makes item the next entry of the log: applied to the newest versions, pending, on its way to the followers. The
// versions that it makes may have been made already.
func (s *Slot) append(now Instant, item *logged, fx *Effects) {
	item.entry.Seq = s.tail.head + 1
	item.sizeBytes = item.entry.size()
	item.open = true
	made := item.versions
	item.versions, item.records = item.version[:0], item.record[:0]
	over := s.overwritten(now, &item.entry)
	for i := range item.entry.Parts {
		p := &item.entry.Parts[i]
		r := s.recordOf(p.Session.Key)
		if len(made) > 0 {
			r.newest = made[i]
		} else {
			r.newest = Merge(r.newest, p.Session).bare()
		}
		s.newest = Later(s.newest, p.Session.Touched)
		r.accessed = max(r.accessed, r.newest.Accessed)
		r.await(item.entry.Seq)
		item.versions, item.records = append(item.versions, r.newest), append(item.records, r)
		s.schedule(now, r)
	}
	s.rememberAll(&item.entry, item.records, over)
	s.tail.append(item)
	s.endLocks(item, fx)
	if s.crowded() {
		s.dropLearners()
	}
	s.replicate(now, fx)
	if min(item.need, s.backups()) == 0 {
		s.advance(fx) // else nothing is complete before the next acknowledgement
	}
}

// rememberAll keeps the ids of an entry's request, which hid what over says, and of those that it passes on; records are those of
// its parts.
func (s *Slot) rememberAll(e *Entry, records []*record, over []*Attr) {
	for _, r := range e.Requests {
		s.requests.remember(r.by(s.namer(r.Key), e.Seq), &s.cfg.Limits)
	}
	if len(e.Parts) == 0 {
		return
	}
	first := e.Parts[0].Session
	stamp := first.Stamp
	if !first.ended() {
		stamp = first.Touched // the same, but for a lock's grant, which writes nothing: of that, the token
	}
	named := records[len(records)-1] // by its commit: of a renewal, which has two parts, the session that ended
	s.requests.remember(remembered{
		Request: e.Request, NotAfter: e.NotAfter, Stamp: stamp, of: named, over: over, seq: e.Seq,
	}, &s.cfg.Limits)
}

// namer is a record that knows a key: that of the slot, or one that nothing else knows of.
func (s *Slot) namer(key Key) *record {
	if r := s.records.find(key); r != nil {
		return r
	}
	return &record{rest: pack(&Session{Key: key}), index: -1}
}

// ResultOf is the result that says why a request was refused.
func ResultOf(err error) Result {
	if status, ok := err.(Status); ok {
		return Result{Status: status}
	}
	res := Result{Status: StatusBadRequest, Detail: err.Error()}
	if w, ok := err.(interface{ Unwrap() error }); ok {
		if status, ok := w.Unwrap().(Status); ok {
			res.Status = status
			res.Detail = strings.TrimPrefix(res.Detail, status.Error()+": ")
		}
	}
	return res
}
