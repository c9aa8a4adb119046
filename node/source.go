package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// source is one connection's other end. It handles what arrives from there.
type source struct {
	node     *Node
	peer     wire.Peer  // wire lets nothing through that its role forbids
	conn     *wire.Conn // of a watcher; guarded by the node's mutex
	underWay int        // requests that wait for an answer; guarded by the node's mutex
	locks    uint64     // names this connection to locks; zero: it asked for none; guarded by the node's mutex

	mu    sync.Mutex // guards the rest
	boot  replica.Boot
	hello chan struct{} // closed when the peer's Hello has been accepted
}

func newSource(n *Node, peer wire.Peer) *source {
	return &source{node: n, peer: peer, hello: make(chan struct{})}
}

// accept takes connections until the endpoint closes. Close joins it.
func (n *Node) accept() {
	for {
		c, err := n.endpoint.Accept(n.ctx)
		if err != nil {
			return // closed
		}
		s := newSource(n, c.Peer())
		c.Start(s)
		if s.peer.Role == wire.RoleNode {
			s.greet(c)
		}
	}
}

// greet says who this node is.
func (s *source) greet(c *wire.Conn) {
	n := s.node
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.queue(c, 0, n.helloMessage()) // a connection that does not take its first frame is over
}

func (n *Node) helloMessage() *replica.Hello {
	return &replica.Hello{
		Cluster: n.core.Cluster(), Member: n.self, Slots: uint32(n.cfg.Slots), Limits: n.agreement(),
	}
}

// Frames takes a batch of frames of one lane: all are decoded, then stepped under one lock, then what they caused is
// sent, acknowledgements gathered.
func (s *source) Frames(c *wire.Conn, lane int, frames []wire.Frame) {
	n := s.node
	now := n.cfg.Clock()
	messages := make([]replica.Message, 0, len(frames))
	for _, f := range frames {
		m, err := wire.Decode(f, now.Mono)
		if err != nil {
			n.log.Warn("connection closed", "peer", c.RemoteAddr(), "error", err)
			c.Close(err.Error())
			return
		}
		messages = append(messages, m)
	}
	if s.peer.Role == wire.RoleNode {
		s.step(c, lane, messages, now.Mono)
		return
	}
	for batch := range slices.Chunk(messages, batchMax) {
		n.turn.Lock() // nodes need not take turns with all clients: their heartbeats and acknowledgements go first
		s.step(c, lane, batch, now.Mono)
		n.turn.Unlock()
	}
}

// step takes a batch of messages under one lock. What a client asks waits since came for its turn.
func (s *source) step(c *wire.Conn, lane int, messages []replica.Message, came time.Duration) {
	n := s.node
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.cfg.Clock()
	if s.peer.Role != wire.RoleNode {
		n.overload.turned(now.Mono - came)
	}
	for _, m := range messages {
		if m != nil { // nil: a frame of a later version
			s.take(now, c, lane, m)
		}
	}
	n.core.FlushAcks(&n.effects)
	n.dispatch(n.cfg.Clock())
}

// take handles one message. The node's mutex is held.
func (s *source) take(now replica.Instant, c *wire.Conn, lane int, m replica.Message) {
	n := s.node
	switch m := m.(type) {
	case *replica.Request:
		n.request(now, s, c, m)
	case *replica.Reply:
		n.forwarded(m)
	case *replica.LayoutWanted:
		n.watch(s, c)
	case *replica.AdminRequest:
		n.administer(s, c, lane, m)
	case *replica.Hello:
		s.meet(c, m)
	case *replica.GivenUp:
		n.inherit(m)
	default:
		if a, ok := m.(*replica.Ack); ok && len(n.large) > 0 {
			n.large.acked(largeLog{c, a.Slot}, a.Head)
		}
		if u, ok := m.(*replica.Update); ok {
			n.traceUpdate(u)
		}
		if boot := s.who(); boot != 0 {
			n.core.Receive(now, boot, m, &n.effects)
		}
	}
}

