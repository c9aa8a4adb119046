package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// Under the policy guard a majority of Join must be alive, and the status says so.
func TestStatusShowsPolicy(t *testing.T) {
	guard := func(cfg *node.Config) { cfg.Split = node.SplitGuard }
	runCluster(t, 3, guard, func(c *cluster) {
		c.wait(5 * time.Second)
		if s := c.nodes[0].node.Status(); s.Split != node.SplitGuard || s.MinMembers != 2 || s.Backups != 1 || len(s.Warnings) > 0 {
			t.Errorf("status is %+v", s)
		}
	})
	runCluster(t, 1, nil, func(c *cluster) {
		if s := c.nodes[0].node.Status(); s.Split != node.SplitAvailable || s.MinMembers != 0 {
			t.Errorf("status is %+v", s)
		}
	})
}

// The status of each node tells the versions that all members tell of themselves.
func TestStatusShowsVersions(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		for _, cn := range c.nodes {
			s := cn.node.Status()
			for _, m := range s.Members {
				if m.Version == "" || m.Version != s.Version {
					t.Errorf("%s sees %s with version %q, has %q", s.Node, m.Name, m.Version, s.Version)
				}
			}
		}
	})
}

// Either key opens sessions; only the cluster key opens the status.
func TestStatusNeedsClusterKey(t *testing.T) {
	clientKey, err := wire.DevelopmentKey().ClientKey()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		key  wire.Key
		want error
	}{
		{"cluster key", wire.DevelopmentKey(), nil},
		{"client key", clientKey, replica.ErrForbidden},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			runCluster(t, 2, nil, func(c *cluster) {
				c.wait(5 * time.Second)
				cl := c.dialWith("10.0.1.1", test.key)
				defer cl.Close()
				verify(t, cl, write(t, cl, 8))
				doc, err := cl.Status(context.Background(), "10.0.0.2:7946")
				if !errors.Is(err, test.want) {
					t.Errorf("status: got %v, want %v", err, test.want)
				}
				var s node.Status
				if test.want == nil && (json.Unmarshal(doc, &s) != nil || s.Node != "n2" || len(s.Members) != 2) {
					t.Errorf("status is %s", doc)
				}
			})
		})
	}
}
