package node_test

import (
	"context"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// What each node counts is what it did: commits by their copies, where they were answered and where they were passed on, and
// how long a dead primary had been silent.
func TestMetricsCount(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(10 * time.Second)
		s := c.nodes[0].node
		ids := write(t, s, 60)
		own, elsewhere, copies, took := uint64(0), uint64(0), uint64(0), uint64(0)
		for i, m := range c.nodes {
			got := m.node.Metrics()
			copies += got.Copies[2]
			took += got.Requests[1].Took.Count
			if i == 0 {
				own, elsewhere = got.Requests[1].Results["ok"], got.PassedOn
			}
			if want := m.node.Status().Held; got.Status.Held != want || got.Serving != want.Primary || got.InFlight != 0 || got.Backlog.Entries != 0 {
				t.Errorf("%s: %+v serves %d, %d under way, backlog %+v; status has %+v",
					got.Status.Node, got.Status.Held, got.Serving, got.InFlight, got.Backlog, want)
			}
		}
		if own+elsewhere != 60 || own == 0 || elsewhere == 0 || copies != 60 || took != 60 {
			t.Errorf("%d own, %d passed on, %d with two copies, %d timed; want 60", own, elsewhere, copies, took)
		}
		lost := c.nodes[2].node.Metrics().Status.Held.Primary
		c.kill(2)
		c.wait(10 * time.Second)
		verify(t, s, ids)
		promoted, silence := uint64(0), time.Duration(0)
		for _, m := range c.nodes[:2] {
			got := m.node.Metrics()
			promoted += got.Promotions.Count
			silence += got.Promotions.Sum
		}
		if promoted < uint64(lost) || silence < time.Duration(promoted)*300*time.Millisecond || silence > time.Duration(promoted)*3*time.Second {
			t.Errorf("%d promotions after %v in all, for %d slots", promoted, silence, lost)
		}
	})
}

// While a backup is cut off the backlog and the lag say so.
func TestMetricsTellOfBacklog(t *testing.T) {
	runCluster(t, 2, nil, func(c *cluster) {
		c.wait(10 * time.Second)
		id := write(t, c.nodes[0].node, 1)[0]
		primary := c.nodes[c.primaryOf(id)].node
		c.net.Partition([]string{"10.0.0.1"}, []string{"10.0.0.2"})
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = primary.Commit(context.Background(), &replica.Commit{Key: keyOf(id), Changes: []replica.Change{{Name: "n", Value: []byte("x")}}})
		}()
		time.Sleep(150 * time.Millisecond)
		got := primary.Metrics()
		if b := got.Backlog; b.Entries != 1 || b.Bytes < 100 || b.Behind < 100*time.Millisecond || b.Behind > time.Second || got.InFlight != 1 {
			t.Errorf("backlog is %+v with %d under way", b, got.InFlight)
		}
		<-done
	})
}
