package node

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// waiter is who gets the answer to a request that is under way: a connection, or a caller in this process.
type waiter struct {
	conn   *wire.Conn // and there
	source *source    // of conn
	token  uint64     // the asker's own

	own  *wait // or a caller
	here bool  // it asks this node alone, if that leads

	kind   kind
	id     replica.RequestID // while requests are traced
	slot   uint32
	began  time.Duration // Instant.Mono when this node's core was asked
	waits  bool          // for a lock: how long says nothing about this node
	to     replica.Boot  // the member that it was passed on to; zero: this node's core
	expiry time.Duration // Instant.Mono after which a passed-on request is given up
}

const (
	// forwardFor is how long a request that was passed on waits for its answer.
	forwardFor = 2 * time.Second
	// hopsMax is how often a request may be passed on: by the node that the client asked.
	hopsMax = 1
)

// request takes a client's request, or one that another node passed on.
func (n *Node) request(now replica.Instant, s *source, c *wire.Conn, m *replica.Request) {
	w := waiter{conn: c, source: s, token: m.Token}
	if app := m.Key().App; !s.peer.Opens(app) {
		n.answer(w, replica.Result{Status: replica.StatusForbidden, Detail: "it opens the application " + strconv.Quote(s.peer.App) + " alone"})
		return
	}
	if s.peer.Role != wire.RoleNode {
		m.Hops = 0
	}
	if m.Lock != nil {
		m.Lock.Owner = s.owner()
	}
	n.serve(now, w, m)
}

// serve answers a request here, or passes it on to the slot's primary. It reports whether it took it.
func (n *Node) serve(now replica.Instant, w waiter, m *replica.Request) bool {
	w.kind = kindOf(m)
	if err := m.Validate(n.cfg.Slots); err != nil {
		n.answer(w, replica.ResultOf(err))
		return true
	}
	w.slot = m.SlotOf(n.cfg.Slots)
	if w.here && n.core.Claim(w.slot).Primary != n.self.Boot {
		return false
	}
	if r, refused := n.overloaded(w, m); refused {
		n.answer(w, r)
		return true
	}
	n.token++
	t := n.token
	if n.forward(now, t, w, m) {
		return true
	}
	w.began = now.Mono
	w.waits = m.Lock != nil
	n.traceTaken(&w, m)
	n.enter(t, w)
	n.top.request(now.Mono, m)
	n.core.Request(now, w.slot, t, m, &n.effects)
	return true
}

// forward passes a request on, or refuses it when nobody waits for its answer any more, if another member is the slot's primary,
// knows of what this node holds and can be reached, and it was not passed on before.
func (n *Node) forward(now replica.Instant, t replica.Token, w waiter, m *replica.Request) bool {
	primary := n.core.Claim(w.slot).Primary
	c := n.conns.to(primary)
	if primary == n.self.Boot || c == nil || m.Hops >= hopsMax || !n.core.Refers(w.slot) {
		return false
	}
	if m.Late(now, &n.cfg.Limits) {
		n.answer(w, replica.Result{Status: replica.StatusTooLate})
		return true
	}
	on := &n.out.request
	*on = *m
	on.Token, on.Hops = uint64(t), m.Hops+1
	n.out.now = now.Mono
	if n.queueAny(c, on) != nil {
		return false
	}
	w.to, w.expiry = primary, now.Mono+forwardFor
	if w.own != nil {
		w.own.abroad = true
	}
	n.tracePassedOn(&w, m)
	n.enter(t, w)
	return true
}

// enter notes that a request is under way.
func (n *Node) enter(t replica.Token, w waiter) {
	n.waiters[t] = w
	if w.source != nil {
		w.source.underWay++
	}
}

// remove ends the waiting of a request.
func (n *Node) remove(t replica.Token, w waiter) {
	delete(n.waiters, t)
	if w.source != nil {
		w.source.underWay--
	}
}

// forwarded takes the answer to a request that was passed on.
func (n *Node) forwarded(m *replica.Reply) {
	w, ok := n.waiters[replica.Token(m.Token)]
	if !ok || w.to == 0 {
		return
	}
	n.remove(replica.Token(m.Token), w)
	if m.Result.Status == replica.StatusNotPrimary {
		m.Result.Status = replica.StatusUnavailable // the layout is changing: try again here or there
	}
	n.answer(w, m.Result)
}

// finish hands the core's answer over, and tells the core how long it took as primary.
func (n *Node) finish(now replica.Instant, t replica.Token, r replica.Result) {
	if w, ok := n.waiters[t]; ok {
		n.remove(t, w)
		n.answer(w, r)
		took := now.Mono - w.began
		n.tally.took[w.kind].add(took)
		if !r.Status.Retryable() && !w.waits {
			n.core.Observe(took)
			if r.Copies > 1 {
				n.overload.committed(took, n.cfg.Lease)
			}
		}
	}
}

