package node_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
)

func TestFormWriteKillPromoteRestore(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		cl := c.dial("10.0.1.1")
		defer cl.Close()
		ids := write(t, cl, 100)
		for i := range c.nodes {
			c.kill(i)
			verify(t, cl, ids)
			time.Sleep(2 * time.Second)
			c.start(i, nil)
			c.wait(10 * time.Second)
			verify(t, cl, ids)
		}
	})
}

// A killed node that is back within 100 ms under its name, with empty memory, loses nothing and serves nothing stale.
func TestBackWithin100Milliseconds(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		cl := c.dial("10.0.1.1")
		defer cl.Close()
		ids := write(t, cl, 60)
		var writers sync.WaitGroup
		counts := make([]int, 8)
		stop := make(chan struct{})
		for i := range counts {
			writers.Go(func() { counts[i] = count(t, cl, i, stop) })
		}
		for i := range c.nodes {
			time.Sleep(500 * time.Millisecond)
			c.kill(i)
			time.Sleep(time.Duration(20+35*i) * time.Millisecond)
			c.start(i, nil)
			c.wait(15 * time.Second)
			verify(t, cl, ids)
		}
		close(stop)
		writers.Wait()
		for i, n := range counts {
			if n < 100 {
				t.Errorf("writer %d was held up: %d increments", i, n)
			}
		}
	})
}

// count increments a counter, reading it back each time, until stop is closed, and returns how far it got.
func count(t *testing.T, cl *client.Client, i int, stop chan struct{}) int {
	ctx := context.Background()
	key := replica.Key{App: "test", ID: fmt.Sprintf("counter-%d", i)}
	for n := 1; ; n++ {
		_, err := cl.Commit(ctx, &replica.Commit{
			Key: key, Create: n == 1, Changes: []replica.Change{{Name: "n", Value: fmt.Append(nil, n)}},
		})
		if err != nil {
			t.Errorf("counter %d, increment %d: %v", i, n, err)
			return n
		}
		res, err := cl.Load(ctx, &replica.Load{Key: key})
		if err != nil {
			t.Errorf("counter %d, read %d: %v", i, n, err)
			return n
		}
		if got, _ := res.Session.Get("n"); string(got) != fmt.Sprint(n) {
			t.Errorf("counter %d reads %s after increment %d was acknowledged", i, got, n)
			return n
		}
		select {
		case <-stop:
			return n
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// A node that leaves in good order hands over at once: nobody waits for a lease to run out.
func TestLeaves(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		cl := c.dial("10.0.1.1")
		defer cl.Close()
		ids := write(t, cl, 60)
		m := c.nodes[1]
		m.stop()
		if err := <-m.done; err != nil {
			t.Errorf("leaving: %v", err)
		}
		m.node = nil
		for i, id := range ids {
			start := time.Now()
			if _, err := cl.Load(context.Background(), &replica.Load{Key: replica.Key{App: "test", ID: id}}); err != nil {
				t.Fatalf("session %d: %v", i, err)
			}
			if wait := time.Since(start); wait > 300*time.Millisecond {
				t.Fatalf("session %d was answered after %v", i, wait)
			}
		}
		c.wait(10 * time.Second)
	})
}

// Two sides of a split go on with what they hold and are one cluster again after it, with what both wrote.
func TestSplitAndHeal(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		cl := c.dial("10.0.1.1")
		ids := write(t, cl, 60)
		cl.Close()
		c.net.Partition([]string{"10.0.0.1", "10.0.1.1"}, []string{"10.0.0.2", "10.0.0.3", "10.0.1.2"})
		time.Sleep(30 * time.Second)
		left, right := c.dial("10.0.1.1"), c.dial("10.0.1.2")
		verify(t, right, ids[:1])
		more := writeCopies(t, left, 20, 1)
		others := writeCopies(t, right, 20, 2)
		left.Close()
		right.Close()
		if !underRace {
			time.Sleep(10 * time.Minute) // see longBubble
		}
		c.net.Heal()
		c.wait(20 * time.Second)
		time.Sleep(5 * time.Second)
		cl = c.dial("10.0.1.1")
		defer cl.Close()
		verify(t, cl, more)
		verify(t, cl, others)
		verify(t, cl, ids)
	})
}

