package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/quic-go/quic-go"
)

// Handler gets what arrives on a connection. Calls for one lane come one after the other, in the order sent; lanes and
// gossip streams call at the same time. A handler that is slow stops only its own stream, in the end at the sender's
// queue. Methods may call Send and Close on the connection, but must not wait for its Done.
type Handler interface {
	// Frames gets all the frames of a lane that have arrived, at least one, on the lane's own goroutine. The frames and
	// their payloads are valid during the call only. A frame that the peer's role forbids ends the connection instead.
	Frames(c *Conn, lane int, frames []Frame)
	// Gossip gets a gossip stream that another node opened, and owns it: it must be closed. The call must soon return.
	Gossip(c *Conn, s net.Conn)
	// Closed is the last call, exactly one, made when every goroutine of the connection has returned; err is never nil.
	Closed(c *Conn, err error)
}

// Conn is a connection to one peer, from Endpoint.Dial or Endpoint.Accept. Its owner must call Start, or Close if it does
// not want it. All methods may be called from any goroutine.
type Conn struct {
	endpoint *Endpoint
	quic     *quic.Conn
	peer     Peer
	lanes    []*lane       // fixed when the connection is made
	done     chan struct{} // closed after Handler.Closed has returned

	gossipSlots chan struct{} // one element per open incoming gossip stream

	startOnce sync.Once
	tasks     sync.WaitGroup // lane readers and writers, the acceptor of gossip streams, calls of Handler.Gossip
	handler   Handler        // set by Start, before any goroutine that reads it
}

func newConn(e *Endpoint, qc *quic.Conn, peer Peer, streams []*quic.Stream) *Conn {
	c := &Conn{
		endpoint:    e,
		quic:        qc,
		peer:        peer,
		done:        make(chan struct{}),
		gossipSlots: make(chan struct{}, e.conf.GossipStreamsMax),
	}
	for i, s := range streams {
		c.lanes = append(c.lanes, newLane(i, s, e.conf.FrameSizeMax, e.conf.QueueSizeMax))
	}
	return c
}

// Start begins to read and to write; until then Send only queues. Calls after the first do nothing.
func (c *Conn) Start(h Handler) {
	c.startOnce.Do(func() {
		c.handler = h
		for _, l := range c.lanes {
			c.run(l.write)
			c.run(func() error { return c.readLane(l) })
		}
		c.run(c.acceptGossip)
		// The supervisor owns the end of the connection: it stops when the other goroutines have, and Endpoint.Close
		// joins it.
		c.endpoint.tasks.Go(c.supervise)
	})
}

// run starts one of the connection's goroutines, which the supervisor joins. An error of one ends all, by closing the
// connection, on which all of them wait.
func (c *Conn) run(task func() error) {
	c.tasks.Go(func() {
		if err := task(); err != nil {
			c.fail(err)
		}
	})
}

// supervise waits for the end of the connection, joins its goroutines and reports it.
func (c *Conn) supervise() {
	<-c.quic.Context().Done()
	for _, l := range c.lanes {
		l.close()
	}
	c.tasks.Wait()
	c.handler.Closed(c, c.Err())
	close(c.done)
}

// Send queues m's frame on a lane and returns at once; frames of one lane arrive in the order of the calls. It gives no
// promise that the frame arrives: that is for an answer to say. Errors: ErrQueueFull and ErrFrameTooLarge, after which
// the connection goes on; ErrClosed; ErrLane. Nothing is sent when there is an error.
func (c *Conn) Send(lane int, m Appender) error {
	if lane < 0 || lane >= len(c.lanes) {
		return fmt.Errorf("%w: %d of %d", ErrLane, lane, len(c.lanes))
	}
	return c.lanes[lane].send(m)
}

// SendBySize is Send on one lane, or on another, large, if the frame's payload is longer than LargeFrame. It returns the
// lane that was chosen. Small frames gather on one lane: the fewer lanes, the more frames in a packet, and what wakes a
// reader counts for more than what it reads.
func (c *Conn) SendBySize(lane, large int, m Appender) (int, error) {
	if max(lane, large) >= len(c.lanes) || min(lane, large) < 0 {
		return 0, fmt.Errorf("%w: %d and %d of %d", ErrLane, lane, large, len(c.lanes))
	}
	if lane == large {
		return lane, c.lanes[lane].send(m)
	}
	moved, err := c.lanes[lane].sendUpTo(LargeFrame, m)
	if moved == nil {
		return lane, err
	}
	return large, c.lanes[large].send(moved)
}

