package node_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// splits are ways in which the network of five nodes breaks, each over and over until its time is up: all of it with
// NODE_SPLITS=long, otherwise a tenth.
var splits = []struct {
	name string
	last time.Duration // virtual
	do   func(c *cluster, shared []string)
}{
	{"halves", time.Hour, func(c *cluster, _ []string) {
		c.net.Partition(hosts(1, 2), hosts(3, 4, 5))
		time.Sleep(10 * time.Minute)
	}},
	{"isolated primary", 30 * time.Minute, func(c *cluster, shared []string) {
		where, _ := c.nodes[0].node.Locate(context.Background(), shared[0])
		c.net.Isolate(where.Primary.Addr[:len(where.Primary.Addr)-len(":7946")])
		time.Sleep(2 * time.Minute)
	}},
	{"ring of majorities", 20 * time.Minute, func(c *cluster, _ []string) { // each sees its two neighbours only
		for i := range 5 {
			c.net.Cut(host(i+1), host((i+2)%5+1))
		}
		time.Sleep(time.Minute)
	}},
	{"bridge", 20 * time.Minute, func(c *cluster, _ []string) { // the third sees both sides
		for _, a := range []int{1, 2} {
			for _, b := range []int{4, 5} {
				c.net.Cut(host(a), host(b))
			}
		}
		time.Sleep(time.Minute)
	}},
	{"one way", 20 * time.Minute, func(c *cluster, _ []string) {
		c.net.CutOneWay(host(1), host(2))
		c.net.CutOneWay(host(3), host(4))
		time.Sleep(time.Minute)
	}},
	{"flapping", 20 * time.Minute, func(c *cluster, _ []string) {
		for i := range 40 {
			c.net.Isolate(host(5))
			time.Sleep(time.Duration(200+i*50) * time.Millisecond)
			c.net.Heal()
			time.Sleep(time.Second)
		}
	}},
}

func host(i int) string { return fmt.Sprintf("10.0.0.%d", i) }

func hosts(i ...int) []string {
	var all []string
	for _, n := range i {
		all = append(all, host(n))
	}
	return all
}

// TestSplits breaks the network in every way for a long time while each node writes an attribute of its own to sessions
// that all share. After each heal the cluster is one again, and every session holds at every node what was acknowledged.
func TestSplits(t *testing.T) {
	if underRace {
		t.Skip(longBubble)
	}
	for _, s := range splits {
		t.Run(s.name, func(t *testing.T) {
			last := s.last / 10
			if os.Getenv("NODE_SPLITS") == "long" {
				last = s.last
			}
			runCluster(t, 5, nil, func(c *cluster) {
				c.wait(10 * time.Second)
				ids := c.share(12)
				w := c.writers(ids)
				for end := time.Now().Add(last); ; {
					s.do(c, ids)
					c.net.Heal()
					c.wait(30 * time.Second)
					time.Sleep(20 * time.Second)
					w.verify(c)
					if !time.Now().Before(end) {
						break
					}
				}
				w.stop()
				w.verify(c)
			})
		})
	}
}

// share makes sessions for all to write to.
func (c *cluster) share(n int) []string {
	c.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i], _ = replica.NewID(rand.Reader)
		commit := &replica.Commit{Key: replica.Key{App: "test", ID: ids[i]}, Create: true}
		if _, err := c.nodes[0].node.Commit(context.Background(), commit); err != nil {
			c.t.Fatal(err)
		}
	}
	return ids
}

// writers write on behalf of every node.
type writers struct {
	ids  []string
	end  chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex     // guards the rest
	acked map[string]int // by session and attribute: the last value acknowledged
}

func (c *cluster) writers(ids []string) *writers {
	w := &writers{ids: ids, end: make(chan struct{}), acked: map[string]int{}}
	for i, m := range c.nodes {
		w.done.Go(func() { w.run(m.node, fmt.Sprint("w", i)) })
	}
	return w
}

func (w *writers) run(s client.Store, attr string) {
	for n := 1; ; n++ {
		select {
		case <-w.end:
			return
		case <-time.After(300 * time.Millisecond):
		}
		id := w.ids[n%len(w.ids)]
		_, err := s.Commit(context.Background(), &replica.Commit{
			Key:     replica.Key{App: "test", ID: id},
			Changes: []replica.Change{{Name: attr, Value: []byte(fmt.Sprint(n))}},
		})
		if err == nil {
			w.mu.Lock()
			w.acked[id+" "+attr] = n
			w.mu.Unlock()
		}
	}
}

func (w *writers) stop() {
	close(w.end)
	w.done.Wait()
}

// verify fails unless every node reads of every session at least what was acknowledged before it asked.
func (w *writers) verify(c *cluster) {
	c.t.Helper()
	for i, m := range c.nodes {
		for _, id := range w.ids {
			w.mu.Lock()
			least := map[string]int{}
			for k := range c.nodes {
				attr := fmt.Sprint("w", k)
				least[attr] = w.acked[id+" "+attr]
			}
			w.mu.Unlock()
			res, err := m.node.Load(context.Background(), &replica.Load{Key: replica.Key{App: "test", ID: id}})
			if err != nil {
				c.t.Fatalf("n%d reads %s: %v", i+1, replica.ShortID(id), err)
			}
			for attr, want := range least {
				v, _ := res.Session.Get(attr)
				if got, _ := strconv.Atoi(string(v)); got < want {
					c.t.Fatalf("n%d reads %s=%d of %s, %d was acknowledged", i+1, attr, got, replica.ShortID(id), want)
				}
			}
		}
	}
}
