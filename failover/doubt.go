package failover

import (
	"slices"

	"github.com/sessnode/sessnode/replica"
)

// doubts reports whether a higher claim is not to be followed yet, because the primary that it outranks lives and has not
// heard of it: two sides of a split are meeting. That one is told; when it has stopped, it says so to all. Were clients
// sent to the other side before, they would not find there what was acknowledged to them here. A claim from empty is
// doubted as long as any replica lives, for then it will not last. A doubt lasts no longer than LostAfter.
func (c *Core) doubts(now replica.Instant, s *slot, from replica.Boot, claim replica.Claim, fx *replica.Effects) bool {
	known, emptied := s.claim, len(claim.Emptied) > len(s.claim.Emptied)
	switch role := s.data.Role(); {
	case known.IsZero() || from == known.Primary || claim.Primary == known.Primary || s.promise.to == claim.Primary,
		handedOver(known, claim),
		role == replica.Primary || role == replica.Learner || role == replica.Backup && !emptied:
		return false
	}
	lives := func(b replica.Boot) bool { return b != c.Self() && !c.suspect(now, b) }
	backed := emptied && (s.data.Role() == replica.Backup || slices.ContainsFunc(known.Backups, lives))
	if !lives(known.Primary) && !backed {
		return false
	}
	if s.doubted == 0 {
		s.doubted = now.Mono
		send(fx, known.Primary, &replica.Claims{Claims: []replica.Claim{claim}})
	}
	return now.Mono-s.doubted < c.cfg.LostAfter
}

// yield notes that the acting primary knows of what this node holds, so that clients may be sent to it.
func (c *Core) yield(s *slot) {
	if s.yields && s.data.Told() {
		s.yields = false
		c.yielded = append(c.yielded, s.claim)
	}
}

// tellYielded tells every member of the claims to which this node has just yielded as primary.
func (c *Core) tellYielded(fx *replica.Effects) {
	if len(c.yielded) > 0 {
		c.sendAll(fx, &replica.Claims{Claims: c.yielded})
		c.yielded = nil
	}
}
