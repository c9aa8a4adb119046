package node_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/client/clienttest"
)

// Two nodes in virtual time, seen by a client and from inside one of them.
func TestConforms(t *testing.T) {
	open := func(t *testing.T, of func(*cluster) client.Store) client.Store {
		c := startCluster(t, 2, nil)
		c.wait(5 * time.Second)
		return of(c)
	}
	stores := map[string]func(*cluster) client.Store{
		"client": func(c *cluster) client.Store {
			cl := c.dial("10.0.1.1")
			c.t.Cleanup(func() { cl.Close() })
			return cl
		},
		"embedded node": func(c *cluster) client.Store { return c.nodes[0].node },
	}
	for name, of := range stores {
		t.Run(name, func(t *testing.T) {
			clienttest.Suite{
				Open: func(t *testing.T) client.Store { return open(t, of) }, Virtual: true, Copies: 2,
			}.Run(t)
		})
	}
}

// The same over real sockets.
func TestConformsOnLoopback(t *testing.T) {
	_, seeds := loopbackNodes(t, "127.0.0.1", 2)
	cl, err := client.Dial(context.Background(), client.Config{Nodes: seeds, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cl.Close() })
	clienttest.Suite{Open: func(*testing.T) client.Store { return cl }, Copies: 2}.Run(t)
}
