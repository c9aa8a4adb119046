package node

import (
	"math/rand/v2"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// When a node has more to do than it can, and what it does then.
const (
	lookEvery  = 100 * time.Millisecond
	turnSlow   = 20 * time.Millisecond  // wait of a batch of requests for its turn
	slowLooks  = 3                      // in a row before the first request is refused
	refuseMore = 0.1                    // of the requests, at each look at which most were slow
	refuseLess = 0.05                   // at each other
	refuseMax  = 0.95                   // so that what is answered shows when it is over
	retryAfter = 100 * time.Millisecond // at least, and up to ten times as long the more is refused
	batchMax   = 64                     // requests of a client in one turn, between which nodes have theirs
)

// overload decides which requests are refused because the node, or its backups, cannot keep up. What counts is what most of
// them met between two looks: if they waited long, work stands in a queue; if fewer did, slots fail over or a client sends in
// bursts, and nobody is refused.
type overload struct {
	turn, commit balance       // waits of batches for their turn; times until commits were on their backups
	looked       time.Duration // Instant.Mono of the last look
	slow         int           // looks in a row at which most of either were slow
	share        float64       // of the requests that are refused. Invariant: 0 <= share <= refuseMax.
	owed         float64       // of the next request, below 1
}

// balance is how many were slow, less those that were not.
type balance int

func (b *balance) add(slow bool) {
	if slow {
		*b++
	} else {
		*b--
	}
}

// turned notes how long a batch waited for its turn.
func (o *overload) turned(d time.Duration) { o.turn.add(d > turnSlow) }

// committed notes how long a commit took that has a copy elsewhere. Slow is half of a lease: where the network is slow the
// lease is long.
func (o *overload) committed(d, lease time.Duration) { o.commit.add(d > lease/2) }

// look takes in what was seen since the last one.
func (o *overload) look(now time.Duration) {
	if now-o.looked < lookEvery {
		return
	}
	o.looked = now
	if o.turn > 0 || o.commit > 0 {
		o.slow++
	} else {
		o.slow = 0
		o.share = max(0, o.share-refuseLess)
	}
	if o.slow >= slowLooks {
		o.share = min(refuseMax, o.share+refuseMore)
	}
	o.turn, o.commit = 0, 0
}

// refuses decides about one request.
func (o *overload) refuses() bool {
	if o.share == 0 {
		return false
	}
	if o.owed += o.share; o.owed < 1 {
		return false
	}
	o.owed--
	return true
}

// refusal answers a request that is not worked on. The more are refused the longer they are to stay away.
func (o *overload) refusal(detail string) replica.Result {
	return replica.Result{
		Status: replica.StatusOverloaded, Detail: detail,
		RetryAfter: time.Duration(float64(retryAfter) / (1 - min(o.share, 0.9))),
	}
}

// overloaded refuses a request that would make the work under way more than the node can do. What makes it less is never
// refused: a logout, a lock that is renewed or given back.
func (n *Node) overloaded(w waiter, m *replica.Request) (replica.Result, bool) {
	lightens := m.Commit != nil && m.Commit.Destroy || m.Lock != nil && !m.Lock.Held.IsZero()
	switch {
	case len(n.waiters) >= n.cfg.Traffic.RequestsMax:
		return n.overload.refusal("too many requests under way on this node"), true
	case w.source != nil && w.source.peer.Role != wire.RoleNode && w.source.underWay >= n.cfg.Traffic.RequestsPerConn:
		return n.overload.refusal("too many requests under way on this connection"), true
	case !lightens && n.overload.refuses():
		return n.overload.refusal(""), true
	}
	return replica.Result{}, false
}

// again is how long a local request waits before it is tried again.
func again(r *replica.Result) time.Duration {
	d := max(r.RetryAfter, retryEvery)
	return d + rand.N(d/2)
}
