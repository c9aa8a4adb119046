package client

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/chaos/simnet"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// fakeSlots is the number of slots of a fake cluster; one, so that tests choose its primary.
const fakeSlots = 1

// fakeNode speaks a node's protocol as its script says.
type fakeNode struct {
	cluster  *fakeCluster
	member   replica.Member
	endpoint *wire.Endpoint
	tasks    sync.WaitGroup // the accept loop; kill joins it

	mu     sync.Mutex // guards the fields below
	conns  []*wire.Conn
	layout replica.Layout // what it tells
	got    []arrived
	script func(conn *wire.Conn, req *replica.Request) *replica.Reply // nil answers nothing
	greets func(conn *wire.Conn)                                      // when set, in place of telling the layout
}

// arrived is a request as a node got it.
type arrived struct {
	lane int
	req  replica.Request
}

// fakeCluster is a few nodes on a network in memory, in a synctest bubble.
type fakeCluster struct {
	t     *testing.T
	net   *simnet.Network
	nodes []*fakeNode
}

// inCluster runs a test with nodes that all name the first of them primary and answer OK.
func inCluster(t *testing.T, nodes int, test func(t *testing.T, f *fakeCluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeCluster{t: t, net: simnet.New(simnet.Config{Latency: time.Millisecond})}
		for i := range nodes {
			f.nodes = append(f.nodes, &fakeNode{cluster: f, member: replica.Member{
				Boot: replica.Boot(i + 1), Name: fmt.Sprintf("n%d", i+1), Addr: fmt.Sprintf("10.0.0.%d:7946", i+1),
			}})
		}
		for _, n := range f.nodes {
			n.layout = replica.Layout{Cluster: 7, Slots: fakeSlots, Members: f.members(), Claims: []replica.Claim{f.claim(1, 1)}}
			n.script = ok
			n.start(wire.DevelopmentKey())
		}
		test(t, f)
		for _, n := range f.nodes {
			n.kill()
		}
		must(t, f.net.Close())
		time.Sleep(time.Minute) // timers of closed connections run out
	})
}

func (f *fakeCluster) members() []replica.Member {
	var all []replica.Member
	for _, n := range f.nodes {
		all = append(all, n.member)
	}
	return all
}

// claim names a node, counted from 1, primary of the slot.
func (f *fakeCluster) claim(epoch uint64, primary int) replica.Claim {
	return replica.Claim{Epoch: epoch, Primary: replica.Boot(primary)}
}

// config dials nodes, counted from 1, all of them by default.
func (f *fakeCluster) config(seeds ...int) Config {
	socket, err := f.net.Listen("10.0.1.1:5000")
	if err != nil {
		f.t.Fatal(err)
	}
	conf := Config{PacketConn: socket, App: "shop", Log: slog.New(slog.DiscardHandler)}
	for i, n := range f.nodes {
		if len(seeds) == 0 || slices.Contains(seeds, i+1) {
			conf.Nodes = append(conf.Nodes, n.member.Addr)
		}
	}
	return conf
}

// dial is a client that has had the time to connect to everyone it wants.
func (f *fakeCluster) dial(conf Config) *Client {
	f.t.Helper()
	c, err := Dial(f.t.Context(), conf)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { must(f.t, c.Close()) })
	time.Sleep(100 * time.Millisecond)
	return c
}

func (n *fakeNode) start(key wire.Key) {
	f := n.cluster
	socket, err := f.net.Listen(n.member.Addr)
	if err != nil {
		f.t.Fatal(err)
	}
	n.endpoint, err = wire.Listen(wire.EndpointConfig{Key: key, Name: n.member.Name, PacketConn: socket})
	if err != nil {
		f.t.Fatal(err)
	}
	n.tasks.Go(func() {
		for {
			conn, err := n.endpoint.Accept(context.Background())
			if err != nil {
				return
			}
			n.mu.Lock()
			n.conns = append(n.conns, conn)
			n.mu.Unlock()
			conn.Start(n)
		}
	})
}

func (n *fakeNode) kill() {
	must(n.cluster.t, n.endpoint.Close())
	n.tasks.Wait()
}

// restart gives the node's address to a new boot, which belongs to another cluster: of so many slots, all led by itself.
func (n *fakeNode) restart(cluster uint64, slots uint32) {
	n.kill()
	n.mu.Lock()
	n.member.Boot += 100
	n.conns, n.got = nil, nil
	n.layout = replica.Layout{Cluster: cluster, Slots: slots, Members: []replica.Member{n.member}}
	for slot := range slots {
		n.layout.Claims = append(n.layout.Claims, replica.Claim{Slot: slot, Epoch: 1, Primary: n.member.Boot})
	}
	n.mu.Unlock()
	n.start(wire.DevelopmentKey())
}

