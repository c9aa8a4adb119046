package failover

import "github.com/sessnode/sessnode/replica"

// Drain makes the node hand over everything that it holds. The caller tells the others by gossip, so that nobody counts
// it in when home is computed; it goes on serving what it still holds. There is no way back but to start anew.
func (c *Core) Drain() {
	c.cfg.Self.Draining = true
	c.placing++
}

// Drained reports whether a draining node has nothing left to hand over: no claim that it knows names it and it holds
// nothing to offer, or there is nobody to take what it has.
func (c *Core) Drained() bool {
	if !c.cfg.Self.Draining {
		return false
	}
	if !c.othersTake() {
		return true
	}
	for i := range c.slots {
		if c.slots[i].occupied(c.Self()) {
			return false
		}
	}
	return true
}

// occupied reports whether a draining node has to wait for the slot: a claim names it, or it holds what its primary may
// lack.
func (s *slot) occupied(self replica.Boot) bool {
	return s.claim.Holds(self) || s.data.Role() == replica.Holder
}

// drains reports whether a boot is handing over what it holds.
func (c *Core) drains(b replica.Boot) bool {
	if b == c.Self() {
		return c.cfg.Self.Draining
	}
	p := c.peers[b]
	return p != nil && p.member.Draining
}

// othersTake reports whether any other member takes slots.
func (c *Core) othersTake() bool { return c.takers() > 0 }

// takers counts the other members that take slots. One that drains does not, though what it holds counts as a copy until
// it has been replaced.
func (c *Core) takers() int {
	n := 0
	for _, b := range c.alive {
		if !c.drains(b) {
			n++
		}
	}
	return n
}

// takesSlots reports whether this node takes slots that it does not hold: a draining one only when nobody else does.
func (c *Core) takesSlots() bool { return !c.cfg.Self.Draining || !c.othersTake() }

// takesIn reports whether this node takes slots in that others hold and go on holding: not when it is short of memory.
func (c *Core) takesIn() bool { return c.takesSlots() && !c.memory.Short() }

// homeMembers counts the members that the ring places slots on: those that do not drain, or all if everybody does.
func (c *Core) homeMembers() int {
	n := c.takers()
	if !c.cfg.Self.Draining {
		n++
	}
	if n == 0 {
		return c.aliveMembers()
	}
	return n
}

// namesDraining reports whether a claim names a member that drains while others take slots.
func (c *Core) namesDraining(claim replica.Claim) bool {
	if c.takers() == 0 && c.cfg.Self.Draining {
		return false
	}
	for _, b := range claim.Replicas() {
		if c.drains(b) {
			return true
		}
	}
	return false
}
