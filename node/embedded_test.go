package node_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// What this process's own requests had from another node need not travel again: a load brings what has changed since.
func TestEmbeddedLoadsBringChanges(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(10 * time.Second)
		other := c.dial("10.0.1.2")
		defer other.Close()
		id := write(t, other, 1)[0]
		asker := 0
		for asker == c.primaryOf(id) {
			asker++
		}
		s := c.nodes[asker].node
		changeTo(t, other, id, "blob", string(bytes.Repeat([]byte{'x'}, 4096)))
		reload(t, s, id, 10)
		for i := range 20 {
			value := fmt.Sprintf("%064d", i)
			if i%2 == 0 {
				changeTo(t, other, id, "small", value)
			} else {
				changeTo(t, s, id, "small", value)
			}
			if v, _ := load(t, s, id).Get("small"); string(v) != value {
				t.Fatalf("round %d: small is %q", i, v)
			}
			reload(t, s, id, 1)
		}
		if got := s.CacheStats(); got.Misses != 1 || got.Updates != 10 || got.Sessions != 1 {
			t.Errorf("of 50 loads came %+v; want 1 whole and 10 with what others had changed", got)
		}
		if got := c.nodes[c.primaryOf(id)].node.CacheStats(); got.Sessions != 0 {
			t.Errorf("a primary keeps its own sessions twice: %+v", got)
		}
	})
}
