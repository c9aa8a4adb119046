package failover_test

import (
	"fmt"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// sleeper is a client whose sessions end by themselves: it uses one for a while and then leaves it alone.
type sleeper struct {
	client
	id  string
	run int
}

func (w *world) sleeper(i int) *sleeper {
	return &sleeper{client: client{w: w, number: uint64(3000 + i)}, id: fmt.Sprintf("sleeper-%d", i)}
}

// idleSession is what is known of a sleeper's session.
type idleSession struct {
	idle    time.Duration
	used    time.Duration // of the last access that was answered
	tried   time.Duration // of the last that may have counted
	expired int
}

func (s *sleeper) next() {
	if s.stopped {
		return
	}
	s.run++
	id := fmt.Sprintf("%s-%d", s.id, s.run)
	m := s.commit(id, true, replica.Change{Name: "u", Value: []byte("v")})
	m.Idle = time.Second + s.w.upTo(time.Second)
	s.w.check.idle[m.Key] = &idleSession{idle: m.Idle, used: s.w.now, tried: s.w.now}
	s.ask(id, &replica.Request{Commit: m}, func(r replica.Result) {
		if r.Status != replica.StatusOK && r.Status != replica.StatusExists {
			s.w.fail("create %s: %v", id, r.Err())
		}
		s.use(id, m.Idle, 1+s.w.rng.IntN(4))
	})
}

// use reads the session so many times, then looks after a while whether it is gone.
func (s *sleeper) use(id string, idle time.Duration, times int) {
	if times == 0 {
		s.w.after(2*idle, func() {
			s.ask(id, &replica.Request{Load: &replica.Load{Key: replica.Key{App: "a", ID: id}, Peek: true}}, func(replica.Result) {
				s.w.after(s.w.upTo(time.Second), s.next)
			})
		})
		return
	}
	s.w.after(s.w.upTo(idle*9/10), func() {
		s.ask(id, read(id), func(replica.Result) { s.use(id, idle, times-1) })
	})
}

// checkTried takes note of an access that reached a node.
func (w *world) checkTried(m *replica.Request) {
	var s *idleSession
	switch {
	case m.Commit != nil:
		s = w.check.idle[m.Commit.Key]
	case m.Load != nil && !m.Load.Peek:
		s = w.check.idle[m.Load.Key]
	}
	if s != nil {
		s.tried = w.now
	}
}

// checkIdle holds the answer to a read against when the session was last used.
func (w *world) checkIdle(n *simNode, p *pending, r *replica.Result) {
	if p.request.Load == nil {
		return
	}
	s := w.check.idle[p.request.Load.Key]
	if s == nil || !w.check.intact(p.slot) {
		return
	}
	switch r.Status {
	case replica.StatusOK:
		if over := s.tried + s.idle*4/3; p.request.Load.Peek && p.arrived > over {
			w.fail("%s still lives on %s, %v after it was over: %s", p.request.Load.Key.ID, n.name, p.arrived-over, show(p, r))
		}
		if !p.request.Load.Peek {
			s.used = max(s.used, p.arrived)
		}
	case replica.StatusNotFound, replica.StatusExpired:
		w.checkAge(n, p.request.Load.Key, s)
	}
}

// checkAge fails if a session is over before its time. Clocks run up to a fiftieth fast.
func (w *world) checkAge(n *simNode, key replica.Key, s *idleSession) {
	if age := w.now - s.used; age < s.idle*19/20 {
		w.fail("%s is over on %s after %v, idle time-out %v", key.ID, n.name, age, s.idle)
	}
}

// checkExpired fails if a session expires early or twice.
func (w *world) checkExpired(n *simNode, e replica.Event) {
	s := w.check.idle[e.Key]
	if s == nil || !w.check.intact(e.Slot) {
		return
	}
	w.checkAge(n, e.Key, s)
	if s.expired++; s.expired > 1 && w.suffered["split"] == 0 {
		w.fail("%s expires again, on %s", e.Key.ID, n.name)
	}
}
