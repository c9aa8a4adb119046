package replica

import (
	"fmt"
	"slices"
	"time"
)

// Lock asks for the lock of a session, or speaks for one that is held. At most one request holds it, the others wait in
// the order in which they came; commits that do not name the lock are not kept out. The lock ends when it is released,
// when its lease runs out, and with the connection over which it was asked for or renewed last. It does not outlive the
// primary that granted it, except that a hand-off passes it on.
//
// The grant is a commit that changes nothing, on all backups before it is answered. Its stamp is the fencing token: later
// than everything that an earlier holder got.
type Lock struct {
	Key Key
	// Held is the token of the lock to renew or to release; zero asks for the lock.
	Held Stamp
	// Release ends the lock Held, or, when Held is zero, the waiting of Request.
	Release bool

	// Wait is how long the answer may wait for the lock, at most LockWaitMax; zero: ErrLocked at once. Who asks again
	// with the same Request within two seconds of ErrLocked keeps its place in the queue.
	Wait   time.Duration
	Lease  time.Duration // how long the lock holds without being renewed; from LockLeaseMin to LockLeaseMax
	Holder string        // who asks, told to those who do not get the lock; at most HolderLenMax bytes

	Request  RequestID // names the asking over all its retries; required to ask
	NotAfter int64     // see Commit.NotAfter; required to ask

	// Owner names the connection that the lock ends with. The node that takes the request sets it; it does not travel.
	Owner uint64
}

// Bounds on a lock.
const (
	LockWaitMax  = 200 * time.Millisecond
	LockLeaseMin = 100 * time.Millisecond
	LockLeaseMax = time.Minute
	HolderLenMax = 256
)

// placeFor is how long the place in the queue of one who does not wait at the moment is kept.
const placeFor = 2 * time.Second

// lock is one session's: held, or about to be given to the first who waits.
type lock struct {
	contender               // who holds it
	token     Stamp         // zero: nobody does
	until     time.Duration // Instant.Mono at which the lease runs out
	queue     []contender   // Invariant: at most Limits.LockWaitersMax.
}

// contender is one who asked for a lock.
type contender struct {
	request  RequestID
	notAfter int64
	lease    time.Duration
	holder   string
	owner    uint64

	// Of one in the queue.
	asker Token
	waits bool          // asker waits for the answer
	until time.Duration // Instant.Mono at which it is answered at the latest, or its place is lost
}

// HeldLock is a lock on its way from one primary to the next.
type HeldLock struct {
	Key     Key
	Token   Stamp // zero: nobody holds it, and somebody waits
	Request RequestID
	Holder  string
	Left    time.Duration // of the lease
	Queue   []RequestID   // who keeps a place
}

func (m *Lock) validate() error {
	switch {
	case len(m.Holder) > HolderLenMax:
		return fmt.Errorf("%w: holder of %d bytes, limit %d", ErrTooLarge, len(m.Holder), HolderLenMax)
	case m.Release:
		return nil
	case m.Lease < LockLeaseMin || m.Lease > LockLeaseMax:
		return fmt.Errorf("%w: lease of %v; choose %v to %v", ErrBadRequest, m.Lease, LockLeaseMin, LockLeaseMax)
	case m.Wait < 0:
		return fmt.Errorf("%w: negative wait", ErrBadRequest)
	case m.Held.IsZero() && m.Request.IsZero():
		return fmt.Errorf("%w: asking for a lock needs a request id", ErrBadRequest)
	}
	return nil
}

// Lock answers t once the lock is granted, renewed or released, or refuses. The answer to a grant has the token as its
// stamp and the session as it is. The caller has made sure that the slot is Serving and that its lease holds.
func (s *Slot) Lock(now Instant, t Token, m *Lock, fx *Effects) {
	err := m.Key.Validate()
	if err == nil {
		err = m.validate()
	}
	switch {
	case err != nil:
		fx.done(t, ResultOf(err))
	case !m.Held.IsZero():
		s.keepLock(now, t, m, fx)
	case m.Release:
		s.leaveQueue(now, t, m, fx)
	default:
		s.askLock(now, t, m, fx)
	}
}

// holds reports whether a token is that of the lock of a session.
func (s *Slot) holds(now Instant, key Key, token Stamp) bool {
	l := s.locks[key]
	return l != nil && l.token == token && !token.IsZero() && now.Mono < l.until
}

// keepLock renews or releases a lock.
func (s *Slot) keepLock(now Instant, t Token, m *Lock, fx *Effects) {
	if !s.holds(now, m.Key, m.Held) {
		fx.refuse(t, StatusLockLost, "")
		return
	}
	fx.done(t, Result{Stamp: m.Held})
	l := s.locks[m.Key]
	if !m.Release {
		l.until, l.owner = now.Mono+m.Lease, m.Owner
		return
	}
	l.free()
	s.passOn(now, m.Key, l, fx)
}

