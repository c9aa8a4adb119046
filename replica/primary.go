package replica

import (
	"fmt"
	"slices"
	"strings"
)

// Load answers with the session as of its last durable commit. The caller has made sure that the slot is Serving and
// that its lease holds.
func (s *Slot) Load(now Instant, t Token, l *Load, fx *Effects) {
	r := s.records[l.Key]
	if r == nil || r.durable == nil || r.durable.Ending == Expired || s.over(now, r, fx) {
		fx.refuse(t, StatusNotFound, "")
		return
	}
	if r.durable.Ending == LoggedOut {
		fx.refuse(t, StatusDestroyed, "")
		return
	}
	if !l.Peek {
		s.access(now, r, fx)
	}
	res := Result{Stamp: r.durable.Stamp}
	if l.Known != res.Stamp {
		res.Session = r.durable.visible()
	}
	fx.done(t, res)
}

// visible is s without what was deleted.
func (s *Session) visible() *Session {
	if !slices.ContainsFunc(s.Attrs, func(a Attr) bool { return a.Deleted }) {
		return s
	}
	v := *s
	v.Attrs = slices.DeleteFunc(slices.Clone(s.Attrs), func(a Attr) bool { return a.Deleted })
	return &v
}

// over expires the session if its time has come, and reports whether it had.
func (s *Slot) over(now Instant, r *record, fx *Effects) bool {
	if !live(r.newest) || now.Mono < r.ends(now, &s.cfg.Limits) {
		return false
	}
	ended := &Session{
		Key: r.key, Stamp: r.newest.Stamp, Touched: r.newest.Touched, Ending: Expired,
		Until: max(r.newest.Settings.Deadline, now.Wall) + s.grace(),
	}
	fx.Events = append(fx.Events, Event{Kind: EventExpired, Slot: s.num, Epoch: s.claim.Epoch, Key: r.key})
	s.append(now, &logged{entry: Entry{Parts: []Part{{Session: ended}}}, need: s.backups()}, fx)
	return true
}

// grace is how long, in milliseconds, an ended session is remembered beyond the last moment at which somebody may
// still send it a commit.
func (s *Slot) grace() int64 {
	return (s.cfg.Limits.RequestAgeMax + 2*s.cfg.Limits.ClockSkewMax).Milliseconds()
}

// access slides the idle time-out, and tells the backups of it once per touch interval.
func (s *Slot) access(now Instant, r *record, fx *Effects) {
	r.accessed = now.Mono
	v := r.newest
	if v.Settings.Idle == 0 || now.Mono-r.touched < s.cfg.Limits.touchInterval(v.Settings.Idle) {
		return
	}
	touch := &Session{Key: r.key, Stamp: v.Stamp, Touched: s.cfg.Clock.Next(now.Wall), Accessed: now.Mono}
	s.append(now, &logged{entry: Entry{Parts: []Part{{Base: v.Stamp, Session: touch}}}}, fx)
}

// Commit applies c to the newest version of its session, sends it to the backups, and answers t once as many hold it as
// its durability asks for. The caller has made sure that the slot is Serving and that its lease holds.
func (s *Slot) Commit(now Instant, t Token, c *Commit, fx *Effects) {
	if old := s.requests.find(c.Request); old != nil {
		s.repeat(t, c, old, fx)
		return
	}
	if err := s.admit(now, c); err != nil {
		fx.done(t, ResultOf(err))
		return
	}
	r := s.records[c.Key]
	if r != nil && !c.Destroy {
		s.over(now, r, fx)
	}
	if err := s.allowed(r, c); err != nil {
		fx.done(t, ResultOf(err))
		return
	}
	if c.Touch() {
		s.access(now, r, fx)
		fx.done(t, Result{Stamp: r.newest.Stamp, Copies: s.copies(s.tail.head)})
		return
	}
	parts, err := s.parts(now, c)
	if err != nil {
		fx.done(t, ResultOf(err))
		return
	}
	item := &logged{
		entry:    Entry{Request: c.Request, NotAfter: c.NotAfter, Parts: parts},
		waiting:  []Token{t},
		need:     map[Durability]int{DurableAll: s.backups(), DurableOne: 1}[c.Durability],
		destroys: c.Destroy,
	}
	s.append(now, item, fx)
}

// waitersMax bounds how many copies of one request wait for its answer.
const waitersMax = 16

// repeat answers a request that took effect before, with the copies held now.
func (s *Slot) repeat(t Token, c *Commit, old *remembered, fx *Effects) {
	if old.Key != c.Key {
		fx.refuse(t, StatusBadRequest, "the request id was used for another session")
		return
	}
	if item := s.tail.at(old.seq); item != nil && item.open {
		if len(item.waiting) == waitersMax {
			fx.refuse(t, StatusOverloaded, "the same request is waiting already")
			return
		}
		item.waiting = append(item.waiting, t)
		return
	}
	fx.done(t, Result{Stamp: old.Stamp, Copies: s.copies(old.seq)})
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
	case len(s.tail.items) >= l.TailMax || s.tail.sizeBytes >= l.TailBytesMax || len(s.requests.byID) >= l.RequestsMax:
		return fmt.Errorf("%w: slot %d has too much under way", ErrOverloaded, s.num)
	case 1+s.backups() < s.cfg.MinCopies && !c.Destroy:
		return fmt.Errorf("%w: nothing was written; %d of %d", ErrNotEnoughCopies, 1+s.backups(), s.cfg.MinCopies)
	}
	return c.validate(l, s.num, s.cfg.Slots)
}