// answer sends or hands over a result. It never blocks.
func (n *Node) answer(w waiter, r replica.Result) {
	n.tally.answered(&w, &r)
	n.traceAnswer(&w, &r)
	if w.conn == nil {
		w.own.answer <- r
		return
	}
	reply := &n.out.reply
	*reply = replica.Reply{Token: w.token, Result: r}
	if r.Status == replica.StatusNotPrimary || r.Status == replica.StatusUnavailable {
		reply.Claim = n.core.Claim(w.slot)
	}
	if errors.Is(n.queueAny(w.conn, reply), wire.ErrQueueFull) {
		w.conn.Close("answers are not being read") // a slow reader must not cost memory
	}
}

// failForwards gives up the requests that were passed on to a member that is not connected any more.
func (n *Node) failForwards(boot replica.Boot) {
	n.giveUp(func(w waiter) bool { return w.to == boot })
}

// failMoved gives up the requests that were passed on to a member that is not their slot's primary any more.
func (n *Node) failMoved() {
	n.giveUp(func(w waiter) bool { return w.to != 0 && n.core.Claim(w.slot).Primary != w.to })
}

// expireForwards gives up the requests that were passed on and not answered in time.
func (n *Node) expireForwards(now replica.Instant) {
	if len(n.waiters) > 0 {
		n.giveUp(func(w waiter) bool { return w.to != 0 && now.Mono > w.expiry })
	}
}

// abandon gives every request up: the node is closed.
func (n *Node) abandon() { n.giveUp(func(waiter) bool { return true }) }

func (n *Node) giveUp(which func(waiter) bool) {
	for t, w := range n.waiters {
		if which(w) {
			n.remove(t, w)
			n.answer(w, replica.Result{Status: replica.StatusUnavailable, Unsure: true})
		}
	}
}

// Load reads a session, as the client's Store has it: without a network if this node is the primary of its slot. It
// waits for a primary as long as ctx allows, five seconds by default, or not at all, see replica.WithoutWaiting.
func (n *Node) Load(ctx context.Context, l *replica.Load) (replica.Result, error) {
	own, _ := n.loads.Get().(*ownLoad)
	if own == nil {
		own = new(ownLoad)
	}
	own.load = *l
	own.Load = &own.load
	res, how, err := n.do(ctx, &own.Request, true)
	if how == atOnce || how == elsewhere { // nobody holds on to it
		*own = ownLoad{}
		n.loads.Put(own)
	}
	if how != elsewhere {
		return res, err
	}
	return n.cache.Load(l, func(l replica.Load) (replica.Result, error) {
		own := &ownLoad{load: l}
		own.Load = &own.load
		res, _, err := n.do(ctx, &own.Request, false)
		return res, err
	})
}

// ownLoad is a load of this process.
type ownLoad struct {
	replica.Request
	load replica.Load
}

// ownCommit is a commit of this process.
type ownCommit struct {
	replica.Request
	commit replica.Commit
}

// Commit changes a session, as the client's Store has it. A commit without a request id or not-after time is given
// them, so that it takes effect once however often it is tried.
func (n *Node) Commit(ctx context.Context, c *replica.Commit) (replica.Result, error) {
	own := &ownCommit{commit: *c}
	n.identify(&own.commit.Request)
	own.Commit = &own.commit
	res, how, err := n.do(ctx, &own.Request, false)
	if how == abroad || err != nil { // what this node leads is not kept beside
		n.cache.Committed(c, &res, err)
	}
	return res, err
}

// Lock asks for a session's lock, or speaks for one that is held, as the client's Store has it.
func (n *Node) Lock(ctx context.Context, l *replica.Lock) (replica.Result, error) {
	own := *l
	n.identify(&own.Request)
	res, _, err := n.do(ctx, &replica.Request{Lock: &own}, false)
	return res, err
}

// List lists sessions of one slot, as the client's Store has it.
func (n *Node) List(ctx context.Context, l *replica.List) (replica.Result, error) {
	own := *l
	res, _, err := n.do(ctx, &replica.Request{List: &own}, false)
	return res, err
}

// Slots is the number of slots of the cluster, for List.
func (n *Node) Slots(context.Context) (int, error) { return n.cfg.Slots, nil }

// identify gives a request that does not name itself an id of its own. A boot is as good as a client's number: nobody else
// draws it.
func (n *Node) identify(id *replica.RequestID) {
	if id.IsZero() {
		*id = replica.RequestID{Client: uint64(n.self.Boot), Seq: n.asked.Add(1)}
	}
}

// limit gives a local request that has no end one, unless it is a load that is no access: that may come at any time.
func limit(now replica.Instant, m *replica.Request) {
	var end *int64
	switch {
	case m.Commit != nil:
		end = &m.Commit.NotAfter
	case m.Lock != nil:
		end = &m.Lock.NotAfter
	case m.List != nil:
		end = &m.List.NotAfter
	case m.Load != nil && !m.Load.Peek:
		end = &m.Load.NotAfter
	}
	if end != nil && *end == 0 {
		*end = now.Wall + requestFor.Milliseconds()
	}
}

