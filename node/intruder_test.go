package node_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// The tests of this file are attackers: they hold what an attacker may hold, do what they please with it, and print what
// they got.

// An application's key opens that application's sessions and no others, whatever is asked and of whichever node.
func TestApplicationKeyOpensItsOwn(t *testing.T) {
	key := testKey(t, 1)
	shop, err := key.AppKey("shop")
	if err != nil {
		t.Fatal(err)
	}
	runCluster(t, 2, func(c *node.Config) { c.Key = key }, func(c *cluster) {
		c.wait(5 * time.Second)
		victim := c.dialWith("10.0.1.1", key) // of the application "test"
		defer victim.Close()
		theirs := replica.Key{App: "test", ID: write(t, victim, 1)[0]}
		intruder := c.dialKeys("10.0.1.2", shop)
		defer intruder.Close()
		if intruder.App() != "shop" {
			t.Errorf("the client is for %q", intruder.App())
		}
		attack(t, intruder, theirs, replica.ErrForbidden)
		if _, err := intruder.Admin(context.Background(), "", "drain", ""); !errors.Is(err, replica.ErrForbidden) {
			t.Errorf("drain: %v, want ErrForbidden", err)
		}
		verify(t, victim, []string{theirs.ID})

		own := replica.Key{App: "shop", ID: newID(t)}
		if _, err := intruder.Commit(context.Background(), &replica.Commit{Key: own, Create: true}); err != nil {
			t.Fatal(err)
		}
		attack(t, intruder, own, nil)
		if _, err := c.tryDial("10.0.1.3", client.Config{Key: shop, App: "test"}); !errors.Is(err, wire.ErrAppKey) {
			t.Errorf("dial with shop's key for another application: %v, want ErrAppKey", err)
		}
	})
}

