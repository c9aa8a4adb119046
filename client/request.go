package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// How a request waits between its attempts.
const (
	attemptTimeoutMin = 300 * time.Millisecond // for an answer, before another member is asked too
	attemptTimeoutMax = 2 * time.Second
	backoffMin        = 5 * time.Millisecond // after "not now"
	backoffMax        = 100 * time.Millisecond
	backoffSparse     = 250 * time.Millisecond // when the client's budget is used up
	redirectsMax      = 4                      // followed without a pause, so that nodes that disagree do not play ball with a request

	// othersFor is how long a refusal is kept back while other nodes that were asked may still answer.
	othersFor = attemptTimeoutMin
)

// request drives one call from the caller's goroutine: it sends, waits, and decides where to send next, until an answer
// is final or the time is up. It is safe to have the request at several nodes at once, as its id makes it take effect
// once.
type request struct {
	client *Client
	call   *call
	span
	hasty bool // fails where others wait, see WithoutWaiting

	next      time.Time // when to act although nothing happened
	holding   bool      // next is the end of a pause: only a moved claim cuts it short
	elsewhere bool      // ask somebody else than the primary next
	attempt   time.Duration
	backoff   time.Duration
	redirects int
	pauses    int
	failed    bool // a hasty one would have to pause
	closed    bool // the client is

	free   bool    // the next sending is not charged to the client's budget
	window *window // of the node that was to be asked first
	ticket *ticket // in that window; nil: none yet
	sentAt time.Time
	since  time.Time // when the ticket was taken
	quick  bool      // how long the answer took says how quick the node is

	no      arrival // a refusal of a commit that other nodes were asked for as well
	refusal bool    // there is one: nobody else is asked

	lastPeer *peer // the one asked last
	lastConn *wire.Conn
	sent     time.Duration // client.now when it was asked

	trail trail
}

// trail is what was tried, for the error if all fails.
type trail struct {
	sends  int
	unsure int    // sends of which nobody said that nothing came of them
	asked  string // address of the node that it was sent to last
	silent bool   // and that has not answered since

	last   error     // the last reason to try again
	lastOf string    // address of the node that gave it
	lastAt time.Time // and when
}

// refused notes a reason to try again.
func (t *trail) refused(addr string, why error) {
	t.last, t.lastOf, t.lastAt = why, addr, time.Now()
	t.silent = t.silent && t.asked != addr
}

// do gets a call answered by its deadline.
func (c *Client) do(ctx context.Context, call *call, s span) (a arrival, t trail, err error) {
	r := &request{client: c, call: call, span: s, hasty: !replica.Waits(ctx), attempt: attemptTimeoutMin, backoff: backoffMin}
	defer func() { r.end(err) }()
	for now := s.began; ; now = time.Now() {
		if !now.Before(s.deadline) {
			return arrival{}, r.trail, context.DeadlineExceeded
		}
		if !now.Before(r.next) {
			if r.refusal {
				return r.no, r.trail, nil
			}
			if err := r.act(now); err != nil {
				return arrival{}, r.trail, err
			}
		}
		if err := r.wait(ctx, now); err != nil {
			return arrival{}, r.trail, err
		}
		a, final := r.look()
		switch {
		case final:
			return a, r.trail, nil
		case r.closed:
			return arrival{}, r.trail, ErrClosed
		case r.failed:
			return arrival{}, r.trail, errNoWaiting
		}
	}
}

// act sends the request to whoever seems best, or decides to wait.
func (r *request) act(now time.Time) error {
	if !r.holding && r.lastConn != nil && r.call.asked(r.lastConn) { // not answered in time
		if r.lastPeer.silentSince(r.sent) {
			r.lastPeer.doubt() // so that others look elsewhere at once
		}
		if r.hasty && r.call.request.Lock == nil { // a lock's answer may take its time
			return errNoWaiting
		}
		r.attempt = min(2*r.attempt, attemptTimeoutMax)
	}
	r.holding = false
	r.next = now.Add(r.attempt)
	p, conn := r.route()
	if conn == nil {
		if r.hasty && !r.call.asked(nil) {
			return errNoWaiting
		}
		return nil // a connection that comes up wakes the call
	}
	if may, err := r.admitted(now, p); !may {
		return err
	}
	err := r.call.send(conn)
	switch {
	case err == nil:
		r.trail.sends++
		r.trail.unsure++
		r.trail.asked, r.trail.silent = p.addr, true
		r.lastPeer, r.lastConn, r.sent, r.sentAt = p, conn, now.Sub(r.client.started), now
		r.client.traceAsked(&r.call.request, p.addr, r.trail.sends)
	case errors.Is(err, wire.ErrFrameTooLarge):
		return fmt.Errorf("%w: %w", replica.ErrTooLarge, err)
	case errors.Is(err, wire.ErrQueueFull):
		r.trail.refused(p.addr, fmt.Errorf("%w: %w", replica.ErrOverloaded, err))
		r.pause(now, p)
	default: // the connection is ending
		p.conn.CompareAndSwap(conn, nil)
		r.next = now
	}
	return nil
}

