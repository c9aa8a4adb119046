package client

import (
	"cmp"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// suspicion is how long a node that let an attempt time out is asked only if nobody else can be.
const suspicion = time.Second

// peer is one node's address, with a link that keeps a connection to it. Every connection subscribes to the layout.
type peer struct {
	client *Client
	addr   string
	window *window
	link   *wire.Link // set right after the peer is made; only [peers] uses it

	conn    atomic.Pointer[wire.Conn] // up, and its node of our cluster; else nil
	heard   atomic.Int64              // when something last came, in nanoseconds since the client's start
	suspect atomic.Int64              // until when, in nanoseconds since the client's start

	mu        sync.Mutex // guards the fields below
	greeting  greeting
	refusal   error  // why we ended the connection; down takes it
	err       error  // why the last attempt or connection failed; nil while up or not yet tried
	complaint string // the refusal that was logged last
}

// greeting is the beginning of a connection. Nobody knows which cluster's node has answered until its first layout has
// come: before that the connection is not used, and what else it says has nobody waiting for it.
type greeting struct {
	conn     *wire.Conn
	accepted chan struct{} // closed when the layout was
}

var _ wire.Handler = (*peer)(nil)

// greet runs on the link's goroutine when a connection is made, and returns when the node's layout is accepted, or the
// connection has ended.
func (p *peer) greet(ctx context.Context, conn *wire.Conn) error {
	accepted := make(chan struct{})
	p.mu.Lock()
	p.greeting = greeting{conn, accepted}
	p.mu.Unlock()
	if err := conn.Send(0, &appender{&replica.LayoutWanted{}}); err != nil {
		return err
	}
	select {
	case <-accepted:
		return nil
	case <-ctx.Done():
		return cmp.Or(conn.Err(), ctx.Err())
	}
}

// welcome makes a connection usable when its first layout is accepted; later ones change nothing.
func (p *peer) welcome(conn *wire.Conn) {
	p.mu.Lock()
	g := p.greeting
	if g.conn != conn {
		p.mu.Unlock()
		return
	}
	p.greeting, p.err = greeting{}, nil
	p.mu.Unlock()
	p.conn.Store(conn)
	close(g.accepted)
	p.client.changed(nil)
}

// down runs on the link's goroutine when an attempt failed or the connection ended.
func (p *peer) down(err error, _ time.Duration) {
	p.mu.Lock()
	refusal, wasUp := p.refusal, p.err == nil
	err = plain(cmp.Or(refusal, err), p.client.conf.isKeyless()) // what made us close says more than that we did
	p.refusal, p.err = nil, err
	unheard := refusal != nil && p.complaint != refusal.Error()
	if unheard {
		p.complaint = refusal.Error()
	}
	p.mu.Unlock()
	switch log := p.client.conf.Log; {
	case unheard:
		log.Warn("node is not understood", "node", p.addr, "error", err)
	case wasUp:
		log.Info("node is not connected", "node", p.addr, "error", err)
	}
	p.client.changed(nil)
}

// Frames takes what the node says. Something that cannot be understood ends the connection.
func (p *peer) Frames(conn *wire.Conn, _ int, frames []wire.Frame) {
	now := p.client.now()
	p.suspect.Store(0)
	p.heard.Store(int64(now))
	for _, f := range frames {
		if err := p.frame(conn, f, now); err != nil {
			p.refuse(conn, err)
			return
		}
	}
}

func (p *peer) frame(conn *wire.Conn, f wire.Frame, now time.Duration) error {
	answer := arrival{from: p}
	switch is, err := wire.DecodeReply(f, now, &answer.reply); {
	case err != nil:
		return err
	case is:
		p.client.calls.deliver(answer.reply.Token, conn, answer)
		return nil
	}
	m, err := wire.Decode(f, now)
	if err != nil {
		return err
	}
	return p.take(conn, m)
}

func (p *peer) take(conn *wire.Conn, m replica.Message) error {
	c := p.client
	switch m := m.(type) {
	case *replica.AdminReply:
		reply := replica.Reply{Result: replica.Result{Status: m.Status, Detail: m.Detail}}
		c.calls.deliver(m.Token, conn, arrival{from: p, reply: reply, json: m.JSON})
	case *replica.Layout:
		return p.told(conn, m)
	}
	return nil // for somebody newer
}

// told takes the node's layout.
func (p *peer) told(conn *wire.Conn, m *replica.Layout) error {
	c := p.client
	news, err := c.layout.apply(c.now(), p, m)
	if err != nil {
		return err
	}
	if news.foundedAnew {
		c.conf.Log.Warn("the cluster was founded anew; sessions of the old one are gone", "node", p.addr)
	}
	p.welcome(conn)
	c.calls.moved(news.moved...)
	c.peers.wake()
	return nil
}

// refuse ends a connection for what came on it; down, which comes after, tells.
func (p *peer) refuse(conn *wire.Conn, err error) {
	p.mu.Lock()
	p.refusal = cmp.Or(p.refusal, err)
	p.mu.Unlock()
	conn.Close(err.Error())
}

// Closed ends a connection: requests that wait for it go elsewhere.
func (p *peer) Closed(conn *wire.Conn, _ error) {
	p.conn.CompareAndSwap(conn, nil)
	p.client.layout.forget(p.client.now(), p)
	p.client.changed(conn)
}

// Gossip refuses what nodes do not send to clients.
func (p *peer) Gossip(_ *wire.Conn, s net.Conn) { _ = s.Close() } // nothing to lose

// usable is the connection, if it is up and not suspected of hanging.
func (p *peer) usable() *wire.Conn {
	if until := p.suspect.Load(); until != 0 && p.client.now() < time.Duration(until) {
		return nil
	}
	return p.conn.Load()
}

func (p *peer) doubt() { p.suspect.Store(int64(p.client.now() + suspicion)) }

// silentSince reports whether nothing has come from the peer since then. One that answers others may only wait for a backup
// that died.
func (p *peer) silentSince(then time.Duration) bool { return time.Duration(p.heard.Load()) < then }

func (p *peer) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// appender is a message that is sent once, outside any call.
type appender struct{ m replica.Message }

// AppendFrame encodes the message.
func (a *appender) AppendFrame(b []byte) []byte { return wire.AppendMessage(b, a.m, 0) }
