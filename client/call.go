package client

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// Limits of one request.
const (
	callIndexBits = 16 // the low bits of a token are the call's place in the table
	repliesMax    = 16 // answers not yet looked at; more are dropped, as if they had been lost
	asksMax       = 32 // connections that a request was sent on
)

// Lanes that requests travel on, by their size; the first is for control.
const (
	smallLane = 1
	largeLane = 2
)

// call is one request under way: what readers and the caller share. Its caller waits on wake; readers of connections
// and the layout leave there what happened. Calls are used again and again: a new token marks each use.
type call struct {
	wake chan struct{} // capacity 1: something was left, or it is time

	// The caller's own.
	timer   *time.Timer     // signals; stopped while the call is free
	request replica.Request // backs message, but for those to nodes themselves
	load    replica.Load    // backs request for loads: the asker's need not be on the heap
	commit  replica.Commit  // the same for commits
	message replica.Message // what is sent; carries the token
	taken   []arrival       // see take
	ticket  *ticket         // of the last use, for the next; nil: none

	mu    sync.Mutex // guards the fields below; the caller may read token and slot without
	token uint64     // zero while the call is free
	slot  uint32
	asks  []ask
	happened
}

// ask is one sending of the request.
type ask struct {
	conn *wire.Conn
	open bool // an answer may still come
}

// happened is what a caller has not looked at yet.
type happened struct {
	replies []arrival
	moved   bool // the slot's claim rose
	changed bool // a connection came or went
	closed  bool // the client
}

// arrival is an answer and who gave it.
type arrival struct {
	from  *peer
	reply replica.Reply
	json  []byte // of an AdminReply
}

// AppendFrame encodes the request; the connection calls it within send.
func (c *call) AppendFrame(b []byte) []byte { return wire.AppendMessage(b, c.message, 0) }

var _ wire.Appender = (*call)(nil)

// send puts the request on a connection.
func (c *call) send(conn *wire.Conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.asks) == asksMax {
		c.asks = append(c.asks[:0], c.asks[1:]...)
	}
	c.asks = append(c.asks, ask{conn, true})
	_, err := conn.SendBySize(smallLane, largeLane, c) // queues without blocking
	if err != nil {
		c.asks = c.asks[:len(c.asks)-1]
	}
	return err
}

// asked reports whether an answer from conn may still come; with nil, from any.
func (c *call) asked(conn *wire.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.asks {
		if a.open && (conn == nil || a.conn == conn) {
			return true
		}
	}
	return false
}

// tried reports whether the request was ever sent on conn.
func (c *call) tried(conn *wire.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.asks, func(a ask) bool { return a.conn == conn })
}

// deliver leaves an answer, if it is one to the present use of the call by a connection that was asked.
func (c *call) deliver(token uint64, conn *wire.Conn, a arrival) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != token || !c.closeAsks(conn) || len(c.replies) == repliesMax {
		return
	}
	c.replies = append(c.replies, a)
	c.signal()
}

// closeAsks notes that nothing more will come from conn, and reports whether anything could. Called with mu held.
func (c *call) closeAsks(conn *wire.Conn) (was bool) {
	for i := range c.asks {
		if a := &c.asks[i]; a.conn == conn && a.open {
			a.open, was = false, true
		}
	}
	return was
}

// note leaves an event for a call in use; event says whether it concerns the call, whose mu is held.
func (c *call) note(event func(c *call) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != 0 && event(c) {
		c.signal()
	}
}

func (c *call) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// take is what happened since the last take, valid until the next one.
func (c *call) take() happened {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.happened
	c.taken = append(c.taken[:0], h.replies...)
	clear(h.replies)
	c.happened = happened{replies: h.replies[:0]}
	h.replies = c.taken
	return h
}

// calls is the table of all calls; its size bounds how many requests are under way.
type calls struct {
	table  []call
	closed atomic.Bool

	mu   sync.Mutex // guards the fields below
	free []uint32   // places in table; the last is used next, as it is warm
	used uint64     // counts the uses, so that no token comes twice
}

func newCalls(size int) *calls {
	t := &calls{table: make([]call, size), free: make([]uint32, size)}
	for i := range t.free {
		t.free[i] = uint32(size - 1 - i)
	}
	return t
}

// begin takes a free call for a request on a slot; the caller sets its message, and must end it. Errors: ErrOverloaded,
// ErrClosed.
func (t *calls) begin(slot uint32) (*call, error) {
	if t.closed.Load() {
		return nil, ErrClosed
	}
	t.mu.Lock()
	if len(t.free) == 0 {
		defer t.mu.Unlock()
		return nil, ErrOverloaded
	}
	index := t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	t.used++
	token := t.used<<callIndexBits | uint64(index)
	t.mu.Unlock()

	c := &t.table[index]
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wake == nil {
		c.wake = make(chan struct{}, 1)
		c.timer = time.AfterFunc(time.Hour, c.signal)
		c.timer.Stop()
	}
	c.token, c.slot = token, slot
	if t.closed.Load() { // meanwhile, and too late to be told
		c.closed = true
		c.signal()
	}
	return c, nil
}

// end frees a call.
func (t *calls) end(c *call) {
	c.timer.Stop()
	c.take()
	clear(c.taken)
	c.message, c.request, c.load, c.commit = nil, replica.Request{}, replica.Load{}, replica.Commit{}

	c.mu.Lock()
	index := uint32(c.token & (1<<callIndexBits - 1))
	clear(c.asks)
	clear(c.replies)
	c.token, c.asks, c.happened = 0, c.asks[:0], happened{replies: c.replies[:0]}
	select {
	case <-c.wake:
	default:
	}
	c.mu.Unlock()

	t.mu.Lock()
	defer t.mu.Unlock()
	t.free = append(t.free, index)
}

// deliver hands an answer to the call whose token it carries. Others are too late and mean nothing.
func (t *calls) deliver(token uint64, conn *wire.Conn, a arrival) {
	if index := token & (1<<callIndexBits - 1); index < uint64(len(t.table)) && token != 0 {
		t.table[index].deliver(token, conn, a)
	}
}

// each leaves an event for every call in use that it concerns.
func (t *calls) each(event func(c *call) bool) {
	for i := range t.table {
		t.table[i].note(event)
	}
}

// moved tells the calls for slots whose claim rose.
func (t *calls) moved(slots ...uint32) {
	if len(slots) == 0 {
		return
	}
	set := make(map[uint32]struct{}, len(slots))
	for _, s := range slots {
		set[s] = struct{}{}
	}
	t.each(func(c *call) bool {
		_, ok := set[c.slot]
		c.moved = c.moved || ok
		return ok
	})
}

// changed tells all calls that a connection came, or that lost has gone and answers nothing any more.
func (t *calls) changed(lost *wire.Conn) {
	t.each(func(c *call) bool {
		c.closeAsks(lost)
		c.happened.changed = true
		return true
	})
}

// close tells all calls, those that begin later too.
func (t *calls) close() {
	t.closed.Store(true)
	t.each(func(c *call) bool {
		c.happened.closed = true
		return true
	})
}
