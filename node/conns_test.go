package node_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// A member that looks for the run before of another at its address reaches the run of this moment, sees the mistake after
// both have greeted, and closes that connection. The one that was there before is used again.
func TestSecondConnectionEnds(t *testing.T) {
	runCluster(t, 2, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		socket, err := c.net.Listen("10.0.9.9:0")
		if err != nil {
			t.Fatal(err)
		}
		e, err := wire.Listen(wire.EndpointConfig{Key: wire.DevelopmentKey(), Role: wire.RoleNode, PacketConn: socket, Resolve: resolve})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		cl := c.dial("10.0.1.1")
		defer cl.Close()
		var writers sync.WaitGroup
		for i, m := range c.nodes {
			second, err := e.Dial(context.Background(), m.addr)
			if err != nil {
				t.Fatal(err)
			}
			second.Start(silent{})
			if err := second.Send(0, &message{c.nodes[1-i].node.Greeting()}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
			for range 10 { // what the node sends goes over the second connection, and is lost there
				id := newID(t)
				for c.primaryOf(id) != i {
					id = newID(t)
				}
				writers.Go(func() {
					// Long enough for what is sent again when the connection ends, too short for what is after a while without an answer.
					ctx, cancel := context.WithTimeout(context.Background(), 75*time.Millisecond)
					defer cancel()
					if _, err := cl.Commit(ctx, &replica.Commit{Key: replica.Key{App: "test", ID: id}, Create: true}); err != nil {
						t.Error(err)
					}
				})
			}
			time.Sleep(50 * time.Millisecond)
			second.Close("another boot answers")
			writers.Wait()
		}
		for _, m := range c.nodes {
			for _, s := range m.node.Status().Members {
				if !s.Connected {
					t.Errorf("%s is not connected", s.Name)
				}
			}
		}
	})
}
