package node_test

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// attacker is a client that keeps to the frames of the protocol and to nothing else.
type attacker struct {
	block chan struct{} // when set, frames are not read until it is closed

	mu      sync.Mutex // guards replies
	replies map[string]int
}

func (a *attacker) Frames(_ *wire.Conn, _ int, frames []wire.Frame) {
	if a.block != nil {
		<-a.block
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range frames {
		if m, _ := wire.Decode(f, 0); m != nil {
			if r, ok := m.(*replica.Reply); ok {
				a.replies[r.Result.Status.Error()+": "+r.Result.Detail]++
			}
		}
	}
}

func (a *attacker) Gossip(_ *wire.Conn, s net.Conn) { _ = s.Close() }
func (a *attacker) Closed(*wire.Conn, error)        {}

func (a *attacker) got(what string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.replies[what]
}

// attack connects an attacker to the first node.
func (c *cluster) attack(a *attacker) *wire.Conn {
	c.t.Helper()
	a.replies = map[string]int{}
	socket, err := c.net.Listen("10.0.9.9:0")
	if err != nil {
		c.t.Fatal(err)
	}
	e, err := wire.Listen(wire.EndpointConfig{Key: wire.DevelopmentKey(), Role: wire.RoleClient, PacketConn: socket, Resolve: resolve})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = e.Close() })
	conn, err := e.Dial(context.Background(), c.nodes[0].addr)
	if err != nil {
		c.t.Fatal(err)
	}
	conn.Start(a)
	return conn
}

// frame is a message as the attacker sends it.
type frame struct{ m replica.Message }

func (f *frame) AppendFrame(b []byte) []byte { return wire.AppendMessage(b, f.m, 0) }

func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// A client that asks and never reads loses its connection when the answers fill their queue. Others do not notice.
func TestClientThatNeverReads(t *testing.T) {
	runCluster(t, 2, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		friend := c.dial("10.0.1.1")
		defer friend.Close()
		ctx := context.Background()
		_, err := friend.Commit(ctx, &replica.Commit{
			Key: sessionKey("large"), Create: true, Changes: []replica.Change{{Name: "a", Value: make([]byte, 200<<10)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		a := &attacker{block: make(chan struct{})}
		conn := c.attack(a)
		before, sent := heap(), 0
		for ; conn.Err() == nil && sent < 1000; sent++ {
			_ = conn.Send(1, &frame{&replica.Request{Token: uint64(sent + 1), Load: &replica.Load{Key: sessionKey("large"), Peek: true}}})
			start := time.Now()
			if _, err := friend.Load(ctx, &replica.Load{Key: sessionKey("large")}); err != nil || time.Since(start) > 100*time.Millisecond {
				t.Fatalf("another client was answered after %v: %v", time.Since(start), err)
			}
		}
		close(a.block)
		if most := wire.QueueSizeMax/(200<<10) + 40; sent > most {
			t.Errorf("the connection stood %d requests of 200 KiB, want %d at most", sent, most)
		}
		time.Sleep(10 * time.Second)
		after := heap()
		t.Logf("cut off after %d requests; heap: %d KiB before, %d KiB after", sent, before>>10, after>>10)
		if after-before > 4<<20 {
			t.Errorf("memory grew by %d KiB", (after-before)>>10)
		}
	})
}

// A connection has as many requests under way as it may, and is told so of each one more.
func TestRequestsOfOneConnection(t *testing.T) {
	const most, more, perSession = 300, 50, 100
	limit := func(c *node.Config) { c.Traffic.RequestsPerConn = most }
	runCluster(t, 2, limit, func(c *cluster) {
		c.wait(5 * time.Second)
		friend := c.dial("10.0.1.1")
		defer friend.Close()
		ctx := context.Background()
		var held []string
		for i := range (most + more) / perSession * 2 {
			id := fmt.Sprint("held", i)
			held = append(held, id)
			if _, err := friend.Commit(ctx, &replica.Commit{Key: sessionKey(id), Create: true}); err != nil {
				t.Fatal(err)
			}
			if _, err := friend.Lock(ctx, &replica.Lock{Key: sessionKey(id), Lease: 30 * time.Second, Holder: "friend"}); err != nil {
				t.Fatal(err)
			}
		}
		a := &attacker{}
		conn := c.attack(a)
		now := node.SteadyClock()().Wall
		ask := func(n int) {
			err := conn.Send(1, &frame{&replica.Request{Token: uint64(n + 1), Lock: &replica.Lock{
				Key: sessionKey(held[n/perSession]), Wait: replica.LockWaitMax, Lease: time.Second,
				Request: replica.RequestID{Client: 9, Seq: uint64(n + 1)}, NotAfter: now + 20_000,
			}}})
			if err != nil {
				t.Fatal(err)
			}
		}
		const refusal = "overloaded: too many requests under way on this connection"
		for n := range most {
			ask(n)
		}
		synctest.Wait()
		time.Sleep(20 * time.Millisecond)
		if got := a.got(refusal); got != 0 {
			t.Errorf("%d of %d were refused", got, most)
		}
		for n := range more {
			ask(most + n)
		}
		time.Sleep(20 * time.Millisecond)
		if got := a.got(refusal); got != more {
			t.Errorf("%d of %d more were refused, want all: %v", got, more, a.replies)
		}
		start := time.Now()
		if _, err := friend.Load(ctx, &replica.Load{Key: sessionKey(held[0])}); err != nil || time.Since(start) > 100*time.Millisecond {
			t.Errorf("another client was answered after %v: %v", time.Since(start), err)
		}
		time.Sleep(time.Second) // the waits are over
		ask(0)
		time.Sleep(20 * time.Millisecond)
		if got := a.got(refusal); got != more {
			t.Error("refused when there is room again")
		}
	})
}

// A node that is not the primary does not pass on what nobody waits for.
func TestLateRequestsAreNotPassedOn(t *testing.T) {
	runCluster(t, 2, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		friend := c.dial("10.0.1.1")
		defer friend.Close()
		a := &attacker{}
		conn := c.attack(a)
		now := node.SteadyClock()().Wall
		sent := 0
		for i := range 100 {
			id := fmt.Sprint("s", i)
			if where, err := friend.Locate(context.Background(), id); err != nil || where.Primary.Name == "n1" {
				continue // that one refuses it itself
			}
			sent++
			err := conn.Send(1, &frame{&replica.Request{Token: uint64(i + 1), Load: &replica.Load{Key: sessionKey(id), NotAfter: now - 1000}}})
			if err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(600 * time.Microsecond) // one way takes 200: they cannot have been at the primary
		if got := a.got("request arrived after its deadline: "); sent == 0 || got != sent {
			t.Errorf("%d of %d were refused at once: %v", got, sent, a.replies)
		}
	})
}
