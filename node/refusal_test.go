package node_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// What cannot be right is refused by the node that is asked, whoever leads the slot: passed on, it would end the connection between
// the nodes.
func TestBadCommitIsNotPassedOn(t *testing.T) {
	runCluster(t, 2, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		cl := c.dial("10.0.1.1")
		defer cl.Close()
		for _, id := range write(t, cl, 10) {
			key := replica.Key{App: "test", ID: id}
			for _, m := range c.nodes {
				for name, commit := range map[string]replica.Commit{
					"not-after": {Key: key, NotAfter: -1}, "durability": {Key: key, Durability: replica.DurableNone + 1},
				} {
					if _, err := m.node.Commit(context.Background(), &commit); !errors.Is(err, replica.ErrBadRequest) {
						t.Errorf("%s: %v, want %v", name, err, replica.ErrBadRequest)
					}
				}
			}
		}
	})
}
