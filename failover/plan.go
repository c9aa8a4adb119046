package failover

import (
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// purpose says why a slot is to be claimed.
type purpose int

const (
	promote  purpose = iota + 1 // its primary is gone and this node is a backup
	evict                       // this node is primary and a backup is gone or stuck
	revive                      // every replica is gone and this node holds what one left behind
	fillIn                      // every replica is gone and this node is the slot's home
	populate                    // nobody ever claimed it and this node is the slot's home
	teach                       // this node is primary and a copy is missing
	bring                       // home wants a copy where there is none
	giveAway                    // home wants another primary, which is a backup
	spare                       // there is a backup more than home wants
	resume                      // a hand-off was not taken up
)

// action is one thing to do, chosen by the planner.
type action struct {
	slot    uint32
	purpose purpose
	why     cause          // of a copy or a move
	peer    replica.Boot   // the learner to teach, or the backup to hand over to
	out     []replica.Boot // the backups to evict or to spare
}

// view is what the planner knows of one slot, besides who is gone.
type view struct {
	slot     uint32
	claim    replica.Claim
	role     replica.Role
	stuck    []replica.Boot // backups that acknowledge nothing
	learners []replica.Boot // being filled
	home     []replica.Boot // by the ring, those that are alive; the home primary first
	homeMine bool           // this node is the home primary
	lostFor  time.Duration  // how long every replica has been gone
}

// plan chooses, for the slots that need a look, what to do now, most urgent first: promote, evict, claim what is lost or was never
// claimed; then restore copies and replace draining members; and when no copy is missing and all is quiet, move slots home, a few
// at a time.
func (c *Core) plan(now replica.Instant) []action {
	var urgent []action
	var wanted [causes][]action
	gone := c.gone(now)
	c.held = [causes]hold{}
	for _, i := range c.near {
		s := &c.slots[i]
		if s.round != 0 || now.Mono < s.retry {
			continue
		}
		v := c.view(now, s, i)
		if a := c.claimAction(v, gone); a.purpose != 0 {
			urgent = append(urgent, a)
			continue
		}
		if s.home == c.placing {
			continue
		}
		switch a, by := c.nextMove(now, v, gone); {
		case a.purpose == 0:
			if c.atHome(v) {
				s.home = c.placing
			}
		case by != notHeld:
			c.holdBack(a.why, by)
		case now.Mono < s.rest:
			c.holdBack(a.why, heldByReceiver)
		default:
			wanted[a.why] = append(wanted[a.why], a)
		}
	}
	return slices.Concat(urgent, c.room(now, len(urgent), wanted))
}

// view gathers what the planner looks at.
func (c *Core) view(now replica.Instant, s *slot, n uint32) view {
	v := view{slot: n, claim: s.claim, role: s.data.Role()}
	if s.lost != 0 {
		v.lostFor = now.Mono - s.lost
	}
	if v.role == replica.Primary {
		v.stuck = c.stuck(now, s)
		for _, l := range s.data.Learners() {
			v.learners = append(v.learners, l.Boot)
		}
	}
	if v.role == replica.Primary && s.home != c.placing || v.claim.IsZero() || s.lost != 0 {
		v.home, v.homeMine = c.homeOf(n)
	}
	return v
}

// stuck lists the backups that have answered no heartbeat for the time after which a member is suspected, or acknowledged
// nothing for StuckAfter, counted from when they could: a claim just issued and a node that stood still start it anew. A
// member that is heard but does not hear is found by the first, one that hears but does not take by the second: it may
// only have much to do, and to evict it would make more of that.
func (c *Core) stuck(now replica.Instant, s *slot) []replica.Boot {
	limit := c.cfg.suspectAfter()
	if now.Mono-max(c.stood, s.learned) <= limit {
		return s.unfit
	}
	behind := s.data.Stuck(now, c.cfg.StuckAfter)
	var stuck []replica.Boot
	for _, b := range s.claim.Backups {
		p := c.peers[b]
		mute := p != nil && now.Mono-p.replied > limit
		if mute || slices.Contains(behind, b) || slices.Contains(s.unfit, b) {
			stuck = append(stuck, b)
		}
	}
	return stuck
}

// claimAction is what a slot needs that takes a round of questions.
func (c *Core) claimAction(v view, gone func(replica.Boot) bool) action {
	switch {
	case v.claim.IsZero():
		if v.homeMine && c.takesSlots() {
			return action{slot: v.slot, purpose: populate}
		}
	case v.role == replica.Primary:
		var out []replica.Boot
		for _, b := range v.claim.Backups {
			if gone(b) || slices.Contains(v.stuck, b) {
				out = append(out, b)
			}
		}
		if len(out) > 0 {
			return action{slot: v.slot, purpose: evict, out: out}
		}
	case v.role == replica.Backup && gone(v.claim.Primary):
		return action{slot: v.slot, purpose: promote}
	case v.role == replica.Holder && v.lostFor > c.cfg.LostAfter:
		return action{slot: v.slot, purpose: revive}
	case v.lostFor > c.cfg.LostAfter && c.aliveMembers() >= c.cfg.MinMembers && (v.homeMine && c.takesSlots() || v.claim.Holds(c.Self())):
		return action{slot: v.slot, purpose: fillIn}
	}
	return action{}
}

// homeOf is the slot's home among the living, its primary first, and whether that is this node. Who is home's primary by
// the ring and not alive has no successor here.
func (c *Core) homeOf(slot uint32) (home []replica.Boot, mine bool) {
	if c.home == nil {
		return nil, false
	}
	for _, name := range c.home.Replicas(int(slot)) {
		home = append(home, c.bootOf(name))
	}
	home = c.rightFirst(slot, home)
	mine = len(home) > 0 && home[0] == c.Self()
	return slices.DeleteFunc(home, func(b replica.Boot) bool { return b == 0 }), mine
}

// bootOf is the living boot of a name; zero: there is none.
func (c *Core) bootOf(name string) replica.Boot {
	if name == c.cfg.Self.Name {
		return c.Self()
	}
	for _, b := range c.alive {
		if c.peers[b].member.Name == name {
			return b
		}
	}
	return 0
}

// rank is how many backups of a claim stand before this node: each gets a lease's time to take over first, unless it is
// gone as well.
func (c *Core) rank(now replica.Instant, claim replica.Claim) int {
	n := 0
	for _, b := range claim.Backups {
		if b == c.Self() {
			break
		}
		if !c.suspect(now, b) {
			n++
		}
	}
	return n
}

// watchLost notes since when a slot has had no living replica. A backup that lives takes over long before LostAfter: one
// that has not is none, because it could not follow the claim that names it.
func (c *Core) watchLost(now replica.Instant, s *slot) {
	role := s.data.Role()
	lost := !s.claim.IsZero() && role != replica.Primary && role != replica.Backup
	overdue := lost && c.peerSilence(now, s.claim.Primary) > c.cfg.LostAfter
	for _, b := range s.claim.Replicas() {
		lost = lost && (b == c.Self() || c.suspect(now, b) || overdue && b != s.claim.Primary)
	}
	switch {
	case !lost:
		s.lost = 0
	case s.lost == 0:
		s.lost = now.Mono
	}
}

// act carries the plan out: the claims in one round of questions, the learners one by one.
func (c *Core) act(now replica.Instant, actions []action, fx *replica.Effects) {
	var asks []action
	for _, a := range actions {
		switch {
		case a.purpose == teach || a.purpose == bring:
			c.beginLesson(now, a)
		case a.purpose == giveAway:
			c.beginHandOff(now, a, fx)
		case c.mayAsk(now, a):
			asks = append(asks, a)
		}
	}
	if len(asks) > 0 {
		c.ask(now, asks, fx)
	}
}

// mayAsk holds a promoter back until the backups before it have had their turn. No lease that it granted can still hold:
// who is suspect has left, or was silent for longer than one lasts.
func (c *Core) mayAsk(now replica.Instant, a action) bool {
	s := &c.slots[a.slot]
	if s.promise.holds(now) && s.promise.to != c.Self() {
		return false
	}
	switch a.purpose {
	case populate:
		return c.met(now)
	case revive, fillIn:
		return now.Mono-c.joined > c.cfg.suspectAfter()
	case evict, spare, resume:
		return true // claimFor sees to the lease, when who answered is known
	}
	rank := c.rank(now, s.claim)
	turn := c.peerSilence(now, s.claim.Primary) - c.cfg.graceLease()
	return rank == 0 || turn >= time.Duration(rank)*c.cfg.Lease
}

// met reports whether the node knows enough members to say where slots that nobody ever claimed belong: as many as were
// to found the cluster, unless they do not come.
func (c *Core) met(now replica.Instant) bool {
	if len(c.home.Members()) != c.homeMembers() {
		return false // the table for the members of this moment is being computed
	}
	return c.aliveMembers() >= c.cfg.Expect || now.Mono-c.joined > c.cfg.LostAfter
}

// peerSilence is how long nothing was heard of a boot.
func (c *Core) peerSilence(now replica.Instant, b replica.Boot) time.Duration {
	if p := c.peers[b]; p != nil {
		return now.Mono - p.heard
	}
	return now.Mono - c.joined
}
