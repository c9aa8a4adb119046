package failover

import (
	"time"

	"github.com/sessnode/sessnode/replica"
)

// compareAfter is how long a member's claims may differ from ours before all of them are asked for: claims that were
// just issued are on their way to everybody.
const compareAfter = 250 * time.Millisecond

// sendHeartbeats asks for a lease every member that was not asked for an interval, give or take half a tick. Of two members
// the one with the lower boot goes first; the other waits for a tick more, so that both do not ask at the same moment.
func (c *Core) sendHeartbeats(now replica.Instant, fx *replica.Effects) {
	var m *replica.Heartbeat
	tick := c.cfg.restEvery()
	for _, b := range c.alive {
		p, due := c.peers[b], c.cfg.heartbeatEvery()-tick/2
		if b < c.Self() {
			due += tick
		}
		if p.beat != 0 && now.Mono-p.beat < due {
			continue
		}
		if m == nil {
			m = c.newHeartbeat(now)
		}
		p.beat = now.Mono
		send(fx, b, m)
	}
}

func (c *Core) newHeartbeat(now replica.Instant) *replica.Heartbeat {
	return &replica.Heartbeat{Sent: now.Mono, Digest: c.digest, ClockOff: c.ClockOff(c.Self())}
}

// heartbeat answers a member, and grants it a lease unless somebody was promised one of its slots. This node's own heartbeat
// goes with the answer if the last one was half an interval ago: so two members soon ask each other in the same packets.
func (c *Core) heartbeat(now replica.Instant, from replica.Boot, m *replica.Heartbeat, fx *replica.Effects) {
	p := c.peers[from]
	if p == nil || c.cluster == 0 || c.leaving {
		return
	}
	grant := !c.promisedAgainst(now, from)
	if grant {
		p.gave = now.Mono
	}
	c.heardClock(now, p, m.ClockOff)
	send(fx, from, &replica.HeartbeatReply{Sent: m.Sent, Digest: c.digest, Granted: grant, Wall: now.Wall})
	if p.alive && now.Mono-p.beat >= c.cfg.heartbeatEvery()/2 {
		p.beat = now.Mono
		send(fx, from, c.newHeartbeat(now))
	}
	c.compare(now, from, m.Digest, fx)
}

// promisedAgainst reports whether another asker was promised a slot whose primary is b.
func (c *Core) promisedAgainst(now replica.Instant, b replica.Boot) bool {
	if now.Mono >= c.bound {
		return false
	}
	for i := range c.slots {
		if s := &c.slots[i]; s.claim.Primary == b && s.promise.to != b && s.promise.holds(now) {
			return true
		}
	}
	return false
}

// granted takes a lease. One that had run out may have been used to depose this node: it begins anew only with a member
// that knows of no claim that this node has not heard of.
func (c *Core) granted(now replica.Instant, from replica.Boot, m *replica.HeartbeatReply, fx *replica.Effects) {
	p := c.peers[from]
	if p == nil {
		return
	}
	p.replied = now.Mono
	c.readClock(now, p, m)
	current := m.Digest == c.digest || c.grants(now, from)
	switch {
	case m.Granted && m.Sent <= now.Mono && current:
		p.granted = max(p.granted, m.Sent)
		c.renewUnbacked(now)
	case m.Granted && now.Mono-p.wanted > scanEvery:
		p.wanted = now.Mono
		send(fx, from, &replica.ClaimsWanted{})
	}
	c.compare(now, from, m.Digest, fx)
}

// compare asks a member for its claims when they have differed from ours for a while.
func (c *Core) compare(now replica.Instant, from replica.Boot, digest uint64, fx *replica.Effects) {
	p := c.peers[from]
	switch {
	case digest == c.digest:
		p.compare = 0
	case p.compare == 0:
		p.compare = now.Mono
	case now.Mono-p.compare > compareAfter:
		p.compare = now.Mono
		send(fx, from, &replica.ClaimsWanted{})
	}
}

// renewUnbacked renews the lease of slots without backups. Any member carries it on; one that ran out may have been used
// to depose this node, with promises of members that the one who grants now, a newcomer maybe, has not heard of: it
// begins anew only when all members who can be heard have granted it.
func (c *Core) renewUnbacked(now replica.Instant) {
	until := c.unbacked
	for _, b := range c.alive {
		switch {
		case c.grants(now, b):
			until = max(until, c.peers[b].granted+c.cfg.Lease)
		case now.Mono >= c.unbacked && !c.suspect(now, b):
			return
		}
	}
	c.unbacked = until
}

// alone reports whether gossip says that this node is the only member, which makes it a side of its own. After it stood
// still it does not trust that before it has run for as long as others take to be heard.
func (c *Core) alone(now replica.Instant) bool {
	return len(c.alive) == 0 && (c.stood == 0 || now.Mono-c.stood > c.cfg.suspectAfter())
}

// leased reports whether every backup of a claim of ours has granted a lease that still holds; without backups, whether
// the other members have, or there are none.
// After standing still it holds none, whatever was granted, until the next tick has doubted everything.
func (c *Core) leased(now replica.Instant, claim replica.Claim) bool {
	if now.Mono-c.ticked > c.cfg.Lease/2 {
		return false
	}
	for _, b := range claim.Backups {
		if !c.grants(now, b) {
			return false
		}
	}
	return len(claim.Backups) > 0 || now.Mono < c.unbacked || c.alone(now)
}

func (c *Core) grants(now replica.Instant, b replica.Boot) bool {
	p := c.peers[b]
	return p != nil && p.granted != 0 && now.Mono < p.granted+c.cfg.Lease
}

// mayHoldLease reports whether a lease that we granted to b may still hold.
func (c *Core) mayHoldLease(now replica.Instant, b replica.Boot) bool {
	p := c.peers[b]
	return p != nil && p.gave != 0 && now.Mono-p.gave <= c.cfg.graceLease()
}
