package failover

import (
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// peer is what a node knows of another boot.
type peer struct {
	member  replica.Member // zero while only a claim has named it
	alive   bool           // by gossip: a member, and not replaced by a later boot of its name
	left    bool           // it said that it serves nothing any more
	refused bool           // its port refused a packet; a hint that its process died, never a proof

	heard   time.Duration // Instant.Mono of its last message
	replied time.Duration // Instant.Mono when it last answered a heartbeat
	beat    time.Duration // when it was last sent a heartbeat; zero: one is due at once
	granted time.Duration // when the heartbeat was sent by whose answer it granted us its last lease; zero: none
	gave    time.Duration // when we last granted it a lease; zero: never
	wanted  time.Duration // when its claims were last asked for, to renew a lease
	compare time.Duration // since when its claims differ from ours; zero: they do not
	went    time.Duration // when gossip last dropped it; zero: never
	passed  time.Duration // no new learner there before: it refused one, or got nowhere

	reading  reading // of its clock
	clockOff bool    // it says that its clock is off
}

// peersMax bounds the boots that are remembered; the dead beyond it are forgotten, oldest first.
const peersMax = 1024

// SetMembers takes gossip's view: every other member believed alive, each name at most once. Members that are not in it
// any more are dead or have left.
func (c *Core) SetMembers(now replica.Instant, members []replica.Member) {
	before := slices.Clone(c.alive)
	for _, p := range c.peers {
		p.alive = false
	}
	changed := false
	for _, m := range members {
		if m.Boot == c.Self() {
			continue
		}
		p := c.peers[m.Boot]
		if p == nil || p.member.Name == "" {
			p = &peer{heard: now.Mono, replied: now.Mono}
			c.peers[m.Boot] = p
		}
		changed = changed || p.member.Draining != m.Draining
		p.member, p.alive = m, true
	}
	c.alive = c.alive[:0]
	for b, p := range c.peers {
		if p.alive {
			c.alive = append(c.alive, b)
		}
	}
	slices.Sort(c.alive)
	if changed || !slices.Equal(before, c.alive) {
		c.settling.changed(now, c.cfg.Settle, c.flapped(now, before))
	}
	c.placing++
	c.forgetDead()
}

// introduce notes the boots that a claim names and that gossip has not told of yet: they get the time to be heard.
func (c *Core) introduce(now replica.Instant, claim replica.Claim) {
	for _, b := range claim.Replicas() {
		if b != c.Self() && c.peers[b] == nil {
			c.peers[b] = &peer{heard: now.Mono, replied: now.Mono}
		}
	}
	c.forgetDead()
}

func (c *Core) forgetDead() {
	for len(c.peers) > peersMax {
		var oldest replica.Boot
		for b, p := range c.peers {
			if !p.alive && (oldest == 0 || p.heard < c.peers[oldest].heard || p.heard == c.peers[oldest].heard && b < oldest) {
				oldest = b
			}
		}
		if oldest == 0 {
			return
		}
		delete(c.peers, oldest)
	}
}

// Member is what is known of a boot, and whether it is believed alive.
func (c *Core) Member(b replica.Boot) (m replica.Member, alive bool) {
	if b == c.Self() {
		return c.cfg.Self, true
	}
	if p := c.peers[b]; p != nil {
		return p.member, p.alive
	}
	return replica.Member{Boot: b}, false
}

// Silence is how long nothing was heard of a boot; of one unknown, since the node came to belong to the cluster.
func (c *Core) Silence(now replica.Instant, b replica.Boot) time.Duration {
	return c.peerSilence(now, b)
}

// Members lists this node and every member believed alive, in the order of names.
func (c *Core) Members() []replica.Member {
	all := []replica.Member{c.cfg.Self}
	for _, b := range c.alive {
		all = append(all, c.peers[b].member)
	}
	slices.SortFunc(all, func(a, b replica.Member) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return all
}

// LinkUp tells that messages to a member go through again after some may have been lost.
func (c *Core) LinkUp(now replica.Instant, b replica.Boot, fx *replica.Effects) {
	if p := c.peers[b]; p != nil {
		p.refused, p.beat = false, 0 // the last heartbeat may be lost
	}
	for i := range c.slots {
		if c.slots[i].data.Role() == replica.Primary {
			c.slots[i].data.Resend(now, b, fx)
		}
	}
}

// Refused tells that a member's port refused a packet.
func (c *Core) Refused(b replica.Boot) {
	if p := c.peers[b]; p != nil {
		p.refused = true
	}
}

func (c *Core) hear(now replica.Instant, from replica.Boot) {
	if p := c.peers[from]; p != nil {
		p.heard, p.refused = now.Mono, false
	}
}

func (c *Core) surrendered(from replica.Boot) {
	if p := c.peers[from]; p != nil {
		p.left, p.gave = true, 0
	}
}

// HasLeft reports whether a boot said that it leaves.
func (c *Core) HasLeft(b replica.Boot) bool {
	p := c.peers[b]
	return p != nil && p.left
}

// suspect reports whether a boot is to be taken for dead: it left; or it has been silent for longer than any lease
// holds and gossip or its port say that it is gone; or it has been silent for so long that neither is needed.
func (c *Core) suspect(now replica.Instant, b replica.Boot) bool {
	if b == c.Self() {
		return false
	}
	p := c.peers[b]
	if p == nil {
		return true // forgotten, long after it died
	}
	silent := now.Mono - p.heard
	if p.member.Name == "" {
		return silent > 2*c.cfg.suspectAfter() // gossip takes a while to tell of who a claim names
	}
	return p.left || silent > c.cfg.suspectAfter() || silent > c.cfg.graceLease() && (!p.alive || p.refused)
}

// gone is suspect at one moment, for those who look at many slots.
func (c *Core) gone(now replica.Instant) func(replica.Boot) bool {
	return func(b replica.Boot) bool { return c.suspect(now, b) }
}

// stalled makes a node that stood still doubt itself before it doubts others: it holds no lease until it is granted
// anew, and everybody has the full time to be heard from.
func (c *Core) stalled(now replica.Instant) {
	c.stood, c.unbacked = now.Mono, 0
	for _, p := range c.peers {
		p.granted, p.beat = 0, 0
		p.heard = now.Mono
	}
}
