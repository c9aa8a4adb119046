package failover

import (
	"time"

	"github.com/sessnode/sessnode/replica"
)

// founding is the vote by which nodes that belong to no cluster make one. Each gives one vote at a time, so that of two
// candidates who need a majority at most one gets it.
type founding struct {
	round   uint64 // the node's own candidacy; zero: none
	began   time.Duration
	asked   time.Duration         // when those who have not voted were last asked
	votes   map[replica.Boot]bool // who voted for it
	met     bool                  // enough members are here
	next    time.Duration         // no candidacy before; the first one is due when they have met
	voted   replica.Boot          // bound to this candidate
	voteEnd time.Duration
}

// Times of a candidacy: a candidate counts votes for half as long as they bind.
const (
	candidacyFor = time.Second
	voteFor      = 2 * time.Second
	voteAgain    = 100 * time.Millisecond // who has not voted may not have been connected yet
)

// EventFounded reports that this node founded the cluster; Count members had met.
const EventFounded replica.EventKind = "cluster founded"

// tickFounding founds a cluster once enough members have met. The member with the lowest boot stands first; the others
// wait for it for a while.
func (c *Core) tickFounding(now replica.Instant, fx *replica.Effects) {
	f := &c.found
	if c.cluster != 0 || c.aliveMembers() < c.cfg.Expect {
		f.met = false
		return
	}
	if !f.met {
		f.met, f.next = true, now.Mono
	}
	if c.cfg.Expect == 1 {
		c.establish(now, fx)
		return
	}
	if f.round != 0 && now.Mono-f.began > candidacyFor {
		f.round, f.next = 0, now.Mono+c.jitter(candidacyFor)
	}
	if f.round != 0 {
		c.canvass(now, fx)
		return
	}
	first := len(c.alive) == 0 || c.Self() < c.alive[0]
	if now.Mono < f.next || !first && now.Mono < f.next+2*voteFor || !c.voteFor(now, c.Self()) {
		return
	}
	f.round, f.began, f.asked = c.cfg.Random.Uint64()|1, now.Mono, 0
	f.votes = map[replica.Boot]bool{c.Self(): true}
	c.canvass(now, fx)
}

// canvass asks those who have not voted.
func (c *Core) canvass(now replica.Instant, fx *replica.Effects) {
	f := &c.found
	if now.Mono-f.asked < voteAgain {
		return
	}
	f.asked = now.Mono
	for _, b := range c.alive {
		if !f.votes[b] {
			send(fx, b, &replica.Candidacy{Round: f.round})
		}
	}
}

// voteFor binds this node's vote to a candidate, if it is free.
func (c *Core) voteFor(now replica.Instant, candidate replica.Boot) bool {
	f := &c.found
	if f.voted != 0 && f.voted != candidate && now.Mono < f.voteEnd {
		return false
	}
	f.voted, f.voteEnd = candidate, now.Mono+voteFor
	return true
}

// establish founds the cluster.
func (c *Core) establish(now replica.Instant, fx *replica.Effects) {
	id := c.cfg.Cluster
	for id == 0 {
		id = c.cfg.Random.Uint64()
	}
	c.Belong(now, id)
	c.sendAll(fx, &replica.Founded{Cluster: id})
	fx.Events = append(fx.Events, replica.Event{Kind: EventFounded, Count: uint64(c.aliveMembers())})
}

func (c *Core) receiveFounding(now replica.Instant, from replica.Boot, m replica.Message, fx *replica.Effects) {
	switch m := m.(type) {
	case *replica.Candidacy:
		granted := c.cluster == 0 && c.voteFor(now, from)
		send(fx, from, &replica.Vote{Round: m.Round, Granted: granted, Cluster: c.cluster})
	case *replica.Vote:
		c.vote(now, from, m, fx)
	case *replica.Founded:
		c.Belong(now, m.Cluster)
	}
}

func (c *Core) vote(now replica.Instant, from replica.Boot, m *replica.Vote, fx *replica.Effects) {
	f := &c.found
	if m.Cluster != 0 {
		c.Belong(now, m.Cluster)
		return
	}
	if c.cluster != 0 || m.Round != f.round || !m.Granted || now.Mono-f.began > candidacyFor {
		return
	}
	if f.votes[from] = true; len(f.votes) >= max(c.cfg.Expect, c.aliveMembers()/2+1) {
		c.establish(now, fx)
	}
}
