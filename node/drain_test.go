package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
)

// A node that is told to drain hands everything over and leaves: no session is lost, no request waits for a lease to run
// out, and nobody looks for it.
func TestDrain(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		cl := c.dial("10.0.1.1")
		defer cl.Close()
		ids := write(t, cl, 60)
		m := c.nodes[1]
		if err := m.node.Drain(context.Background()); err != nil {
			t.Errorf("drain: %v", err)
		}
		if err := <-m.done; err != nil {
			t.Errorf("run: %v", err)
		}
		m.node = nil
		verify(t, cl, ids)
		c.wait(10 * time.Second)
		for _, i := range []int{0, 2} {
			if s := c.nodes[i].node.Status(); len(s.Missing) > 0 || len(s.Warnings) > 0 {
				t.Errorf("%s misses %v and warns %q", s.Node, s.Missing, s.Warnings)
			}
		}
	})
}

// What merges gave up is listed by somebody else when the node that listed it has left.
func TestListOfGivenUpWritesOutlivesItsNode(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		for i := range 1003 {
			c.nodes[1].node.GiveUp(replica.Conflict{Slot: 1, Key: replica.Key{App: "shop", ID: "x"}, Lost: replica.Stamp{Clock: uint64(i + 1)}})
		}
		for _, leaver := range []int{1, 0} {
			if err := c.nodes[leaver].node.Drain(context.Background()); err != nil {
				t.Errorf("drain: %v", err)
			}
			if err := <-c.nodes[leaver].done; err != nil {
				t.Errorf("run: %v", err)
			}
			c.nodes[leaver].node = nil
			c.wait(time.Second)
		}
		got := c.nodes[2].node.Conflicts()
		if got.Total != 1003 || len(got.Kept) != 1000 || got.Kept[0].Lost != (replica.Stamp{Clock: 4}).String() || got.Kept[0].Found.Year() < 2000 {
			t.Errorf("%d of %d are listed, %+v is the first", len(got.Kept), got.Total, got.Kept[:min(1, len(got.Kept))])
		}
	})
}

// The command of an operator drains too, and Run ends without an error.
func TestDrainByCommand(t *testing.T) {
	runCluster(t, 2, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		cl := c.dial("10.0.1.1")
		defer cl.Close()
		doc, err := cl.Admin(context.Background(), "10.0.0.2:7946", "drain", "")
		if err != nil {
			t.Fatal(err)
		}
		var s node.Status
		if err := json.Unmarshal(doc, &s); err != nil || !s.Draining || s.Ready || s.Reason != "is draining" {
			t.Errorf("answer is %s: %v", doc, err)
		}
		if err := <-c.nodes[1].done; err != nil {
			t.Errorf("run: %v", err)
		}
		c.nodes[1].node = nil
		c.wait(5 * time.Second)
	})
}

// Who has nobody to hand over to leaves at once, also when all drain together.
func TestAllDrain(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		start := time.Now()
		for _, m := range c.nodes {
			m.stop()
		}
		for _, m := range c.nodes {
			if err := <-m.done; err != nil {
				t.Errorf("run: %v", err)
			}
			m.node = nil
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("leaving took %v", took)
		}
	})
}

// A draining member is known as such to all, is nobody's home, and asks for no copies.
func TestDrainingIsKnown(t *testing.T) {
	runCluster(t, 2, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		c.nodes[1].node.MarkDraining()
		time.Sleep(2 * time.Second)
		for _, m := range c.nodes {
			s := m.node.Status()
			if s.Members[0].Draining || !s.Members[1].Draining {
				t.Errorf("%s sees %+v", s.Node, s.Members)
			}
			for slot := range uint32(64) {
				if got := m.node.HomeOf(slot); got != "n1" {
					t.Fatalf("%s: home of slot %d is %s", s.Node, slot, got)
				}
			}
		}
		if ready, reason := c.nodes[1].node.Ready(); ready || reason != "is draining" {
			t.Errorf("ready: %v, %q", ready, reason)
		}
		c.nodes[0].node.MarkDraining()
		time.Sleep(2 * time.Second)
		homes := map[string]int{}
		for slot := range uint32(64) {
			homes[c.nodes[0].node.HomeOf(slot)]++
		}
		if homes["n1"] == 0 || homes["n2"] == 0 {
			t.Errorf("when all drain, homes are %v; want both", homes)
		}
	})
}

// Draining ends with the patience of who asked; a closed node says so.
func TestDrainEnds(t *testing.T) {
	runCluster(t, 1, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		n := c.nodes[0].node
		c.kill(0)
		if err := n.Drain(context.Background()); !errors.Is(err, node.ErrClosed) {
			t.Errorf("drain of a closed node: %v", err)
		}
	})
	for _, deadline := range []time.Duration{-2, -time.Second} {
		if err := (node.Config{DrainDeadline: deadline}).Validate(); !errors.Is(err, node.ErrConfig) {
			t.Errorf("drain deadline %v: %v", deadline, err)
		}
	}
}
