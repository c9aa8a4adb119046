package client

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sessnode/sessnode/cache"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// Client is a [Store] over the network. It is safe for concurrent use; a process needs one per application.
//
// Every request ends by the context's deadline or Config.Timeout, whichever is first. Until then the client goes
// straight to the slot's primary, follows when that moves, asks others when it is silent, and pauses a little when the
// slot has no primary. A request that is retried is the same request to the cluster: it takes effect once.
type Client struct {
	conf     Config
	endpoint *wire.Endpoint
	layout   *layout
	peers    *peers
	calls    *calls
	cache    *cache.Cache
	tally    tally
	started  time.Time // zero of now

	budget budget // of requests that are sent again

	id  uint64        // names this client in request ids; random
	seq atomic.Uint64 // last request id given

	news      chan struct{} // capacity 1: a connection came, went or failed; for Dial
	done      chan struct{} // closed when Close begins
	stop      context.CancelFunc
	tasks     sync.WaitGroup // the keeper
	closeOnce sync.Once
	closeErr  error
}

var (
	_ Store  = (*Client)(nil)
	_ Locker = (*Client)(nil)
	_ Lister = (*Client)(nil)
)

func newClient(conf Config) (*Client, error) {
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("client: choose an id: %w", err)
	}
	endpoint, err := wire.Listen(wire.EndpointConfig{
		Key: conf.Key, Accept: conf.Accept, PKI: conf.PKI, Role: roleOf(&conf),
		PacketConn: conf.PacketConn, Resolve: conf.Resolve, Logger: conf.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	c := &Client{
		conf: conf, endpoint: endpoint, layout: newLayout(), calls: newCalls(conf.InFlightMax), cache: cache.New(conf.CacheBytes),
		started: time.Now(), id: binary.LittleEndian.Uint64(id[:]),
		news: make(chan struct{}, 1), done: make(chan struct{}),
	}
	c.peers = newPeers(c, conf.Nodes, conf.ConnsMax)
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.tasks.Go(func() { c.peers.keep(ctx) }) // Close joins it
	return c, nil
}

// roleOf is the most that a key or certificate lets a client be: the cluster key opens the status too.
func roleOf(conf *Config) wire.Role {
	if conf.PKI != nil {
		return conf.PKI.Role()
	}
	if conf.Key.IsClient() {
		return wire.RoleClient
	}
	return wire.RoleAdmin
}

// App is the application that the client was dialed for.
func (c *Client) App() string { return c.conf.App }

// Load reads a session. Of one that was loaded before only what has changed since travels: the slot's primary is asked
// whether what this client kept is the newest, see Config.CacheBytes; of what is kept Touched and Accessed are those of
// when it came. The error is that of the result, or says why there is none: ErrOverloaded, ErrClosed, the
// context's error, or one that is both context.DeadlineExceeded and replica.ErrUnavailable and tells what was tried.
func (c *Client) Load(ctx context.Context, l *replica.Load) (replica.Result, error) {
	if err := l.Key.Validate(); err != nil {
		return replica.Result{}, err
	}
	s, again := c.begin(ctx), false
	return c.cache.Load(l, func(l replica.Load) (replica.Result, error) {
		if again {
			s.began = time.Now()
		}
		again = true
		if latest := s.deadline.UnixMilli(); l.NotAfter == 0 || l.NotAfter > latest {
			l.NotAfter = latest // or a copy that waited on its way would count as an access long after
		}
		return c.ask(ctx, s, c.layout.slotOf(l.Key), func(to *call) {
			to.load = l
			to.request.Load = &to.load
		})
	})
}

// ask has a request answered that changes nothing, or nothing that matters when it is not, as roundTrip does.
func (c *Client) ask(ctx context.Context, s span, slot uint32, put func(*call)) (replica.Result, error) {
	res, trail, err := c.roundTrip(ctx, s, slot, put)
	if err != nil {
		return res, trail.explain(err, false)
	}
	return res, res.Err()
}

// Lock asks for a session's lock, or speaks for one that is held. Errors are those of Load, and ErrLocked and
// ErrLockLost.
func (c *Client) Lock(ctx context.Context, l *replica.Lock) (replica.Result, error) {
	if err := l.Key.Validate(); err != nil {
		return replica.Result{}, err
	}
	sent := *l
	s := c.begin(ctx)
	c.identify(&sent.Request, &sent.NotAfter, s.deadline)
	return c.ask(ctx, s, c.layout.slotOf(sent.Key), func(to *call) { to.request.Lock = &sent })
}

// List lists sessions of one slot. Errors are those of Load.
func (c *Client) List(ctx context.Context, l *replica.List) (replica.Result, error) {
	slots, err := c.Slots(ctx)
	if err == nil {
		err = l.Validate(slots)
	}
	if err != nil {
		return replica.Result{}, err
	}
	s := c.begin(ctx)
	sent := *l
	if latest := s.deadline.UnixMilli(); sent.NotAfter == 0 || sent.NotAfter > latest {
		sent.NotAfter = latest
	}
	return c.ask(ctx, s, sent.Slot, func(to *call) { to.request.List = &sent })
}

// Slots is the number of slots of the cluster, for List. It fails while no node was ever reached.
func (c *Client) Slots(context.Context) (int, error) {
	if n := c.layout.slots(); n > 0 {
		return n, nil
	}
	return 0, fmt.Errorf("%w: no node was reached yet", replica.ErrUnavailable)
}

// identify gives a request that does not name itself an id, and sees to it that it does not take effect after deadline.
func (c *Client) identify(id *replica.RequestID, notAfter *int64, deadline time.Time) {
	if id.IsZero() {
		*id = replica.RequestID{Client: c.id, Seq: c.seq.Add(1)}
	}
	if latest := deadline.UnixMilli(); *notAfter == 0 || *notAfter > latest {
		*notAfter = latest
	}
}

// Commit applies a change. A commit without Request gets one, and NotAfter is never later than the client waits, so that
// nothing takes effect long after the answer. Errors are those of Load; when the commit may have taken effect at a node that
// did not answer the error is ErrOutcomeUnknown as well, also if another node refused it: that one speaks for itself.
func (c *Client) Commit(ctx context.Context, commit *replica.Commit) (replica.Result, error) {
	if err := commit.Key.Validate(); err != nil {
		return replica.Result{}, err
	}
	switch {
	case len(commit.Changes) > changesMax:
		return replica.Result{}, errTooMany
	case commit.Durability > replica.DurableNone: // which nodes take for a broken connection
		return replica.Result{}, fmt.Errorf("%w: durability %d is none of all, one, none", replica.ErrBadRequest, commit.Durability)
	}
	s := c.begin(ctx)
	sent := *commit
	c.identify(&sent.Request, &sent.NotAfter, s.deadline)
	res, trail, err := c.roundTrip(ctx, s, c.layout.slotOf(sent.Key), func(to *call) {
		to.commit = sent
		to.request.Commit = &to.commit
	})
	if err == nil && res.Status != replica.StatusOK && trail.unsure > 0 {
		refused := res
		err = &onesidedError{&refused}
	}
	if err != nil {
		return replica.Result{}, trail.explain(err, trail.unsure > 0)
	}
	c.cache.Committed(commit, &res, res.Err())
	return res, res.Err()
}

// roundTrip has the request about a slot answered that put sets.
func (c *Client) roundTrip(ctx context.Context, s span, slot uint32, put func(*call)) (replica.Result, trail, error) {
	if err := ctx.Err(); err != nil {
		return replica.Result{}, trail{}, err
	}
	call, err := c.calls.begin(slot)
	if err != nil {
		return replica.Result{}, trail{}, err
	}
	defer c.calls.end(call)
	put(call)
	call.request.Token, call.message = call.token, &call.request
	a, trail, err := c.do(ctx, call, s)
	c.traceEnded(&call.request, trail.sends, &a.reply.Result, err)
	return a.reply.Result, trail, err
}

// span is the time that a request has.
type span struct{ began, deadline time.Time }

// begin is the time that a request has which begins now.
func (c *Client) begin(ctx context.Context) span {
	now := time.Now()
	s := span{now, now.Add(c.conf.Timeout)}
	if d, ok := ctx.Deadline(); ok && d.Before(s.deadline) {
		s.deadline = d
	}
	return s
}

// Locate says where the session with an id is or would be, as this client knows it; it asks nobody.
func (c *Client) Locate(_ context.Context, id string) (replica.Location, error) {
	if err := (replica.Key{App: c.conf.App, ID: id}).Validate(); err != nil {
		return replica.Location{}, err
	}
	return c.layout.locate(id), nil
}

// Members is every node that at least one connected node believes alive, by name.
func (c *Client) Members() []replica.Member { return c.layout.list() }

// Close ends all requests with ErrClosed, disconnects, and returns when every goroutine of the client has.
func (c *Client) Close() error {
	c.closeOnce.Do(func() {
		c.calls.close()
		close(c.done)
		c.stop()
		c.tasks.Wait()
		c.peers.close()
		c.closeErr = c.endpoint.Close()
	})
	return c.closeErr
}

// now counts from the client's start.
func (c *Client) now() time.Duration { return time.Since(c.started) }

// learn takes a claim that came with an answer, and moves the requests that it concerns.
func (c *Client) learn(from *peer, claim replica.Claim) {
	if c.layout.learn(from, claim) {
		c.calls.moved(claim.Slot)
	}
}

// changed spreads the word that a connection came or failed, or that lost has ended.
func (c *Client) changed(lost *wire.Conn) {
	c.calls.changed(lost)
	c.peers.wake()
	select {
	case c.news <- struct{}{}:
	default:
	}
}