// attack does all that can be done to a session, to each of which there must be the same answer.
func attack(t *testing.T, c *client.Client, key replica.Key, want error) {
	t.Helper()
	ctx := context.Background()
	slots, err := c.Slots(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, try := range []struct {
		name string
		do   func() (replica.Result, error)
	}{
		{"read", func() (replica.Result, error) { return c.Load(ctx, &replica.Load{Key: key}) }},
		{"peek", func() (replica.Result, error) { return c.Load(ctx, &replica.Load{Key: key, Peek: true}) }},
		{"lock", func() (replica.Result, error) {
			return c.Lock(ctx, &replica.Lock{Key: key, Wait: time.Second, Lease: time.Second})
		}},
		{"list", func() (replica.Result, error) {
			return c.List(ctx, &replica.List{Slot: replica.SlotOf(key.ID, slots), App: key.App})
		}},
		{"commit", func() (replica.Result, error) {
			return c.Commit(ctx, &replica.Commit{Key: key, Changes: []replica.Change{{Name: "x", Value: []byte("forged")}}})
		}},
		{"create", func() (replica.Result, error) {
			return c.Commit(ctx, &replica.Commit{Key: replica.Key{App: key.App, ID: newID(t)}, Create: true})
		}},
		{"destroy", func() (replica.Result, error) { return c.Commit(ctx, &replica.Commit{Key: key, Destroy: true}) }},
	} {
		res, err := try.do()
		if !errors.Is(err, want) || want != nil && (res.Session != nil || len(res.IDs) > 0) {
			t.Errorf("%s: %+v, %v, want %v", try.name, res, err, want)
		}
		if want != nil {
			t.Logf("attacker tries to %s and gets: %v", try.name, err)
		}
	}
}

func newID(t *testing.T) string {
	t.Helper()
	id, err := replica.NewID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A client that speaks as a node does not: each of its frames ends the connection, and nobody believes it.
func TestClientForgesClaims(t *testing.T) {
	key := testKey(t, 1)
	runCluster(t, 2, func(c *node.Config) { c.Key = key }, func(c *cluster) {
		c.wait(5 * time.Second)
		before := c.nodes[0].node.Status()
		conn, err := c.net.Listen("10.0.1.1:0")
		if err != nil {
			t.Fatal(err)
		}
		endpoint, err := wire.Listen(wire.EndpointConfig{Key: clientKeyOf(t, key), Role: wire.RoleClient, PacketConn: conn, Resolve: resolve})
		if err != nil {
			t.Fatal(err)
		}
		defer endpoint.Close()
		me := replica.Boot(666)
		for name, m := range map[string]replica.Message{
			"greets as a node":   &replica.Hello{Member: replica.Member{Boot: me, Name: "n9", Addr: "10.0.1.1:1"}, Slots: 64},
			"claims a slot":      &replica.Claims{Claims: []replica.Claim{{Slot: 1, Epoch: 1 << 40, Primary: me}}},
			"sends an update":    &replica.Update{Slot: 1, Epoch: 1 << 40},
			"asks for a copy":    &replica.Pull{Slot: 1},
			"asks to depose":     &replica.Ask{Round: 1, Slots: []replica.AskedSlot{{Slot: 1}}},
			"says it is leaving": &replica.Leaving{},
			"hands a slot over":  &replica.HandOff{Slot: 1, Epoch: 1 << 40},
		} {
			dialed, err := endpoint.Dial(context.Background(), c.nodes[0].addr)
			if err != nil {
				t.Fatal(err)
			}
			dialed.Start(silent{})
			if err := dialed.Send(0, &message{m}); err != nil {
				t.Fatal(err)
			}
			select {
			case <-dialed.Done():
			case <-time.After(2 * time.Second):
				t.Errorf("attacker %s and is not thrown out", name)
				continue
			}
			t.Logf("attacker %s and gets: %v", name, dialed.Err())
			if !errors.Is(dialed.Err(), wire.ErrRole) {
				t.Errorf("attacker %s: %v, want ErrRole", name, dialed.Err())
			}
		}
		after := c.nodes[0].node.Status()
		if !after.Ready || len(after.Members) != 2 || after.Slots != before.Slots {
			t.Errorf("status is %+v, was %+v", after, before)
		}
	})
}

// silent is a handler that does nothing.
type silent struct{}

func (silent) Frames(*wire.Conn, int, []wire.Frame) {}
func (silent) Gossip(_ *wire.Conn, s net.Conn)      { _ = s.Close() }
func (silent) Closed(*wire.Conn, error)             {}

// message is a frame to send.
type message struct{ replica.Message }

func (m *message) AppendFrame(b []byte) []byte { return wire.AppendMessage(b, m.Message, 0) }

// Whoever recorded every packet of a cluster, of its gossip and of a client that made and ended sessions, sends them all
// again, from where they came and from elsewhere: nothing changes.
func TestReplayedPackets(t *testing.T) {
	key := testKey(t, 1)
	var tap tap
	times := 2
	if underRace {
		times = 1
	}
	runCluster(t, 2, func(c *node.Config) { c.Key, c.PacketConn = key, tap.on(c.PacketConn) }, func(c *cluster) {
		c.wait(5 * time.Second)
		victim := c.dialWith("10.0.1.1", key)
		ids := write(t, victim, 5)
		gone := replica.Key{App: "test", ID: ids[4]}
		if _, err := victim.Commit(context.Background(), &replica.Commit{Key: gone, Destroy: true}); err != nil {
			t.Fatal(err)
		}
		if err := victim.Close(); err != nil {
			t.Error(err)
		}
		c.nodes[1].stop() // its good-bye is recorded too
		<-c.nodes[1].done
		c.nodes[1].node = nil
		c.start(1, func(c *node.Config) { c.Key = key })
		c.wait(20 * time.Second)
		before := c.sum()

		packets := tap.take()
		elsewhere, err := c.net.Listen("10.0.6.6:666")
		if err != nil {
			t.Fatal(err)
		}
		victims, err := c.net.Listen("10.0.1.1:0")
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range packets {
			for _, m := range c.nodes {
				to, _ := net.ResolveUDPAddr("udp", m.addr) // numeric
				for range times {
					_, _ = elsewhere.WriteTo(p, to)
					_, _ = victims.WriteTo(p, to)
				}
			}
			if i%50 == 0 {
				time.Sleep(10 * time.Millisecond)
			}
		}
		time.Sleep(2 * time.Second)
		_, _ = elsewhere.Close(), victims.Close()
		t.Logf("attacker sends %d recorded packets to each node, from two places, and gets: %s", len(packets), c.sum())
		c.wait(time.Second)
		if after := c.sum(); after != before || len(packets) < 50 {
			t.Errorf("after the replay: %s, before: %s", after, before)
		}
		again := c.dialWith("10.0.1.2", key)
		defer again.Close()
		verify(t, again, ids[:4])
		if _, err := again.Load(context.Background(), &replica.Load{Key: gone}); !replica.Gone(err) {
			t.Errorf("the session that was ended: %v", err)
		}
	})
}

// sum is what nobody from outside may change: the boots that are members, as each node sees them.
func (c *cluster) sum() string {
	text := ""
	for _, m := range c.nodes {
		s := m.node.Status()
		text += fmt.Sprintf("%s ready %v:", s.Node, s.Ready)
		for _, other := range s.Members {
			text += " " + other.Name + "#" + other.Boot
		}
		text += "; "
	}
	return text
}

// tap records what arrives at sockets.
type tap struct {
	mu      sync.Mutex // guards packets
	packets [][]byte
}

func (r *tap) on(c net.PacketConn) net.PacketConn { return &tapped{c, r} }

func (r *tap) take() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.packets)
}

