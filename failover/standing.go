package failover

import "github.com/sessnode/sessnode/replica"

// Standing is how one slot stands on this node, for its metrics.
type Standing struct {
	Role            replica.Role
	Serving         bool // requests are answered: the node is primary and its lease holds
	Sessions, Bytes int  // live ones held, and their attributes
	Backlog         replica.Backlog
	LocksHeld       int
	LocksWaiting    int // requests that wait for a lock
}

// Standing visits every session of the slot.
func (c *Core) Standing(now replica.Instant, slot uint32) Standing {
	d := c.slots[slot].data
	s := Standing{Role: d.Role(), Serving: c.serving(now, slot) == replica.StatusOK, Backlog: d.Backlog(now)}
	s.Sessions, s.Bytes = d.Sessions()
	s.LocksHeld, s.LocksWaiting = d.LockCount(now)
	return s
}
