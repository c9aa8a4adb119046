package node_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// TestLogoutForGood: while a session is destroyed another request of it is in flight. Its commit must not bring the
// session back, whatever happens between the two.
func TestLogoutForGood(t *testing.T) {
	hosts := func(c *cluster, id string) (primary int, p, b string) {
		primary = c.primaryOf(id)
		where, _ := c.nodes[primary].node.Locate(context.Background(), id)
		return primary, hostOf(where.Primary), hostOf(where.Backups[0])
	}
	for _, tt := range []struct {
		name    string
		between func(c *cluster, id string)
	}{
		{"nothing", func(*cluster, string) {}},
		{"the primary dies", func(c *cluster, id string) { c.kill(c.primaryOf(id)) }},
		{"the primary dies, and what takes over after it", func(c *cluster, id string) {
			c.kill(c.primaryOf(id))
			time.Sleep(5 * time.Second)
			c.kill(c.primaryOf(id))
		}},
		{"the primary is cut off", func(c *cluster, id string) {
			_, p, _ := hosts(c, id)
			c.net.Isolate(p)
			time.Sleep(2 * time.Second)
			c.net.Heal()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			runCluster(t, 3, nil, func(c *cluster) {
				c.wait(10 * time.Second)
				a, b := c.dial("10.0.1.1"), c.dial("10.0.1.2")
				defer a.Close()
				defer b.Close()
				id := write(t, a, 1)[0]
				destroy(t, a, id)
				tt.between(c, id)
				holdDestroyed(t, b, id)
			})
		})
	}
	t.Run("it reaches the backup late", func(t *testing.T) {
		runCluster(t, 3, nil, func(c *cluster) {
			c.wait(10 * time.Second)
			a, b := c.dial("10.0.1.1"), c.dial("10.0.1.2")
			defer a.Close()
			defer b.Close()
			id := write(t, a, 1)[0]
			_, p, backup := hosts(c, id)
			c.net.SetLatency(p, backup, 100*time.Millisecond, 0)
			done := make(chan struct{})
			go func() {
				defer close(done)
				destroy(t, a, id)
			}()
			time.Sleep(20 * time.Millisecond) // the primary has it, the backup has not
			holdDestroyed(t, b, id)
			<-done
		})
	})
	t.Run("on one side of a split", func(t *testing.T) {
		runCluster(t, 3, nil, func(c *cluster) {
			c.wait(10 * time.Second)
			a := c.dial("10.0.1.1")
			ids := write(t, a, 20)
			c.net.Partition([]string{"10.0.0.1", "10.0.1.1"}, []string{"10.0.0.2", "10.0.0.3", "10.0.1.2"})
			time.Sleep(10 * time.Second)
			b := c.dial("10.0.1.2")
			for _, id := range ids { // logged out on one side, used on the other: before, after and beside
				destroy(t, a, id)
				_, err := b.Commit(context.Background(), set(id, "n", "after", replica.Stamp{}))
				if err != nil && !errors.Is(err, replica.ErrNotFound) {
					t.Errorf("a commit on the side that knows of no logout: %v", err)
				}
			}
			time.Sleep(time.Minute)
			c.net.Heal()
			c.wait(20 * time.Second)
			for _, s := range []client.Store{a, b, c.nodes[0].node, c.nodes[2].node} {
				for _, id := range ids {
					holdDestroyed(t, s, id)
				}
			}
			a.Close()
			b.Close()
		})
	})
}

// hostOf is the address of a member without its port.
func hostOf(m replica.Member) string { return m.Addr[:len(m.Addr)-len(":7946")] }

func destroy(t *testing.T, s client.Store, id string) {
	t.Helper()
	if _, err := s.Commit(context.Background(), &replica.Commit{Key: keyOf(id), Destroy: true}); err != nil {
		t.Errorf("destroy: %v", err)
	}
}

// holdDestroyed fails unless the session is gone for good for every sort of request.
func holdDestroyed(t *testing.T, s client.Store, id string) {
	t.Helper()
	ctx := context.Background()
	create := set(id, "n", "again", replica.Stamp{})
	create.Create = true
	for name, c := range map[string]*replica.Commit{"set": set(id, "n", "late", replica.Stamp{}), "touch": {Key: keyOf(id)}, "create": create} {
		if _, err := s.Commit(ctx, c); !errors.Is(err, replica.ErrDestroyed) && !(name == "touch" && errors.Is(err, replica.ErrNotFound)) {
			t.Errorf("%s: %v, want ErrDestroyed", name, err)
		}
	}
	if _, err := s.Load(ctx, &replica.Load{Key: keyOf(id)}); !errors.Is(err, replica.ErrDestroyed) {
		t.Errorf("load: %v, want ErrDestroyed", err)
	}
}
