package failover

import (
	"math"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// Home is the names of a slot's home, the primary first; none while it is unknown. The slice is not the caller's.
func (c *Core) Home(slot uint32) []string {
	if c.home == nil {
		return nil
	}
	return c.home.Replicas(int(slot))
}

// InMotion reports whether this node is primary of a slot and fills a learner of it or hands it over.
func (c *Core) InMotion(slot uint32) bool {
	s := &c.slots[slot]
	return s.data.Role() == replica.Primary && (s.data.Surrendered() || len(s.data.Learners()) > 0)
}

// Busy is how many requests and updates of a slot this node takes in a second, averaged over the last quarter of a minute or so.
func (c *Core) Busy(slot uint32) float64 {
	perSecond := float64(time.Second) / float64(scanEvery)
	return c.slots[slot].load * -math.Log(loadDecay) * perSecond
}