// admitted reports whether the request may be sent now: if there is a place in the node's window, for which it waits a
// little, and if the client's budget allows for another sending, or that is free.
func (r *request) admitted(now time.Time, p *peer) (bool, error) {
	first := r.trail.sends == 0
	switch {
	case first && r.window != p.window:
		r.leave() // that of a node which is gone
		fallthrough
	case r.ticket == nil:
		r.window, r.since = p.window, now
		if r.ticket = p.window.enter(r.call); r.ticket != nil && r.ticket.immediate {
			if first {
				r.client.budget.earn()
			}
			return true, nil
		}
	case !first:
		may := r.free || r.client.budget.spend()
		r.free = false
		return may, nil // without the budget, whoever has it may still answer
	}
	switch until := r.since.Add(windowWait); {
	case r.ticket != nil && r.window.holds(r.ticket):
		if first {
			r.client.budget.earn()
		}
		return true, nil
	case r.ticket != nil && !r.hasty && now.Before(until):
		r.next, r.holding = until, true
		return false, nil
	case first:
		return false, errWindow
	default: // it was refused for another reason than the node's load, and tries again later
		r.leave()
		r.next, r.holding = now.Add(backoffSparse), true
		return false, nil
	}
}

// leave gives the request's place in a window back, without an answer.
func (r *request) leave() {
	if r.ticket != nil {
		r.window.leave(r.ticket, r.client.now(), 0)
		r.ticket = nil
	}
}

// end gives the place back and counts the request.
func (r *request) end(err error) {
	now := r.client.now()
	if r.ticket != nil {
		took := time.Duration(0)
		if r.quick {
			took = now - r.sent
		}
		r.window.leave(r.ticket, now, took)
	}
	r.client.tally.ended(now-r.began.Sub(r.client.started), r.trail.sends, err)
}

// placed reports whether the request waited for a place in a window and has it, or its node is gone.
func (r *request) placed(changed bool) bool {
	return !r.call.asked(nil) && r.ticket != nil && r.since.After(r.sentAt) && (changed || r.window.holds(r.ticket))
}

// route picks a connection that the request is not waiting on: the primary's, or, where that is not known, not connected
// or already asked, anybody's, as nodes pass requests on.
func (r *request) route() (*peer, *wire.Conn) {
	primary := r.client.peers.get(r.client.layout.primary(r.call.slot))
	if primary != nil && !r.elsewhere {
		if conn := primary.usable(); conn != nil && !r.call.asked(conn) {
			return primary, conn
		}
	}
	r.elsewhere = false
	isPrimary := func(conn *wire.Conn) bool { return primary != nil && primary.conn.Load() == conn }
	for _, skip := range []func(*wire.Conn) bool{r.call.tried, r.call.asked} { // those that refused come last
		if p, conn := r.client.peers.another(func(conn *wire.Conn) bool { return skip(conn) || isPrimary(conn) }); conn != nil {
			return p, conn
		}
	}
	if primary == nil {
		return nil, nil
	}
	if conn := primary.conn.Load(); conn != nil && !r.call.asked(conn) {
		return primary, conn // doubtful, and the only one
	}
	return nil, nil
}