// allowed checks the commit's conditions against the newest version.
func (s *Slot) allowed(r *record, c *Commit) error {
	var v *Session
	if r != nil {
		v = r.newest
	}
	full := len(s.records) >= s.cfg.Limits.SessionsMax
	switch {
	case v == nil && full && (c.Create || c.Destroy):
		return fmt.Errorf("%w: slot %d holds %d sessions and remembered ends", ErrOverCapacity, s.num, len(s.records))
	case c.Destroy:
		return nil
	case v != nil && v.Ending == LoggedOut:
		return ErrDestroyed
	case c.Create && live(v):
		return ErrExists
	case !c.Create && !live(v):
		return ErrNotFound
	case !c.If.IsZero() && v.Stamp != c.If:
		return ErrChanged
	case c.Renew != "" && s.records[Key{c.Key.App, c.Renew}] != nil:
		return ErrExists
	}
	return nil
}

// parts is what c changes, stamped; the first part is the session that the answer speaks of.
func (s *Slot) parts(now Instant, c *Commit) ([]Part, error) {
	stamp := s.cfg.Clock.Next(now.Wall)
	if c.Destroy {
		return []Part{{Session: s.tombstone(now, c.Key, stamp)}}, nil
	}
	p := s.partial(now, c, stamp)
	var base *Session
	if r := s.records[c.Key]; r != nil {
		base = r.newest
		p.Base = base.Stamp
	}
	if c.Create {
		p.Base = Stamp{}
	}
	next := Merge(base, p.Session)
	if err := next.within(&s.cfg.Limits); err != nil {
		return nil, err
	}
	if c.Renew == "" {
		return []Part{p}, nil
	}
	renewed := *next
	renewed.Key.ID = c.Renew
	return []Part{{Session: &renewed}, {Session: s.tombstone(now, c.Key, stamp)}}, nil
}

func (s *Slot) tombstone(now Instant, key Key, stamp Stamp) *Session {
	until := now.Wall + s.cfg.Limits.LifetimeMax.Milliseconds() + s.grace()
	return &Session{Key: key, Stamp: stamp, Touched: stamp, Ending: LoggedOut, Until: until}
}

// partial is the session that holds exactly what c sets.
func (s *Slot) partial(now Instant, c *Commit, stamp Stamp) Part {
	p := &Session{Key: c.Key, Stamp: stamp, Touched: stamp, Accessed: now.Mono}
	for _, ch := range c.Changes {
		p.Attrs = append(p.Attrs, Attr{Name: ch.Name, Value: ch.Value, Stamp: stamp, Deleted: ch.Delete})
	}
	slices.SortFunc(p.Attrs, func(a, b Attr) int { return strings.Compare(a.Name, b.Name) })
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

// append makes item the next entry of the log: applied to the newest versions, pending, on its way to the followers.
func (s *Slot) append(now Instant, item *logged, fx *Effects) {
	item.entry.Seq = s.tail.head + 1
	item.sizeBytes = item.entry.size()
	item.open = true
	for i := range item.entry.Parts {
		p := &item.entry.Parts[i]
		r := s.recordOf(p.Session.Key)
		r.newest = Merge(r.newest, p.Session)
		r.accessed = max(r.accessed, r.newest.Accessed)
		r.touched = now.Mono
		r.pending = append(r.pending, item.entry.Seq)
		item.versions = append(item.versions, r.newest)
		s.schedule(now, r)
	}
	s.remember(&item.entry)
	s.tail.append(item)
	if len(s.tail.items) > s.cfg.Limits.TailMax/2 || s.tail.sizeBytes > s.cfg.Limits.TailBytesMax/2 {
		s.dropLearners()
	}
	s.replicate(now, fx)
	s.advance(fx)
}

// remember keeps an entry's request id.
func (s *Slot) remember(e *Entry) {
	first := e.Parts[0].Session
	s.requests.remember(remembered{RememberedRequest{
		Request: e.Request, NotAfter: e.NotAfter, Key: requestKey(e), Stamp: first.Stamp,
	}, e.Seq}, s.cfg.Limits.ClockSkewMax.Milliseconds())
}

// requestKey is the key that an entry's commit named: of a renewal, which has two parts, the one that ended.
func requestKey(e *Entry) Key { return e.Parts[len(e.Parts)-1].Session.Key }

// ResultOf is the result that says why a request was refused.
func ResultOf(err error) Result {
	status, ok := err.(Status)
	if ok {
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