const (
	// requestFor is how long a local request is tried when its context has no deadline.
	requestFor = 5 * time.Second
	// retryEvery is the pause before a local request is tried again.
	retryEvery = 10 * time.Millisecond
	// hastyFor is how long a local request that does not wait gives the primary: one that has died answers nothing, and
	// nobody knows before this that it has.
	hastyFor = 300 * time.Millisecond
)

// way is how a local request came to its answer.
type way int

const (
	atOnce    way = iota // nobody holds on to it
	waited               // somebody may
	abroad               // the same, and another node was asked
	elsewhere            // it was not asked: another node leads, as far as this one knows
)

// wait is what a local request waits with.
type wait struct {
	answer chan replica.Result // has room for the one answer
	timer  *time.Timer         // stopped while nobody waits
	abroad bool                // it was passed on; guarded by the node's mutex until there is an answer
}

func newWait() *wait {
	w := &wait{answer: make(chan replica.Result, 1), timer: time.NewTimer(time.Hour)}
	w.timer.Stop()
	return w
}

// do serves a local request, again and again while its slot has no primary, unless it does not wait; or not at all, if it is
// for this node alone and another one leads.
func (n *Node) do(ctx context.Context, m *replica.Request, here bool) (replica.Result, way, error) {
	if err := ctx.Err(); err != nil {
		return replica.Result{Status: replica.StatusUnavailable}, atOnce, err
	}
	w, _ := n.waits.Get().(*wait)
	if w == nil {
		w = newWait()
	}
	w.abroad = false
	if !n.try(w, m, here) {
		n.waits.Put(w)
		return replica.Result{}, elsewhere, nil
	}
	select {
	case r := <-w.answer:
		if !r.Status.Retryable() {
			n.waits.Put(w)
			r, err := final(m, r, false)
			return r, atOnce, err
		}
		w.answer <- r // there is room: it was the only one
	default:
	}
	r, answered, err := n.await(ctx, w, m)
	w.timer.Stop()
	how := waited
	if answered {
		if w.abroad {
			how = abroad
		}
		n.waits.Put(w)
	}
	return r, how, err
}

// try has a local request answered here or elsewhere, once; or reports that it is for this node alone and another one leads.
func (n *Node) try(w *wait, m *replica.Request, here bool) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.cfg.Clock()
	limit(now, m)
	if !n.serve(now, waiter{own: w, here: here}, m) {
		return false
	}
	n.dispatch(now)
	return true
}

// await waits for the answer to a request that was tried, and tries again while that is no final one. answered: nobody is
// about to send another.
func (n *Node) await(ctx context.Context, w *wait, m *replica.Request) (r replica.Result, answered bool, err error) {
	hasty := !replica.Waits(ctx)
	limit, late := requestFor, context.DeadlineExceeded
	if hasty && m.Lock == nil { // a lock's answer may take its time
		limit, late = hastyFor, replica.ErrUnavailable
	}
	w.timer.Reset(limit)
	unsure := false // an earlier attempt may have taken effect
	for {
		select {
		case r = <-w.answer:
		case <-ctx.Done():
			return replica.Result{Status: replica.StatusUnavailable}, false, ctx.Err()
		case <-w.timer.C:
			return replica.Result{Status: replica.StatusUnavailable}, false, late
		}
		if hasty && r.Status == replica.StatusNotPrimary {
			r.Status = replica.StatusUnavailable // the primary cannot be reached from here
		}
		if !r.Status.Retryable() || hasty && r.Status == replica.StatusUnavailable {
			r, err = final(m, r, unsure)
			return r, true, err
		}
		unsure = unsure || r.Unsure
		select {
		case <-time.After(again(&r)):
		case <-ctx.Done():
			return r, true, r.Err()
		case <-w.timer.C:
			return r, true, r.Err()
		case <-n.ctx.Done():
			return r, true, ErrClosed
		}
		n.try(w, m, false)
	}
}

// final is the answer to a local request. A refusal of a commit says nothing of an earlier attempt that may have taken effect
// elsewhere, on the other side of a split perhaps, unless every node would refuse it.
func final(m *replica.Request, r replica.Result, unsure bool) (replica.Result, error) {
	switch unsure = (unsure || r.Unsure) && m.Commit != nil && !r.Status.SpeaksForAll(); {
	case unsure && r.Status.Retryable():
		return r, fmt.Errorf("%w; %w", replica.ErrOutcomeUnknown, r.Err())
	case unsure && r.Status == replica.StatusDestroyed: // a logout beats whatever was done
		return replica.Result{}, fmt.Errorf("%w; %w", replica.ErrOutcomeUnknown, r.Err())
	case unsure: // who tests for replica.ErrChanged to try again would do it twice
		return replica.Result{}, fmt.Errorf("%w; refused at last: %s", replica.ErrOutcomeUnknown, r.Err().Error())
	}
	return r, r.Err()
}