// leaveQueue ends a place in a queue.
func (s *Slot) leaveQueue(now Instant, t Token, m *Lock, fx *Effects) {
	fx.done(t, Result{})
	l := s.locks[m.Key]
	if l == nil {
		return
	}
	if i := l.place(m.Request); i >= 0 {
		l.answer(i, l.refusal(), fx)
		l.queue = slices.Delete(l.queue, i, i+1)
	}
	if l.request == m.Request && !l.token.IsZero() {
		l.free() // granted as the asker gave up
	}
	s.passOn(now, m.Key, l, fx)
}

// askLock grants a lock, or lets the asker wait.
func (s *Slot) askLock(now Instant, t Token, m *Lock, fx *Effects) {
	r, l := s.lookup(m.Key), s.locks[m.Key]
	if l != nil && l.request == m.Request && s.holds(now, m.Key, l.token) {
		l.owner = m.Owner
		s.answerAfter(t, r, s.granted(r, l.token), fx)
		return
	}
	if _, known := s.requests.find(m.Request); known {
		fx.refuse(t, StatusLockLost, "it was granted before")
		return
	}
	if err := s.admit(now, &Commit{Key: m.Key, NotAfter: m.NotAfter}); err != nil {
		fx.done(t, ResultOf(err))
		return
	}
	if r != nil && s.over(now, r) {
		s.expire(now, r, fx)
	}
	if err := s.allowed(now, r, &Commit{Key: m.Key}); err != nil {
		s.answerAfter(t, r, ResultOf(err), fx)
		return
	}
	if l == nil {
		l = &lock{}
		s.locks[m.Key] = l
	}
	s.queueUp(now, t, m, l, fx)
	s.passOn(now, m.Key, l, fx)
	if i := l.place(m.Request); i >= 0 && m.Wait == 0 {
		l.answer(i, l.refusal(), fx)
		l.queue = slices.Delete(l.queue, i, i+1)
	}
}

// queueUp puts an asker at the end of the queue, or back into the place that it has.
func (s *Slot) queueUp(now Instant, t Token, m *Lock, l *lock, fx *Effects) {
	c := contender{
		request: m.Request, notAfter: m.NotAfter, lease: m.Lease, holder: m.Holder, owner: m.Owner,
		asker: t, waits: true, until: now.Mono + min(m.Wait, LockWaitMax),
	}
	switch i := l.place(m.Request); {
	case i >= 0:
		l.answer(i, l.refusal(), fx) // the same, asked twice
		l.queue[i] = c
	case len(l.queue) >= s.cfg.Limits.LockWaitersMax:
		fx.refuse(t, StatusOverloaded, "too many wait for the session's lock")
	default:
		l.queue = append(l.queue, c)
	}
}

// place is where a request stands in the queue, or -1.
func (l *lock) place(request RequestID) int {
	return slices.IndexFunc(l.queue, func(c contender) bool { return c.request == request })
}

// refusal is the answer to who does not get the lock, and says who holds it.
func (l *lock) refusal() Result { return Result{Status: StatusLocked, Detail: l.holder} }

// free takes the lock from its holder.
func (l *lock) free() { l.token, l.holder = Stamp{}, "" }

// answer tells one in the queue that it does not get the lock now.
func (l *lock) answer(i int, res Result, fx *Effects) {
	if l.queue[i].waits {
		l.queue[i].waits = false
		fx.done(l.queue[i].asker, res)
	}
}

// passOn gives a lock that nobody holds to the first who waits, and forgets one that nobody wants.
func (s *Slot) passOn(now Instant, key Key, l *lock, fx *Effects) {
	if !l.token.IsZero() || s.given {
		return
	}
	i := slices.IndexFunc(l.queue, func(c contender) bool { return c.waits })
	switch {
	case len(l.queue) == 0:
		delete(s.locks, key)
	case i >= 0 && !s.over(now, s.lookup(key)) && !s.full() && s.requests.live() < s.cfg.Limits.RequestsMax:
		c := l.queue[i]
		l.queue = slices.Delete(l.queue, i, i+1)
		s.grant(now, key, l, c, fx)
	}
}

// grant gives a lock to c by an entry of the log.
func (s *Slot) grant(now Instant, key Key, l *lock, c contender, fx *Effects) {
	r := s.lookup(key)
	touch := &Session{Key: key, Stamp: r.newest.Stamp, Touched: s.cfg.Clock.Next(now.Wall), Accessed: now.Mono}
	l.contender, l.token, l.until = c, touch.Touched, now.Mono+c.lease
	s.append(now, &logged{
		entry: Entry{Request: c.request, NotAfter: c.notAfter, Parts: []Part{{Base: touch.Stamp, Session: touch}}},
		need:  s.backups(),
	}, fx)
	s.answerAfter(c.asker, r, s.granted(r, l.token), fx)
}

// granted answers who got a lock: the session is as of all commits before the grant.
func (s *Slot) granted(r *record, token Stamp) Result {
	return Result{Stamp: token, Session: r.newest.Visible()}
}