// Lanes returns the number of lanes.
func (c *Conn) Lanes() int { return len(c.lanes) }

// Queued returns how many bytes wait on a lane, those being written included; 0 for a lane that there is not.
func (c *Conn) Queued(lane int) int {
	if lane < 0 || lane >= len(c.lanes) {
		return 0
	}
	return c.lanes[lane].queued()
}

// Peer returns what the other side's certificate proves.
func (c *Conn) Peer() Peer { return c.peer }

// RemoteAddr returns the address that packets to the peer go to.
func (c *Conn) RemoteAddr() net.Addr { return c.quic.RemoteAddr() }

// Done is closed when a started connection has ended and Handler.Closed has returned.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err returns why the connection has ended, one of the package's errors where there is one that fits, or nil while it
// lives.
func (c *Conn) Err() error {
	if c.quic.Context().Err() == nil {
		return nil
	}
	return cause(c.quic.Context())
}

// Close ends the connection at once: what is queued is lost, and the peer gets ErrPeerClosed with the reason, cut to
// 200 bytes. It does not wait for Done.
func (c *Conn) Close(reason string) {
	_ = c.quic.CloseWithError(codeClosed, reason[:min(len(reason), 200)]) // always nil
}

// fail ends the connection for an error of one of its goroutines. If the connection had ended before, this is one of
// the consequences, and changes nothing.
func (c *Conn) fail(err error) {
	code := codeProtocol
	if errors.Is(err, ErrRole) {
		code = codeRole
	}
	text := err.Error()
	_ = c.quic.CloseWithError(code, text[:min(len(text), 200)]) // always nil
}

// readLane hands frames to the handler until the stream fails.
func (c *Conn) readLane(l *lane) error {
	r := newFrameReader(l.stream, c.endpoint.conf.FrameSizeMax)
	for {
		frames, err := r.next()
		if err == io.EOF {
			return fmt.Errorf("%w: lane %d was closed alone", ErrProtocol, l.number)
		}
		if err != nil {
			return err
		}
		for i := range frames {
			if err := c.peer.maySend(frames[i].Type); err != nil {
				return err
			}
		}
		c.handler.Frames(c, l.number, frames)
	}
}

// acceptGossip hands incoming gossip streams to the handler, one after the other; at most GossipStreamsMax are open.
func (c *Conn) acceptGossip() error {
	ctx := c.quic.Context()
	for {
		select {
		case c.gossipSlots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		s, err := c.quic.AcceptStream(ctx)
		if err != nil {
			return err
		}
		c.run(func() error { return c.serveGossip(newGossipStream(c, s, func() { <-c.gossipSlots })) })
	}
}

func (c *Conn) serveGossip(s *gossipStream) error {
	if err := c.mayGossip(); err != nil {
		return err
	}
	h, err := readHeader(s)
	if err == nil && h.kind != kindGossip {
		err = fmt.Errorf("%w: late stream of kind %d", ErrProtocol, h.kind)
	}
	if err != nil {
		_ = s.Close() // the error at hand says more
		return streamError(err)
	}
	c.handler.Gossip(c, s)
	return nil
}

// mayGossip reports whether both sides are nodes.
func (c *Conn) mayGossip() error {
	if c.peer.Role != RoleNode || c.endpoint.conf.Role != RoleNode {
		return fmt.Errorf("%w: gossip is between nodes", ErrRole)
	}
	return nil
}

// OpenGossip opens a gossip stream, to be closed by the caller. It waits while GossipStreamsMax are open; ctx limits that
// wait, not the stream's life. Errors: ErrRole, ErrClosed and the like, ctx's.
func (c *Conn) OpenGossip(ctx context.Context) (net.Conn, error) {
	if err := c.mayGossip(); err != nil {
		return nil, err
	}
	s, err := c.quic.OpenStreamSync(ctx)
	if err != nil {
		return nil, explain(err)
	}
	s.SetPriority(2, true)
	g := newGossipStream(c, s, func() {})
	if _, err := s.Write(header{kind: kindGossip}.encode()); err != nil {
		_ = g.Close() // the error at hand says more
		return nil, explain(err)
	}
	return g, nil
}

// streamError keeps what concerns the whole connection: a peer that takes its single stream back has done no wrong.
func streamError(err error) error {
	if _, reset := errors.AsType[*quic.StreamError](err); reset || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