// accepted is how many connections were made to this boot.
func (n *fakeNode) accepted() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}

// says sets the script.
func (n *fakeNode) says(script func(conn *wire.Conn, req *replica.Request) *replica.Reply) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.script = script
}

// starts sets what the node tells new clients.
func (n *fakeNode) starts(layout replica.Layout) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.layout = layout
}

// sees sets the members that the node tells of.
func (n *fakeNode) sees(members []replica.Member) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.layout.Members = members
}

// push tells all clients of a claim.
func (n *fakeNode) push(claims ...replica.Claim) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := n.layout
	m.Claims = claims
	for _, conn := range n.conns {
		_ = conn.Send(0, &appender{&m}) // connections that have ended
	}
}

func (n *fakeNode) Frames(conn *wire.Conn, lane int, frames []wire.Frame) {
	for _, f := range frames {
		m, err := wire.Decode(f, 0)
		must(n.cluster.t, err)
		n.mu.Lock()
		layout, script := n.layout, n.script
		var reply replica.Message
		switch m := m.(type) {
		case *replica.LayoutWanted:
			if reply = &layout; n.greets != nil {
				reply = nil
				n.greets(conn)
			}
		case *replica.AdminRequest:
			reply = n.administer(conn, m)
		case *replica.Request:
			n.got = append(n.got, arrived{lane, *m})
			if r := script(conn, m); r != nil {
				r.Token = m.Token
				reply = r
			}
		}
		n.mu.Unlock()
		if reply != nil {
			_ = conn.Send(lane, &appender{reply}) // the test sees what is missing
		}
	}
}

// administer answers with the node's name and what it was told; it refuses what it is told to refuse.
func (n *fakeNode) administer(conn *wire.Conn, m *replica.AdminRequest) *replica.AdminReply {
	switch {
	case conn.Peer().Role == wire.RoleClient && m.Command == "early":
		return &replica.AdminReply{Token: m.Token}
	case conn.Peer().Role == wire.RoleClient:
		return &replica.AdminReply{Token: m.Token, Status: replica.StatusForbidden}
	case m.Command == "refuse":
		return &replica.AdminReply{Token: m.Token, Status: replica.StatusBadRequest, Detail: m.Argument}
	}
	return &replica.AdminReply{Token: m.Token, JSON: fmt.Appendf(nil, `{"node":%q,"told":%q}`, n.member.Name, m.Command+m.Argument)}
}

func (n *fakeNode) Gossip(_ *wire.Conn, s net.Conn)   { _ = s.Close() }
func (n *fakeNode) Closed(conn *wire.Conn, err error) {}

// requests is what a node got so far, and forgets it.
func (n *fakeNode) requests() []arrived {
	n.mu.Lock()
	defer n.mu.Unlock()
	got := n.got
	n.got = nil
	return got
}

// Scripts.

func ok(_ *wire.Conn, req *replica.Request) *replica.Reply {
	r := &replica.Reply{Result: replica.Result{Stamp: replica.Stamp{Clock: 1, Boot: 1}, Copies: 2}}
	if req.Load != nil {
		r.Result = replica.Result{Stamp: r.Result.Stamp, Session: &replica.Session{Key: req.Load.Key, Stamp: r.Result.Stamp,
			Born: r.Result.Stamp, Touched: r.Result.Stamp}}
	}
	return r
}

func silent(*wire.Conn, *replica.Request) *replica.Reply { return nil }

func hangUp(conn *wire.Conn, _ *replica.Request) *replica.Reply {
	conn.Close("test")
	return nil
}

func status(s replica.Status, claim replica.Claim) func(*wire.Conn, *replica.Request) *replica.Reply {
	return func(*wire.Conn, *replica.Request) *replica.Reply {
		return &replica.Reply{Result: replica.Result{Status: s}, Claim: claim}
	}
}

// inTurn uses one script after the other; the last stays.
func inTurn(scripts ...func(*wire.Conn, *replica.Request) *replica.Reply) func(*wire.Conn, *replica.Request) *replica.Reply {
	return func(conn *wire.Conn, req *replica.Request) *replica.Reply {
		s := scripts[0]
		if len(scripts) > 1 {
			scripts = scripts[1:]
		}
		return s(conn, req)
	}
}
