package node_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/node"
)

// A member that died is missed, since when it was seen last, until it is forgotten: then nobody looks for it, also after a
// restart, unless it comes back by itself.
func TestForget(t *testing.T) {
	dir := t.TempDir()
	change := func(cfg *node.Config) { cfg.StateDir = dir }
	runCluster(t, 3, change, func(c *cluster) {
		c.wait(10 * time.Second)
		n := c.nodes[0].node
		if _, err := n.Forget("n3"); err == nil || !strings.Contains(err.Error(), "drain it instead") {
			t.Errorf("forgetting a living member: %v", err)
		}
		killed := time.Now()
		c.kill(2)
		time.Sleep(5 * time.Second)
		wantMissing(t, n, killed, "n3")
		if knew, err := n.Forget("n4"); knew || err != nil {
			t.Errorf("forgetting a stranger: %v, %v", knew, err)
		}
		if !slices.Contains(n.Seeking(), "10.0.0.3:7946") {
			t.Errorf("n1 looks for %v", n.Seeking())
		}
		if knew, err := n.Forget("n3"); !knew || err != nil {
			t.Errorf("forgetting: %v, %v", knew, err)
		}
		time.Sleep(100 * time.Millisecond)
		if len(n.Status().Missing) > 0 || len(n.Seeking()) > 0 || strings.Contains(fileOf(t, dir, "n1"), "n3") {
			t.Errorf("n1 looks for %v, remembers %s", n.Seeking(), fileOf(t, dir, "n1"))
		}
		if !strings.Contains(fileOf(t, dir, "n2"), "n3") {
			t.Error("n2 was not told and forgot all the same")
		}
		c.start(2, change)
		c.wait(10 * time.Second)
		if !strings.Contains(fileOf(t, dir, "n1"), "n3") {
			t.Error("n1 does not remember the member that came back")
		}
	})
}

// Since when a member is missing outlasts the restart of who misses it.
func TestMissingSinceIsRemembered(t *testing.T) {
	dir := t.TempDir()
	change := func(cfg *node.Config) { cfg.StateDir = dir }
	runCluster(t, 3, change, func(c *cluster) {
		c.wait(10 * time.Second)
		killed := time.Now()
		c.kill(2)
		time.Sleep(time.Minute)
		c.kill(0)
		time.Sleep(5 * time.Second)
		c.start(0, change)
		time.Sleep(10 * time.Second)
		wantMissing(t, c.nodes[0].node, killed, "n3")
	})
}

func wantMissing(t *testing.T, n *node.Node, since time.Time, name string) {
	t.Helper()
	s := n.Status()
	if len(s.Missing) != 1 || s.Missing[0].Name != name {
		t.Fatalf("%s misses %+v, want %s", s.Node, s.Missing, name)
	}
	if late := s.Missing[0].Since.Sub(since); late < 0 || late > 3*time.Second {
		t.Errorf("%s is missing since %v, died at %v", name, s.Missing[0].Since, since)
	}
	if !slices.ContainsFunc(s.Warnings, func(w string) bool { return strings.HasPrefix(w, name+" is missing: ") }) {
		t.Errorf("warnings are %q", s.Warnings)
	}
}

func fileOf(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name+".members"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
