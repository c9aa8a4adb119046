package failover

import (
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/ring"
)

// nextMove is the next step by which a slot of this node gets its copies or comes home, and what holds it back if its
// receiver does.
func (c *Core) nextMove(now replica.Instant, v view, gone func(replica.Boot) bool) (action, hold) {
	if v.role != replica.Primary || c.slots[v.slot].data.Surrendered() {
		return action{}, notHeld
	}
	if len(v.claim.Backups)+len(v.learners) < c.want() {
		return c.copyAction(now, v, gone)
	}
	if len(v.learners) > 0 || len(v.home) == 0 || slices.ContainsFunc(v.home, c.drains) || c.slots[v.slot].data.Reuniting() {
		return action{}, notHeld
	}
	return c.moveAction(now, v, gone)
}

// atHome reports whether a slot is where it belongs, so that there is nothing to move whatever else happens: until there is
// another claim, or home, the members or what they say of themselves change.
func (c *Core) atHome(v view) bool {
	away := func(b replica.Boot) bool { return !v.claim.Holds(b) }
	return v.role == replica.Primary && v.homeMine && len(v.claim.Backups) == c.want() && !slices.ContainsFunc(v.home, away)
}

// want is how many backups a slot can have. A member that drains takes none, though what it holds still counts.
func (c *Core) want() int { return min(c.cfg.Backups, c.takers()) }

// homeFirst is how long a slot short of a copy waits for the members that home wants it on while they take no more, and
// for home itself while it names the dead.
const homeFirst = lessonStuck

// copyAction is the learner that a slot short of copies should get: where home wants a copy first.
func (c *Core) copyAction(now replica.Instant, v view, gone func(replica.Boot) bool) (action, hold) {
	a := action{slot: v.slot, purpose: teach, why: forCopy}
	fit := func(b replica.Boot) bool {
		return b != c.Self() && !v.claim.Holds(b) && !slices.Contains(v.learners, b) && !gone(b) && !c.drains(b)
	}
	waits := now.Mono-c.slots[v.slot].short < homeFirst
	if waits && c.homeNames(gone) {
		return a, heldByMembership
	}
	by := heldByNobody
	for _, b := range v.home {
		switch {
		case !fit(b):
		case c.passedOver(now, b):
			by = heldByReceiver
		default:
			a.peer = b
			return a, notHeld
		}
	}
	if by == heldByReceiver && waits {
		return a, by
	}
	for i := range c.alive {
		b := c.alive[(int(v.slot)+i)%len(c.alive)] // not everybody's first choice is the same
		switch {
		case !fit(b):
		case c.passedOver(now, b):
			by = heldByReceiver
		default:
			a.peer = b
			return a, notHeld
		}
	}
	return a, by
}

// homeNames reports whether home was computed for a member that is gone: gossip finds a death out later than those who
// take its slots over, and copies made before would have to be moved again.
func (c *Core) homeNames(gone func(replica.Boot) bool) bool {
	if c.home == nil {
		return false
	}
	return slices.ContainsFunc(c.home.Members(), func(m ring.Member) bool {
		return m.Name != c.cfg.Self.Name && !slices.ContainsFunc(c.alive, func(b replica.Boot) bool {
			return c.peers[b].member.Name == m.Name && !gone(b)
		})
	})
}

// moveAction is the next step that brings a slot home: a copy where home wants one, the primary to home's, one backup
// less. The slot is never short of a copy because of it. Draining members go first: a draining primary hands over at
// once, as one whose clock is off does, a draining backup goes as soon as another is there.
func (c *Core) moveAction(now replica.Instant, v view, gone func(replica.Boot) bool) (action, hold) {
	a := action{slot: v.slot, why: forHome}
	if c.namesDraining(v.claim) || c.ClockOff(c.Self()) {
		a.why = forDrain
	}
	first, surplus := v.home[0], c.surplus(v)
	give := first != c.Self() && slices.Contains(v.claim.Backups, first) && !gone(first)
	if give && (c.drains(c.Self()) || c.ClockOff(c.Self())) {
		a.purpose, a.peer = giveAway, first
		return a, notHeld
	}
	if surplus != 0 && c.drains(surplus) {
		a.purpose, a.out = spare, []replica.Boot{surplus}
		return a, notHeld
	}
	by := notHeld
	for _, b := range v.home {
		if v.claim.Holds(b) || gone(b) || len(v.claim.Backups) > c.cfg.Backups {
			continue
		}
		a.purpose, a.peer = bring, b
		if !c.passedOver(now, b) {
			return a, notHeld
		}
		by = heldByReceiver
	}
	switch {
	case by != notHeld:
		return a, by
	case give:
		a.purpose, a.peer = giveAway, first
	case surplus != 0:
		a.purpose, a.out = spare, []replica.Boot{surplus}
	default:
		return action{}, notHeld
	}
	return a, notHeld
}

// surplus is a backup that a slot can do without, a draining one if there is any; zero: none.
func (c *Core) surplus(v view) replica.Boot {
	var found replica.Boot
	if len(v.claim.Backups) <= c.want() {
		return 0
	}
	for _, b := range v.claim.Backups {
		if !slices.Contains(v.home, b) && (found == 0 || c.drains(b)) {
			found = b
		}
	}
	return found
}

// passOver keeps new learners away from a member for a while: the next one gets its turn.
func (c *Core) passOver(now replica.Instant, b replica.Boot, d time.Duration) {
	if p := c.peers[b]; p != nil {
		p.passed = now.Mono + d
	}
}

func (c *Core) passedOver(now replica.Instant, b replica.Boot) bool {
	p := c.peers[b]
	return p == nil || now.Mono < p.passed
}

// watchShort notes since when a slot of this node has lacked a copy.
func (c *Core) watchShort(now replica.Instant, s *slot) {
	switch {
	case s.data.Role() != replica.Primary || len(s.claim.Backups) >= c.want():
		s.short = 0
	case s.short == 0:
		s.short = now.Mono
	}
}
