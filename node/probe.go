package node

import (
	"context"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// When a killed process is looked for.
const (
	probeEvery   = 25 * time.Millisecond
	probeResolve = time.Second // for a member's name; one that takes longer is not probed
)

// probeAfter is the silence after which a member is probed. Members are heard every third of a lease, 100 ms by default; a
// hint that comes before a lease has run out (330 ms) loses nothing.
func (c *Config) probeAfter() time.Duration { return c.Lease / 2 }

// probes are the sockets toward the members: one each, because a refusal met on the node's own socket would end a
// connection to somebody else. They belong to the goroutine that runs Node.probe.
type probes map[replica.Boot]*wire.Probe // nil: could not be opened

// probe asks the ports of silent members whether their process is gone, and tells the core of those that refuse. It runs
// until the node is closed; Close joins it. Simulated networks have no ports to ask.
func (n *Node) probe() {
	if n.cfg.PacketConn != nil {
		return
	}
	sockets := probes{}
	defer func() { sockets.follow(n.ctx, nil) }()
	for wait := probeEvery; sleep(n.ctx, wait); {
		members, silent, longest := n.silent()
		wait = max(n.cfg.probeAfter()-longest, probeEvery)
		sockets.follow(n.ctx, members)
		refused := sockets.refusing(silent)
		if len(refused) == 0 {
			continue
		}
		n.mu.Lock()
		for _, b := range refused {
			if n.core.Silence(n.cfg.Clock(), b) > n.cfg.probeAfter() { // not heard since it was asked
				n.core.Refused(b)
			}
		}
		n.mu.Unlock()
	}
}

// silent lists the other members, which of them have not been heard for a while, and the longest silence of any.
func (n *Node) silent() (others []replica.Member, silent []replica.Boot, longest time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.cfg.Clock()
	for _, m := range n.members {
		if m.Boot == n.self.Boot {
			continue
		}
		others = append(others, m)
		silence := n.core.Silence(now, m.Boot)
		longest = max(longest, silence)
		if silence > n.cfg.probeAfter() {
			silent = append(silent, m.Boot)
		}
	}
	return others, silent, longest
}

// follow opens a socket toward each member that is new and closes those of members that are gone. Opening one sends
// nothing; it is done ahead, so that a name need not be resolved when there is no time.
func (p probes) follow(ctx context.Context, members []replica.Member) {
	present := make(map[replica.Boot]bool, len(members))
	for _, m := range members {
		present[m.Boot] = true
		if _, known := p[m.Boot]; !known {
			p[m.Boot] = openProbe(ctx, m.Addr)
		}
	}
	for boot, socket := range p {
		if present[boot] {
			continue
		}
		if socket != nil {
			_ = socket.Close() // nothing is left that could be done about it
		}
		delete(p, boot)
	}
}

func openProbe(ctx context.Context, addr string) *wire.Probe {
	ctx, cancel := context.WithTimeout(ctx, probeResolve)
	defer cancel()
	socket, err := wire.DialProbe(ctx, addr)
	if err != nil {
		return nil // only a hint is missed: the member is suspected after the full silence
	}
	return socket
}

// refusing asks the ports of some members and lists those that have refused before.
func (p probes) refusing(silent []replica.Boot) []replica.Boot {
	var refused []replica.Boot
	for _, b := range silent {
		if socket := p[b]; socket != nil && socket.Refused() {
			refused = append(refused, b)
		}
	}
	return refused
}
