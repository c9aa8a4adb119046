package client

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/sessnode/sessnode/wire"
)

// subscriptions is how many members are kept connected although nothing is asked of them, so that the layout stays
// fresh when the one that dies is the one that would have told.
const subscriptions = 2

// peers are the nodes that the client is, or wants to be, connected to. One goroutine, the keeper, adds and removes
// them as the layout says; requests add the primaries that they need.
type peers struct {
	client *Client
	seeds  []string
	max    int
	work   chan struct{} // capacity 1: the keeper has something to look at

	mu     sync.RWMutex // guards the fields below
	byAddr map[string]*peer
	closed bool
}

func newPeers(c *Client, seeds []string, max int) *peers {
	return &peers{client: c, seeds: seeds, max: max, work: make(chan struct{}, 1), byAddr: make(map[string]*peer)}
}

// get is the peer at an address, connecting to it from now on if it is new; nil when there is no room for another.
func (ps *peers) get(addr string) *peer {
	ps.mu.RLock()
	p := ps.byAddr[addr]
	ps.mu.RUnlock()
	if p != nil || addr == "" {
		return p
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.byAddr[addr]; p != nil || ps.closed || len(ps.byAddr) >= ps.max {
		return p
	}
	p = &peer{client: ps.client, addr: addr, window: newWindow(ps.client.conf.InFlightMax)}
	p.link = wire.NewLink(wire.LinkConfig{
		Endpoint: ps.client.endpoint,
		Addr:     func() string { return addr },
		Handler:  p,
		OnUp:     p.greet,
		OnDown:   p.down,
	})
	ps.byAddr[addr] = p
	return p
}

// another is a connected peer other than those that skip names, the least suspect first, else any; nil if there is none.
func (ps *peers) another(skip func(*wire.Conn) bool) (*peer, *wire.Conn) {
	var doubtful []*peer
	for _, p := range ps.all() {
		if conn := p.usable(); conn != nil && !skip(conn) {
			return p, conn
		}
		doubtful = append(doubtful, p)
	}
	for _, p := range doubtful {
		if conn := p.conn.Load(); conn != nil && !skip(conn) {
			return p, conn
		}
	}
	return nil, nil
}

// all is every peer, in random order so that those who ask another spread.
func (ps *peers) all() []*peer {
	ps.mu.RLock()
	all := make([]*peer, 0, len(ps.byAddr))
	for _, p := range ps.byAddr {
		all = append(all, p)
	}
	ps.mu.RUnlock()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// wake makes the keeper look.
func (ps *peers) wake() {
	select {
	case ps.work <- struct{}{}:
	default:
	}
}

// keep is the keeper; it owns the removal of peers, runs until ctx is done, and Client.Close joins it.
func (ps *peers) keep(ctx context.Context) {
	for {
		select {
		case <-ps.work:
			ps.tend()
		case <-ctx.Done():
			return
		}
	}
}

// tend connects to enough members and lets go of addresses that belong to none. Seeds may be other names of members, or
// the only addresses that can be reached: they stay until enough members are connected, and come back when none is.
func (ps *peers) tend() {
	members := ps.memberAddrs()
	up, hopeful := ps.count(members)
	rand.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	for _, addr := range members {
		if hopeful >= subscriptions {
			break
		}
		if !ps.has(addr) && ps.get(addr) != nil {
			hopeful++
		}
	}
	if up == 0 {
		for _, addr := range ps.seeds {
			ps.get(addr)
		}
	}
	enough := up >= min(subscriptions, len(members)) && up > 0
	for _, p := range ps.remove(func(p *peer) bool {
		return !slices.Contains(members, p.addr) && (!slices.Contains(ps.seeds, p.addr) || enough && ps.known(p))
	}) {
		p.link.Close()
	}
}

// known reports whether a seed has had its say, or none to have: before that it may be a member that others miss.
func (ps *peers) known(p *peer) bool { return ps.client.layout.heard(p) || p.failure() != nil }

func (ps *peers) memberAddrs() []string {
	var addrs []string
	for _, m := range ps.client.layout.list() {
		addrs = append(addrs, m.Addr)
	}
	return addrs
}

// count is how many of the addresses are connected, and how many of them are, or have not failed to.
func (ps *peers) count(addrs []string) (up, hopeful int) {
	for _, p := range ps.all() {
		switch {
		case !slices.Contains(addrs, p.addr):
		case p.conn.Load() != nil:
			up++
			hopeful++
		case p.failure() == nil:
			hopeful++
		}
	}
	return up, hopeful
}

func (ps *peers) has(addr string) bool {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	return ps.byAddr[addr] != nil
}

// remove takes peers out; the caller closes their links.
func (ps *peers) remove(unwanted func(*peer) bool) []*peer {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var out []*peer
	for addr, p := range ps.byAddr {
		if unwanted(p) {
			delete(ps.byAddr, addr)
			out = append(out, p)
		}
	}
	return out
}

// close disconnects from everybody for good.
func (ps *peers) close() {
	ps.mu.Lock()
	ps.closed = true
	ps.mu.Unlock()
	for _, p := range ps.remove(func(*peer) bool { return true }) {
		p.link.Close()
	}
}
