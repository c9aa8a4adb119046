package node_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
)

// A full node refuses what grows with an error that handlers see, serves the rest, and recovers when sessions end.
func TestFullNodeRefusesAndRecovers(t *testing.T) {
	runCluster(t, 2, func(c *node.Config) { c.MemoryBytes = 256 << 10 }, func(c *cluster) {
		c.wait(5 * time.Second)
		cl := c.dial("10.0.1.1")
		defer cl.Close()
		ctx := context.Background()
		value := make([]byte, 2000)
		commit := func(cm *replica.Commit) error {
			_, err := cl.Commit(ctx, cm)
			return err
		}
		var ids []string
		var err error
		for i := 0; err == nil && i < 1000; i++ {
			id := fmt.Sprint("s", i)
			if err = commit(&replica.Commit{Key: sessionKey(id), Create: true, Changes: []replica.Change{{Name: "a", Value: value}}}); err == nil {
				ids = append(ids, id)
			}
		}
		if !errors.Is(err, replica.ErrOverCapacity) || !client.Unreachable(err) {
			t.Fatalf("%d sessions, then %v, want ErrOverCapacity", len(ids), err)
		}
		s := c.nodes[0].node.Status()
		if most := s.Memory.LimitBytes + 64<<10; s.Memory.UsedBytes < s.Memory.LimitBytes/2 || s.Memory.UsedBytes > most || len(s.Warnings) == 0 {
			t.Errorf("%d sessions of 2000 bytes: status %+v, warnings %q", len(ids), s.Memory, s.Warnings)
		}
		use := func(id string) {
			if _, err := cl.Load(ctx, &replica.Load{Key: sessionKey(id)}); err != nil {
				t.Errorf("load of %s: %v", id, err)
			}
			if err := commit(&replica.Commit{Key: sessionKey(id), Changes: []replica.Change{{Name: "a", Value: value[1:]}}}); err != nil {
				t.Errorf("commit that makes %s smaller: %v", id, err)
			}
		}
		for _, id := range ids {
			use(id)
		}
		for _, id := range ids[len(ids)/4:] {
			if err := commit(&replica.Commit{Key: sessionKey(id), Destroy: true}); err != nil {
				t.Errorf("logout of %s: %v", id, err)
			}
		}
		time.Sleep(time.Second)
		for i := range 10 {
			if err := commit(&replica.Commit{Key: sessionKey(fmt.Sprint("again", i)), Create: true}); err != nil {
				t.Errorf("create when there is room again: %v", err)
			}
		}
	})
}

func sessionKey(id string) replica.Key { return replica.Key{App: "test", ID: id} }