// tapped is a socket that is listened in on.
type tapped struct {
	net.PacketConn
	tap *tap
}

func (c *tapped) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.PacketConn.ReadFrom(b)
	c.tap.mu.Lock()
	defer c.tap.mu.Unlock()
	if err == nil && len(c.tap.packets) < 4000 {
		c.tap.packets = append(c.tap.packets, slices.Clone(b[:n]))
	}
	return n, from, err
}

// A client cannot join gossip: its key gives none of gossip's, and what it sends to the port, in the clear or under a key
// that is not the cluster's, makes nobody a member.
func TestClientGossips(t *testing.T) {
	key := testKey(t, 1)
	if secret, err := clientKeyOf(t, key).GossipKey(); !errors.Is(err, wire.ErrClientKey) {
		t.Errorf("gossip key of a client key: %x, %v", secret, err)
	}
	runCluster(t, 2, func(c *node.Config) { c.Key = key }, func(c *cluster) {
		c.wait(5 * time.Second)
		before := c.sum()
		conn, err := c.net.Listen("10.0.1.1:7946")
		if err != nil {
			t.Fatal(err)
		}
		endpoint, err := wire.Listen(wire.EndpointConfig{Key: clientKeyOf(t, key), Role: wire.RoleClient, PacketConn: conn, Resolve: resolve})
		if err != nil {
			t.Fatal(err)
		}
		defer endpoint.Close()
		dialed, err := endpoint.Dial(context.Background(), c.nodes[0].addr)
		if err != nil {
			t.Fatal(err)
		}
		dialed.Start(silent{})
		_, err = dialed.OpenGossip(context.Background())
		t.Logf("attacker opens a gossip stream and gets: %v", err)
		if !errors.Is(err, wire.ErrRole) {
			t.Errorf("gossip stream: %v, want ErrRole", err)
		}
		// The key as that of a node, and a node with a key that was guessed.
		thief, err := node.New(node.Config{Key: clientKeyOf(t, key), PacketConn: conn})
		t.Logf("attacker runs a node with the client key and gets: %v", err)
		if !errors.Is(err, node.ErrConfig) {
			t.Errorf("a node with a client key: %v, %v", thief, err)
		}
		guessed, err := c.net.Listen("10.0.6.6:7946")
		if err != nil {
			t.Fatal(err)
		}
		other, err := node.New(node.Config{
			Name: "n9", Key: testKey(t, 2), PacketConn: guessed, Join: []string{c.nodes[0].addr}, Resolve: resolve, Slots: 64,
			Clock: node.SteadyClock(), Log: logger(c.t), JoinTimeout: 3 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		err = other.Run(context.Background())
		t.Logf("attacker runs a node with another key and gets: %v", err)
		if !errors.Is(err, wire.ErrKeyMismatch) && !errors.Is(err, wire.ErrKeyRefused) {
			t.Errorf("a node with another key: %v", err)
		}
		to, _ := net.ResolveUDPAddr("udp", c.nodes[0].addr) // numeric
		for _, packet := range []string{"\x00\x82\xa5SeqNo\x01", "\x04\x86alive", "\x0c\x01garbage that is as long as a sealed packet would be"} {
			if err := endpoint.WriteGossip([]byte(packet), to); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(2 * time.Second)
		t.Logf("attacker sends gossip packets and gets: %s", c.sum())
		if after := c.sum(); after != before {
			t.Errorf("members are %s, were %s", after, before)
		}
	})
}
