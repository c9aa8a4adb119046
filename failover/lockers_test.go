package failover_test

import (
	"fmt"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// till is a session in which several clients count, each under the session's lock.
type till struct {
	id     string
	acked  int           // increments acknowledged
	newest replica.Stamp // token
}

// locker is a client of a till. Whatever fails, the count is exact, and tokens rise.
type locker struct {
	client
	till   *till
	steady bool // keeps a lock for a while and always within its lease
}

// lockers makes so many clients, of one till each two of them.
func (w *world) lockers(n int) (all []*locker) {
	for i := range n {
		l := &locker{client: client{w: w, number: uint64(4000 + i)}, till: &till{id: fmt.Sprintf("till-%d", i/2)}}
		all = append(all, l)
		if i%2 == 1 {
			l.till = all[i-1].till
			continue
		}
		l.ask(l.till.id, &replica.Request{Commit: l.commit(l.till.id, true)}, func(replica.Result) {
			l.next()
			w.after(w.upTo(w.cfg.busy), all[i+1].next)
		})
	}
	return all
}

func (l *locker) next() {
	if l.stopped {
		return
	}
	l.seq++
	l.lock(&replica.Lock{
		Key: replica.Key{App: "a", ID: l.till.id}, Wait: replica.LockWaitMax, Lease: time.Second,
		Request: replica.RequestID{Client: l.number, Seq: l.seq},
	})
}

// lock asks until the lock is granted.
func (l *locker) lock(m *replica.Lock) {
	m.NotAfter = l.w.wall() + 30_000
	own := *m
	l.ask(l.till.id, &replica.Request{Lock: &own}, func(r replica.Result) {
		switch r.Status {
		case replica.StatusOK:
			l.w.counts["lock granted"]++
			l.count(r)
		case replica.StatusLocked:
			if !l.stopped {
				l.lock(m)
			}
		case replica.StatusLockLost: // with its primary, before this client knew that it had it
			l.next()
		default:
			l.w.fail("lock of %s: %v", l.till.id, r.Err())
		}
	})
}

// count adds one to what the grant showed.
func (l *locker) count(grant replica.Result) {
	n := counted(grant.Session)
	if l.till.newest.Clock > grant.Stamp.Clock {
		l.done(grant.Stamp) // an answer that was long on its way: the lock is another's by now
		return
	}
	l.till.newest = grant.Stamp
	m := l.commit(l.till.id, false, replica.Change{Name: "n", Value: []byte(fmt.Sprint(n + 1))})
	m.Lock = grant.Stamp
	dawdle := time.Duration(0)
	switch {
	case l.steady:
		dawdle = 300 * time.Millisecond
	case l.w.rng.IntN(8) == 0:
		dawdle = l.w.upTo(1500 * time.Millisecond) // than which the lease is shorter
	}
	l.busy++
	l.w.after(dawdle, func() { l.commitUnder(grant.Stamp, m) })
}

// commitUnder sends the increment.
func (l *locker) commitUnder(token replica.Stamp, m *replica.Commit) {
	l.ask(l.till.id, &replica.Request{Commit: m}, func(r replica.Result) {
		switch r.Status {
		case replica.StatusOK:
			l.till.acked++
		case replica.StatusLockLost:
			l.w.counts["lock lost"]++
		default:
			l.w.fail("increment of %s: %v", l.till.id, r.Err())
		}
		l.done(token)
	})
}

func counted(s *replica.Session) (n int) {
	if v, ok := s.Get("n"); ok {
		fmt.Sscan(string(v), &n)
	}
	return n
}

// verify reads the count when everybody has stopped.
func (l *locker) verify() {
	l.ask(l.till.id, read(l.till.id), func(r replica.Result) {
		if r.Status != replica.StatusOK || counted(r.Session) != l.till.acked {
			l.w.fail("%s: %v, %d; %d were acknowledged", l.till.id, r.Err(), counted(r.Session), l.till.acked)
		}
	})
}

// done gives the lock back, or forgets to.
func (l *locker) done(token replica.Stamp) {
	pause := l.w.upTo(l.w.cfg.busy)
	if l.steady || l.w.rng.IntN(8) > 0 {
		m := &replica.Lock{Key: replica.Key{App: "a", ID: l.till.id}, Held: token, Release: true}
		l.ask(l.till.id, &replica.Request{Lock: m}, func(replica.Result) {})
	}
	l.w.after(pause, func() {
		l.busy++
		l.next()
	})
}