// A founder that restarts finds the others again instead of founding a second cluster.
func TestFounderRemembers(t *testing.T) {
	dir := t.TempDir()
	change := func(cfg *node.Config) {
		cfg.StateDir = dir
		if cfg.Name == "n1" {
			cfg.Join, cfg.Expect = nil, 0
		}
	}
	runCluster(t, 2, change, func(c *cluster) {
		c.wait(10 * time.Second)
		id := c.nodes[1].node.Cluster()
		c.kill(0)
		time.Sleep(3 * time.Second)
		c.start(0, change)
		c.wait(10 * time.Second)
		if got := c.nodes[0].node.Cluster(); got != id {
			t.Errorf("the founder is in cluster %x, want %x", got, id)
		}
	})
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name   string
		change func(*node.Config)
		want   error
	}{
		{"taken name", func(cfg *node.Config) { cfg.Name = "n1" }, node.ErrNameTaken},
		{"other slots", func(cfg *node.Config) { cfg.Slots = 128 }, node.ErrOtherCluster},
		{"other backups", func(cfg *node.Config) { cfg.Backups = 2 }, node.ErrOtherCluster},
		{"nobody there", func(cfg *node.Config) { cfg.Join = []string{"10.0.9.9:7946"}; cfg.JoinTimeout = 10 * time.Second }, node.ErrNoSeed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			runCluster(t, 2, nil, func(c *cluster) {
				c.wait(5 * time.Second)
				c.nodes = append(c.nodes, &member{addr: "10.0.0.9:7946"})
				c.start(2, test.change)
				err := <-c.nodes[2].done
				c.nodes[2].done <- err
				if !errors.Is(err, test.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %v, want one line that is %v", err, test.want)
				}
				c.kill(2)
				c.nodes = c.nodes[:2]
				c.wait(time.Second)
			})
		})
	}
}

// A second cluster's node is refused, and says so.
func TestOtherCluster(t *testing.T) {
	alone := func(cfg *node.Config) { cfg.Join, cfg.Expect = nil, 0 }
	runCluster(t, 1, alone, func(c *cluster) {
		c.wait(5 * time.Second)
		dir := t.TempDir()
		c.nodes = append(c.nodes, &member{addr: "10.0.0.9:7946"})
		c.start(1, func(cfg *node.Config) { alone(cfg); cfg.StateDir = dir })
		time.Sleep(5 * time.Second)
		c.kill(1)
		c.start(1, func(cfg *node.Config) { cfg.Expect = 0; cfg.StateDir = dir })
		err := <-c.nodes[1].done
		c.nodes[1].done <- err
		if !errors.Is(err, node.ErrOtherCluster) {
			t.Errorf("got %v, want %v", err, node.ErrOtherCluster)
		}
	})
}

// A node that joins takes its share over, a few slots at a time, and no request fails or waits long for it.
func TestJoinerTakesItsShare(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(5 * time.Second)
		cl := c.dial("10.0.1.1")
		defer cl.Close()
		ids := write(t, cl, 60)
		var writers sync.WaitGroup
		stop := make(chan struct{})
		for i := range 8 {
			writers.Go(func() { count(t, cl, i, stop) })
		}
		c.nodes = append(c.nodes, &member{addr: "10.0.0.4:7946"})
		c.start(3, nil)
		c.wait(5 * time.Second)
		time.Sleep(20 * time.Second)
		close(stop)
		writers.Wait()
		verify(t, cl, ids)
		for _, m := range c.nodes[0].node.Status().Members {
			if m.Primary < 8 || m.Primary > 24 {
				t.Errorf("%s is primary of %d of 64 slots", m.Name, m.Primary)
			}
		}
	})
}

// Members that left in good order are not looked for any more; those that died are.
func TestForgetsWhoLeft(t *testing.T) {
	dir := t.TempDir()
	change := func(cfg *node.Config) { cfg.StateDir = dir }
	runCluster(t, 3, change, func(c *cluster) {
		c.wait(10 * time.Second)
		c.nodes[2].stop()
		<-c.nodes[2].done
		c.nodes[2].node = nil
		time.Sleep(3 * time.Second)
		c.kill(1)
		time.Sleep(3 * time.Second)
		b, err := os.ReadFile(filepath.Join(dir, "n1.members"))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(b); !strings.Contains(got, "10.0.0.2") || strings.Contains(got, "10.0.0.3") {
			t.Errorf("n1 remembers %s", got)
		}
	})
}

// A node that could not remember members says so before it serves.
func TestStateDirMustBeWritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below"), "/proc/none"} {
		n, err := node.New(node.Config{Listen: "127.0.0.1:0", StateDir: dir})
		if !errors.Is(err, node.ErrConfig) {
			t.Errorf("%s: got %v, want %v", dir, err, node.ErrConfig)
		}
		if err == nil {
			_ = n.Close()
		}
	}
}