// tickLocks ends the locks whose lease ran out, and answers those who have waited long enough.
func (s *Slot) tickLocks(now Instant, fx *Effects) {
	for _, key := range s.lockedKeys() {
		l := s.locks[key]
		for i := range l.queue {
			if c := &l.queue[i]; now.Mono >= c.until && c.waits {
				l.answer(i, l.refusal(), fx)
				c.until = now.Mono + placeFor
			}
		}
		l.queue = slices.DeleteFunc(l.queue, func(c contender) bool { return now.Mono >= c.until })
		if now.Mono >= l.until {
			l.free()
		}
		s.passOn(now, key, l, fx)
	}
}

func (s *Slot) lockedKeys() []Key {
	if len(s.locks) == 0 {
		return nil
	}
	keys := make([]Key, 0, len(s.locks))
	for k := range s.locks {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, Key.compare)
	return keys
}

// endLocks ends the locks of the sessions that an entry ends: a grant would bring one that expired back to life. Who waits
// is told once the entry is on its backups.
func (s *Slot) endLocks(item *logged, fx *Effects) {
	for _, v := range item.versions {
		if v.ended() && s.locks[v.Key] != nil {
			s.dropLock(v.Key, fx)
		}
	}
}

// dropLock forgets the lock of a session that is over.
func (s *Slot) dropLock(key Key, fx *Effects) {
	l := s.locks[key]
	delete(s.locks, key)
	res := Result{Status: StatusNotFound}
	if r := s.lookup(key); r != nil && r.newest.Ending == LoggedOut {
		res.Status = StatusDestroyed
	} else if r != nil && r.newest.Ending == Expired {
		res.Status = StatusExpired
	}
	for _, c := range l.queue {
		if c.waits {
			s.answerAfter(c.asker, s.lookup(key), res, fx)
		}
	}
}

// moveLock lets the lock that c names go on under the id that c gives the session. Those who wait know only the old id, as
// does a holder whose session was renewed by somebody else: its lock ends, because it could not even be released.
func (s *Slot) moveLock(c *Commit) {
	if c.Renew == "" || c.Lock.IsZero() {
		return
	}
	held := *s.locks[c.Key]
	held.queue = nil
	s.locks[Key{c.Key.App, c.Renew}] = &held
}

// forgetLocks ends every lock: the node is not primary any more.
func (s *Slot) forgetLocks(fx *Effects) {
	for _, key := range s.lockedKeys() {
		l := s.locks[key]
		for i := range l.queue {
			l.answer(i, Result{Status: StatusUnavailable, Detail: "the primary stepped down"}, fx)
		}
	}
	clear(s.locks)
}

// Disown ends the locks of a connection that is gone, and its waiting.
func (s *Slot) Disown(now Instant, owner uint64, fx *Effects) {
	for _, key := range s.lockedKeys() {
		l := s.locks[key]
		for i := range l.queue {
			if l.queue[i].owner == owner {
				l.answer(i, Result{Status: StatusUnavailable}, fx)
				l.queue[i].until = min(l.queue[i].until, now.Mono+placeFor)
			}
		}
		if l.owner == owner {
			l.free()
		}
		s.passOn(now, key, l, fx)
	}
}

// What a hand-off passes on at most, so that it fits a frame; other locks are lost, as with a primary that dies.
const (
	locksMovedMax  = 1000
	placesMovedMax = 16384
)

// Locks lists what a hand-off passes on.
func (s *Slot) Locks(now Instant) []HeldLock {
	var all []HeldLock
	places := 0
	for _, key := range s.lockedKeys() {
		if places += len(s.locks[key].queue); len(all) == locksMovedMax || places > placesMovedMax {
			break
		}
		l := s.locks[key]
		h := HeldLock{Key: key, Request: l.request, Holder: l.holder}
		if s.holds(now, key, l.token) {
			h.Token, h.Left = l.token, l.until-now.Mono
		}
		for _, c := range l.queue {
			h.Queue = append(h.Queue, c.request)
		}
		all = append(all, h)
	}
	return all
}

// TakeLocks takes over the locks of live sessions that came with a hand-off: their holders go on, and who waited finds its
// place when it asks here.
func (s *Slot) TakeLocks(now Instant, locks []HeldLock) {
	if s.role != Primary {
		return
	}
	for _, h := range locks {
		if r := s.lookup(h.Key); r == nil || !live(r.newest) {
			continue
		}
		l := &lock{
			contender: contender{request: h.Request, holder: h.Holder},
			token:     h.Token, until: now.Mono + min(h.Left, LockLeaseMax),
		}
		for _, id := range h.Queue[:min(len(h.Queue), s.cfg.Limits.LockWaitersMax)] {
			l.queue = append(l.queue, contender{request: id, until: now.Mono + placeFor})
		}
		s.locks[h.Key] = l
	}
}
