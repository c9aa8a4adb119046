package node_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
)

var _ client.Locator = (*node.Node)(nil)

// TestWithoutWaiting: from the death of a primary until another serves, whoever does not wait gets an error, soon; before
// and afterwards the session. That holds for clients and for nodes in the process alike.
func TestWithoutWaiting(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(10 * time.Second)
		cl := c.dial("10.0.1.1")
		defer cl.Close()
		id := write(t, cl, 1)[0]
		victim := c.primaryOf(id)
		stores := []client.Store{cl, c.nodes[(victim+1)%3].node, c.nodes[(victim+2)%3].node}
		for _, s := range stores {
			if refused, longest := hasty(t, s, id, 50); refused > 0 {
				t.Errorf("%T: %d loads refused while all is well, the longest after %v", s, refused, longest)
			}
		}
		c.kill(victim)
		var all sync.WaitGroup
		for _, s := range stores {
			all.Go(func() {
				if refused, longest := hasty(t, s, id, 1); refused != 1 || longest > 310*time.Millisecond {
					t.Errorf("%T: %d loads refused right after the death, after %v", s, refused, longest)
				}
			})
		}
		all.Wait()
		time.Sleep(2 * time.Second)
		for _, s := range stores {
			if refused, _ := hasty(t, s, id, 50); refused > 0 {
				t.Errorf("%T: %d loads refused after the failover", s, refused)
			}
		}
	})
}

// TestWithoutWaitingForALease: a primary that is cut off says at once that it does not serve.
func TestWithoutWaitingForALease(t *testing.T) {
	runCluster(t, 3, func(cfg *node.Config) { cfg.Split, cfg.MinMembers = node.SplitGuard, 2 }, func(c *cluster) {
		c.wait(10 * time.Second)
		id := write(t, c.nodes[0].node, 1)[0]
		alone := c.primaryOf(id)
		c.net.Isolate(host(alone + 1))
		time.Sleep(400 * time.Millisecond) // no lease any more
		n := c.nodes[alone].node
		since := time.Now()
		_, err := n.Commit(client.WithoutWaiting(context.Background()), set(id, "n", "1", replica.Stamp{}))
		if took := time.Since(since); !errors.Is(err, replica.ErrUnavailable) || took > 10*time.Millisecond {
			t.Errorf("without waiting: %v after %v", err, took)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		since = time.Now()
		_, err = n.Commit(ctx, set(id, "n", "1", replica.Stamp{}))
		if took := time.Since(since); err == nil || took < time.Second {
			t.Errorf("with waiting: %v after %v", err, took)
		}
		c.net.Heal()
		c.wait(30 * time.Second)
	})
}

// hasty loads a session so many times without waiting and says how many loads were refused and how long the longest took.
func hasty(t *testing.T, s client.Store, id string, times int) (refused int, longest time.Duration) {
	t.Helper()
	for range times {
		since := time.Now()
		_, err := s.Load(client.WithoutWaiting(context.Background()), &replica.Load{Key: keyOf(id)})
		longest = max(longest, time.Since(since))
		switch {
		case errors.Is(err, replica.ErrUnavailable):
			refused++
		case err != nil:
			t.Errorf("%T: %v", s, err)
		}
	}
	return refused, longest
}
