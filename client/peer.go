package client

import (
	"context"
	"errors"
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
	link   *wire.Link // set right after the peer is made; only [peers] uses it

	conn    atomic.Pointer[wire.Conn] // up and greeted, else nil
	suspect atomic.Int64              // until when, in nanoseconds since the client's start

	mu  sync.Mutex // guards err
	err error      // why the last attempt or connection failed; nil while up or not yet tried
}

var _ wire.Handler = (*peer)(nil)

// greet runs on the link's goroutine when a connection is made.
func (p *peer) greet(_ context.Context, conn *wire.Conn) error {
	if err := conn.Send(0, &appender{&replica.LayoutWanted{}}); err != nil {
		return err
	}
	p.fail(nil)
	p.conn.Store(conn)
	p.client.changed(nil)
	return nil
}

// down runs on the link's goroutine when an attempt failed or the connection ended.
func (p *peer) down(err error, _ time.Duration) {
	p.conn.Store(nil) // greet may have come after Closed
	if p.failure() == nil {
		p.client.conf.Log.Info("node is not connected", "node", p.addr, "error", err)
	}
	if p.failure() == nil || !errors.Is(err, wire.ErrClosed) && !errors.Is(err, wire.ErrPeerClosed) {
		p.fail(err) // unless what made us close says more
	}
	p.client.changed(nil)
}

// Frames takes what the node says. Something that cannot be understood ends the connection.
func (p *peer) Frames(conn *wire.Conn, _ int, frames []wire.Frame) {
	p.suspect.Store(0)
	now := p.client.now()
	for _, f := range frames {
		m, err := wire.Decode(f, now)
		if err == nil {
			err = p.take(conn, m)
		}
		if err != nil {
			p.client.conf.Log.Warn("node is not understood", "node", p.addr, "error", err)
			p.fail(err)
			conn.Close(err.Error())
			return
		}
	}
}

func (p *peer) take(conn *wire.Conn, m replica.Message) error {
	c := p.client
	switch m := m.(type) {
	case *replica.Reply:
		c.calls.deliver(m.Token, conn, arrival{from: p, reply: *m})
	case *replica.StatusReply:
		c.calls.deliver(m.Token, conn, arrival{from: p, json: m.JSON})
	case *replica.Layout:
		moved, err := c.layout.apply(p, m)
		c.calls.moved(moved...)
		c.peers.wake()
		return err
	}
	return nil // for somebody newer
}

// Closed ends a connection: requests that wait for it go elsewhere.
func (p *peer) Closed(conn *wire.Conn, _ error) {
	p.conn.CompareAndSwap(conn, nil)
	p.client.layout.forget(p)
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

func (p *peer) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func (p *peer) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// appender is a message that is sent once, outside any call.
type appender struct{ m replica.Message }

// AppendFrame encodes the message.
func (a *appender) AppendFrame(b []byte) []byte { return wire.AppendMessage(b, a.m, 0) }