// wait returns when something happened to the call, or at the next time to act.
func (r *request) wait(ctx context.Context, now time.Time) error {
	until := r.next
	if until.After(r.deadline) {
		until = r.deadline
	}
	r.call.timer.Reset(until.Sub(now))
	select {
	case <-r.call.wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// look takes what happened: a final answer, or a reason to act again now or later.
func (r *request) look() (a arrival, final bool) {
	h := r.call.take()
	r.closed = r.closed || h.closed
	for _, a := range h.replies {
		switch status := a.reply.Result.Status; {
		case a.json == nil && status.Retryable():
			r.refused(a)
		case r.call.request.Commit == nil || status.SpeaksForAll():
			r.trail.unsure = 0
			r.measure(a)
			return a, true
		default:
			r.trail.unsure--
			r.keep(a)
		}
	}
	switch {
	case r.refusal:
		return r.no, r.trail.unsure == 0 || !r.call.asked(nil)
	case h.moved:
		r.elsewhere, r.backoff = false, backoffMin
		if !r.primaryAsked() {
			r.hurry()
		}
	case h.changed && !r.holding && !r.call.asked(nil), r.placed(h.changed):
		r.hurry()
	}
	return arrival{}, false
}

// measure notes whether the time to an answer is that of a node: the request was sent once, to the node of its window, and did not
// wait for a lock.
func (r *request) measure(a arrival) {
	r.quick = r.trail.sends == 1 && a.from.window == r.window && r.call.request.Lock == nil
}

// keep keeps a refusal back for a moment, in which the others that were asked may answer.
func (r *request) keep(a arrival) {
	r.trail.silent = r.trail.silent && r.trail.asked != a.from.addr
	if !r.refusal {
		r.no, r.refusal = a, true
		r.next, r.holding = time.Now().Add(othersFor), true
	}
}

// hurry makes the next act come at once; holding, because no attempt has timed out; free, because whoever had the request
// answers it no more.
func (r *request) hurry() { r.next, r.holding, r.free = time.Time{}, true, true }

// primaryAsked reports whether an answer of the slot's primary is likely on its way.
func (r *request) primaryAsked() bool {
	primary := r.client.peers.get(r.client.layout.primary(r.call.slot))
	if primary == nil {
		return false
	}
	conn := primary.usable()
	return conn != nil && r.call.asked(conn)
}

// refused takes an answer that is not final. After that of a node which is not the primary the next is asked at once,
// otherwise after a pause.
func (r *request) refused(a arrival) {
	status, now := a.reply.Result.Status, time.Now()
	if !a.reply.Result.Unsure {
		r.trail.unsure--
	}
	r.trail.refused(a.from.addr, a.reply.Result.Err())
	r.client.learn(a.from, a.reply.Claim) // news moves this call too
	elsewhere := r.client.layout.primary(r.call.slot) != a.from.addr
	switch {
	case r.refusal:
	case status == replica.StatusOverloaded:
		r.backOff(now, a)
	case r.primaryAsked(): // meanwhile; its answer counts
	case r.leads(status) && elsewhere && r.redirects < redirectsMax:
		r.redirects++
		r.hurry()
	default:
		r.redirects = 0
		r.failed = r.hasty
		r.pause(now, a.from)
	}
}

// leads reports whether a refusal says no more than that another node should be asked. Who does not wait gives each a try.
func (r *request) leads(status replica.Status) bool {
	return status == replica.StatusNotPrimary || r.hasty && status == replica.StatusUnavailable
}

// backOff waits as long as an overloaded node says, and up to half as long again, lest all come back together. The refusal
// is final when the budget is used up, or the time is: more requests would not help the node.
func (r *request) backOff(now time.Time, a arrival) {
	after := min(a.reply.Result.RetryAfter, replica.RetryAfterMax)
	if after > 0 {
		a.from.window.narrow()
	}
	after = max(after, r.backoff/2)
	wait := time.Duration((1 + rand.Float64()/2) * float64(after))
	if now.Add(wait).After(r.deadline) || !r.client.budget.spend() {
		r.no, r.refusal = a, true
		r.next, r.holding = now.Add(othersFor), true
		return
	}
	r.next, r.holding, r.free = now.Add(wait), true, true
	r.backoff = min(2*r.backoff, backoffMax)
}

// pause waits before the next attempt, longer each time. Every second pause ends at another member, lest a primary that
// was deposed without knowing it keep the request.
func (r *request) pause(now time.Time, from *peer) {
	r.pauses++
	r.elsewhere = r.pauses%2 == 0 && r.client.layout.primary(r.call.slot) == from.addr
	r.next = now.Add(time.Duration((0.5 + rand.Float64()/2) * float64(r.backoff)))
	if !r.client.budget.spend() {
		r.next = now.Add(backoffSparse)
	}
	r.holding, r.free = true, true
	r.leave() // who waits for a primary takes nobody's place
	r.backoff = min(2*r.backoff, backoffMax)
}
