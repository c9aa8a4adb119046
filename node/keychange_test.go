package node_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// testKey is one of a few fixed cluster keys.
func testKey(t *testing.T, number byte) wire.Key {
	t.Helper()
	key, err := wire.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{number}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// clientKeyOf is the client key of a cluster key.
func clientKeyOf(t *testing.T, key wire.Key) wire.Key {
	t.Helper()
	own, err := key.ClientKey()
	if err != nil {
		t.Fatal(err)
	}
	return own
}

// A cluster's key is changed while clients load, as docs/SECURITY.md says: the new key is accepted, then used, then the old
// one is accepted no more. The nodes are restarted one after the other for each step. No request fails.
func TestKeyIsChangedUnderLoad(t *testing.T) {
	older, newer := testKey(t, 1), testKey(t, 2)
	slots := func(key wire.Key, accept ...wire.Key) func(*node.Config) {
		return func(c *node.Config) { c.Key, c.Accept, c.Slots = key, accept, 16 }
	}
	nodes := 3
	if underRace {
		nodes = 2
	}
	runCluster(t, nodes, slots(older), func(c *cluster) {
		c.wait(5 * time.Second)
		restart := func(change func(*node.Config)) {
			for i, m := range c.nodes {
				m.stop() // drains
				if err := <-m.done; err != nil {
					t.Errorf("run: %v", err)
				}
				m.node = nil
				c.start(i, change)
				c.wait(20 * time.Second)
			}
		}
		ask := &asking{t: t, loads: map[*client.Client]visits{}}
		first := c.dialKeys("10.0.1.1", clientKeyOf(t, older), clientKeyOf(t, newer))
		ask.start(first)
		restart(slots(older, newer)) // 1: accepted
		second := c.dialKeys("10.0.1.2", clientKeyOf(t, newer), clientKeyOf(t, older))
		ask.start(second)
		restart(slots(newer, older)) // 2: used
		ask.stop(first)
		restart(slots(newer)) // 3: the old one is gone
		ask.stop(second)
		t.Logf("%d requests, %d failed", ask.asked, ask.failed)
		if ask.failed > 0 || ask.asked < 50 {
			t.Errorf("%d of %d requests failed: %v", ask.failed, ask.asked, ask.err)
		}
		_, err := c.tryDial("10.0.1.3", client.Config{Key: clientKeyOf(t, older), Accept: []wire.Key{clientKeyOf(t, newer)}})
		t.Logf("who has the old key after step 3 gets: %v", err)
		if err == nil {
			t.Error("the old key still opens sessions")
		}
	})
}

// dialKeys opens a client that has one key and accepts another.
func (c *cluster) dialKeys(host string, key wire.Key, accept ...wire.Key) *client.Client {
	c.t.Helper()
	cl, err := c.tryDial(host, client.Config{Key: key, Accept: accept})
	if err != nil {
		c.t.Fatal(err)
	}
	return cl
}

// tryDial opens a client on a host of its own.
func (c *cluster) tryDial(host string, conf client.Config) (*client.Client, error) {
	c.t.Helper()
	conn, err := c.net.Listen(host + ":0")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, m := range c.nodes {
		conf.Nodes = append(conf.Nodes, m.addr)
	}
	conf.PacketConn, conf.Resolve, conf.Log = conn, resolve, logger(c.t)
	return client.Dial(context.Background(), conf)
}

// asking is clients that read and write sessions of their own, and what came of it.
type asking struct {
	t     *testing.T
	loads map[*client.Client]visits

	mu            sync.Mutex // guards the rest
	asked, failed int
	err           error // the first
}

// visits is one client at work.
type visits struct {
	end  chan struct{} // closed to end it
	over chan struct{} // closed when it has ended
}

func (a *asking) start(cl *client.Client) {
	l := visits{make(chan struct{}), make(chan struct{})}
	a.loads[cl] = l
	ids := writeCopies(a.t, cl, 4, 2)
	go func() { // stop joins it
		defer close(l.over)
		for i := 0; ; i++ {
			select {
			case <-l.end:
				return
			case <-time.After(50 * time.Millisecond):
				a.ask(cl, replica.Key{App: "test", ID: ids[i%len(ids)]}, i)
			}
		}
	}()
}

// ask writes a value and reads it.
func (a *asking) ask(cl *client.Client, key replica.Key, i int) {
	value := fmt.Sprint(i)
	_, err := cl.Commit(context.Background(), &replica.Commit{Key: key, Changes: []replica.Change{{Name: "n", Value: []byte(value)}}})
	if err == nil {
		var res replica.Result
		if res, err = cl.Load(context.Background(), &replica.Load{Key: key}); err == nil {
			if got, _ := res.Session.Get("n"); string(got) != value {
				err = fmt.Errorf("read %q, wrote %q", got, value)
			}
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	if err != nil {
		a.failed++
		if a.err == nil {
			a.err = err
		}
	}
}

// stop ends a client's load and closes it.
func (a *asking) stop(cl *client.Client) {
	close(a.loads[cl].end)
	<-a.loads[cl].over
	if err := cl.Close(); err != nil {
		a.t.Error(err)
	}
}