// who is the boot at the other end; zero before its Hello.
func (s *source) who() replica.Boot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.boot
}

// meet takes the peer's Hello: a node of another cluster or with other settings is refused, with the reason.
func (s *source) meet(c *wire.Conn, m *replica.Hello) {
	n := s.node
	if err := n.agrees(m.Cluster, int(m.Slots), m.Limits); err != nil {
		c.Close(fmt.Sprintf("%s: %v", m.Member.Name, err))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.boot != 0 {
		return
	}
	s.boot = m.Member.Boot
	close(s.hello)
	if s.boot == n.self.Boot {
		return // a connection to itself, made while looking for the cluster
	}
	n.conns.add(s.boot, c)
	n.core.LinkUp(n.cfg.Clock(), s.boot, &n.effects)
}

// Gossip hands memberlist a stream.
func (s *source) Gossip(_ *wire.Conn, stream net.Conn) { s.node.gossip.transport.incoming(stream) }

// owner names this connection to the locks that are asked for over it, which end with it. The node's mutex is held.
func (s *source) owner() uint64 {
	if s.locks == 0 {
		s.node.owners++
		s.locks = s.node.owners
	}
	return s.locks
}

// Closed forgets the connection.
func (s *source) Closed(c *wire.Conn, err error) {
	n := s.node
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.watchers, s)
	n.large.forget(c)
	if s.locks != 0 {
		n.core.Disown(n.cfg.Clock(), s.locks, &n.effects)
	}
	if boot := s.who(); n.conns.remove(boot, c) {
		n.failForwards(boot)
		switch {
		case n.conns.to(boot) != nil:
			n.core.LinkUp(n.cfg.Clock(), boot, &n.effects) // what was sent over the one that ended may be lost
		case errors.Is(err, wire.ErrPeerRestarted):
			n.core.Refused(boot)
		}
	}
	n.dispatch(n.cfg.Clock())
}

// linkTo keeps a connection to a member. Of two members the one with the lower boot connects.
func (n *Node) linkTo(m replica.Member) *wire.Link {
	h := &linkHandler{node: n, sources: map[*wire.Conn]*source{}}
	return wire.NewLink(wire.LinkConfig{
		Endpoint: n.endpoint,
		Addr:     func() string { return m.Addr },
		Handler:  h,
		OnUp:     func(ctx context.Context, c *wire.Conn) error { return h.greet(ctx, c, m) },
	})
}

// linkHandler gives each connection of a link a source of its own.
type linkHandler struct {
	node    *Node
	mu      sync.Mutex // guards sources
	sources map[*wire.Conn]*source
}

func (h *linkHandler) source(c *wire.Conn) *source {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sources[c]
	if s == nil {
		s = newSource(h.node, c.Peer())
		h.sources[c] = s
	}
	return s
}

// errOtherBoot: the address answers, with another run of the node than the one looked for.
var errOtherBoot = errors.New("another boot answers at the address")

// greet exchanges Hellos.
func (h *linkHandler) greet(ctx context.Context, c *wire.Conn, m replica.Member) error {
	s := h.source(c)
	s.greet(c)
	select {
	case <-s.hello:
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.who() != m.Boot {
		return fmt.Errorf("%w: %s", errOtherBoot, m)
	}
	return nil
}

// Frames implements wire.Handler.
func (h *linkHandler) Frames(c *wire.Conn, lane int, frames []wire.Frame) {
	h.source(c).Frames(c, lane, frames)
}

// Gossip implements wire.Handler.
func (h *linkHandler) Gossip(c *wire.Conn, s net.Conn) { h.source(c).Gossip(c, s) }

// Closed implements wire.Handler.
func (h *linkHandler) Closed(c *wire.Conn, err error) {
	h.source(c).Closed(c, err)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sources, c)
}
