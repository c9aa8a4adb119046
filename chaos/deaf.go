package chaos

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// What the client asks for that does not read.
const (
	unreadApp   = "unread"  // no workload lists it
	unreadBytes = 256 << 10 // of the session
	unreadEvery = 10 * time.Millisecond
	unreadLeast = 6 << 20 // bytes asked for on one connection beyond which a node cannot have sent all: a client's windows are 5 MiB
	redialAfter = 500 * time.Millisecond
)

// unreadFast is how many requests a connection begins with, of which windows and queues hold less. Then a tenth as many come:
// nodes are to meet a client that does not read, not one that asks for too much.
const unreadFast = 160

// deaf is a client that asks every node for a big session, again and again, and reads no answer: the windows of its
// connections fill, and then the nodes' queues.
type deaf struct {
	endpoint *wire.Endpoint
	id       string
	most     atomic.Int64 // requests on one connection
	all      atomic.Int64
	ended    atomic.Int64 // connections that nodes ended
	over     chan struct{}
	asking   sync.WaitGroup
}

var _ wire.Handler = (*deaf)(nil)

// Frames does not come back, and so nothing more is read.
func (d *deaf) Frames(*wire.Conn, int, []wire.Frame) { <-d.over }

// Gossip is never called: clients do not gossip.
func (d *deaf) Gossip(_ *wire.Conn, c net.Conn) { _ = c.Close() }

// Closed does nothing.
func (d *deaf) Closed(*wire.Conn, error) {}

// stopReading lets a further client loose.
func (s *stage) stopReading(ctx context.Context) (wound, error) {
	id, err := newID()
	if err != nil {
		return wound{}, err
	}
	key := replica.Key{App: unreadApp, ID: id}
	big := replica.Commit{Key: key, Create: true, Changes: []replica.Change{{Name: "big", Value: make([]byte, unreadBytes)}}}
	if _, err := replied(s.control.Commit(ctx, &big)); err != nil {
		return wound{}, fmt.Errorf("make a big session: %w", err)
	}
	place, err := s.lab.Add(fmt.Sprintf("deaf-%d", s.deaf.Add(1)))
	if err != nil {
		return wound{}, err
	}
	socket, err := place.Open("")
	if err != nil {
		return wound{}, err
	}
	endpoint, err := wire.Listen(wire.EndpointConfig{Key: s.key, Role: wire.RoleClient, PacketConn: socket})
	if err != nil {
		return wound{}, err
	}
	d := &deaf{endpoint: endpoint, id: id, over: make(chan struct{})}
	for _, m := range s.members {
		d.asking.Go(func() { d.ask(m.place.Addr()) }) // ends with the fault, which joins it
	}
	return wound{kind: string(StopReading), whom: []string{place.Name()},
		missed: func(uint64) bool { return d.most.Load()*unreadBytes < unreadLeast },
		tell: func() string {
			return fmt.Sprintf("asked for %d MiB and read nothing; nodes ended %d connections", d.all.Load()*unreadBytes>>20, d.ended.Load())
		},
		end: func(context.Context) (uint64, error) {
			close(d.over)
			d.asking.Wait()
			return 0, d.endpoint.Close()
		}}, nil
}

// ask asks one node, on one connection after the other, until the fault is over.
func (d *deaf) ask(addr string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	over := make(chan struct{})
	go func() { // ends when ask does
		defer close(over)
		select {
		case <-d.over:
			cancel()
		case <-ctx.Done():
		}
	}()
	for ctx.Err() == nil {
		if c, err := d.endpoint.Dial(ctx, addr); err == nil {
			c.Start(d)
			d.flood(ctx, c)
			c.Close("")
		}
		wait(ctx, redialAfter)
	}
	<-over
}

// flood asks on every lane for data until the connection or the fault ends.
func (d *deaf) flood(ctx context.Context, c *wire.Conn) {
	again := time.NewTicker(unreadEvery)
	defer again.Stop()
	n := int64(0)
	for beat := 0; ; beat++ {
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
		if c.Err() != nil {
			d.ended.Add(1)
			return
		}
		if n >= unreadFast && beat%10 > 0 {
			continue
		}
		for lane := 1; lane < c.Lanes(); lane++ {
			n++
			load := replica.Request{Token: uint64(n), Load: &replica.Load{Key: replica.Key{App: unreadApp, ID: d.id}}}
			if c.Send(lane, frame{&load}) == nil { // else what was asked before waits still
				d.all.Add(1)
				d.asked(n)
			}
		}
	}
}

// asked notes the number of a request on its connection.
func (d *deaf) asked(n int64) {
	for most := d.most.Load(); n > most && !d.most.CompareAndSwap(most, n); most = d.most.Load() {
	}
}

// frame is a request as a connection sends it.
type frame struct{ request *replica.Request }

// AppendFrame encodes the request.
func (f frame) AppendFrame(b []byte) []byte { return wire.AppendMessage(b, f.request, 0) }
