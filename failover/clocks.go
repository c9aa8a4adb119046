package failover

import (
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// ClockState is what a node makes of its own time of day when it compares that with the other members'.
type ClockState int

// The states of a node's clock.
const (
	ClockRight    ClockState = iota // as far as anybody can tell
	ClockDisputed                   // it differs from another's, and no majority of at least three says whose is wrong
	ClockOff                        // most members agree on another time: the node leads no slot
)

// The kinds of events about a node's own clock. Count is in milliseconds, without the direction.
const (
	EventClockOff      replica.EventKind = "clock is off"
	EventClockDisputed replica.EventKind = "clocks differ"
	EventClockRight    replica.EventKind = "clock is right again"
)

var clockEvents = [...]replica.EventKind{EventClockRight, EventClockDisputed, EventClockOff}

// clockHold is how long clocks must differ, or agree again, before anything follows from it.
const clockHold = 500 * time.Millisecond

// clocks is what a node makes of its own clock.
type clocks struct {
	state ClockState
	ahead time.Duration // as compareClocks found it last
	since time.Duration // Instant.Mono since which the state should be another; zero: it need not
}

// reading is what one answer to a heartbeat tells of a peer's clock. It is kept against this node's steady clock, so that
// it stays right when this node's time of day is set.
type reading struct {
	clock time.Duration // the peer's time of day less this node's Instant.Mono
	trip  time.Duration // the round trip, of which half may be wrong
	at    time.Duration // Instant.Mono of the answer; zero: there was none
}

// clockOf is the time of day at an instant, as a reading has it.
func clockOf(now replica.Instant) time.Duration {
	return time.Duration(now.Wall)*time.Millisecond - now.Mono
}

// readClock takes the reading that comes with an answer to a heartbeat, unless the one at hand had a shorter round trip
// and is not old. An answer that took a lease says too little.
func (c *Core) readClock(now replica.Instant, p *peer, m *replica.HeartbeatReply) {
	trip := now.Mono - m.Sent
	if m.Wall == 0 || trip < 0 || trip > c.cfg.Lease ||
		p.reading.at != 0 && p.reading.trip < trip && now.Mono-p.reading.at < c.cfg.suspectAfter() {
		return
	}
	clock := clockOf(replica.Instant{Mono: now.Mono, Wall: m.Wall}) + trip/2
	p.reading = reading{clock: clock, trip: trip, at: now.Mono}
}

// compareClocks is by how much this node's clock is ahead of the one that most members agree on, this node's own counted
// as one of them, and whether most do; if not, by how much it is ahead of the one that differs most.
func (c *Core) compareClocks(now replica.Instant) (ahead time.Duration, agreed bool) {
	all := []time.Duration{0}
	for _, b := range c.alive {
		if r := c.peers[b].reading; r.at != 0 && now.Mono-r.at <= 2*c.cfg.suspectAfter() {
			all = append(all, clockOf(now)-r.clock)
		}
	}
	return mostAgree(all, c.cfg.Limits.ClockSkewMax)
}

// mostAgree is the middle one of clocks if more than half of at least three lie so close to it; if not, the extreme one.
// When more than half lie close together the middle one is among them.
func mostAgree(clocks []time.Duration, within time.Duration) (middle time.Duration, agreed bool) {
	slices.Sort(clocks)
	middle = clocks[(len(clocks)-1)/2]
	near := 0
	for _, d := range clocks {
		if (d - middle).Abs() <= within {
			near++
		}
	}
	if len(clocks) >= 3 && 2*near > len(clocks) {
		return middle, true
	}
	first, last := clocks[0], clocks[len(clocks)-1]
	if -first > last {
		return first, false
	}
	return last, false
}

// judgeClock compares this node's clock with the others'. Between half of what is allowed and all of it nothing changes, so
// that a clock at the limit does not send slots to and fro. A clock that was off stays so when there are too few left to
// say: its node leads nothing then.
func (c *Core) judgeClock(now replica.Instant, fx *replica.Effects) {
	ahead, agreed := c.compareClocks(now)
	k, allowed := &c.clocks, c.cfg.Limits.ClockSkewMax
	want := k.state
	switch d := ahead.Abs(); {
	case d <= allowed/2:
		want = ClockRight
	case d <= allowed:
	case agreed:
		want = ClockOff
	case want == ClockRight:
		want = ClockDisputed
	}
	k.ahead = ahead
	switch {
	case want == k.state:
		k.since = 0
	case k.since == 0:
		k.since = now.Mono
	case now.Mono-k.since >= clockHold:
		k.state, k.since = want, 0
		c.placing++
		for _, b := range c.alive {
			c.peers[b].beat = 0 // a heartbeat tells them at once
		}
		report(fx, clockEvents[want], replica.Claim{}, 0, uint64(ahead.Abs().Milliseconds()))
	}
}

// ClockState is what the node makes of its own clock, and by how much it is ahead of the one that most members agree on,
// or of the one that differs most if they do not; negative: behind.
func (c *Core) ClockState() (state ClockState, ahead time.Duration) {
	return c.clocks.state, c.clocks.ahead
}

// ClockOff reports whether a member says that its clock is off: it leads no slot.
func (c *Core) ClockOff(b replica.Boot) bool {
	if b == c.Self() {
		return c.clocks.state == ClockOff
	}
	p := c.peers[b]
	return p != nil && p.clockOff
}

// heardClock notes whether a member's clock is off. When it is right again its slots stay where they are for a while.
func (c *Core) heardClock(now replica.Instant, p *peer, off bool) {
	if p.clockOff != off {
		p.clockOff = off
		c.placing++
		c.settling.changed(now, c.cfg.Settle, false)
	}
}

// rightFirst puts those of a slot's home whose clock is off behind the others: they keep their copies and lead nothing. If
// all are off another member is to lead. A zero boot, of a member that is not alive, stays where it is.
func (c *Core) rightFirst(slot uint32, home []replica.Boot) []replica.Boot {
	off := 0
	for _, b := range home {
		if c.ClockOff(b) {
			off++
		}
	}
	switch off {
	case 0:
		return home
	case len(home):
		if other := c.rightMember(slot); other != 0 {
			return append([]replica.Boot{other}, home[:len(home)-1]...)
		}
	default:
		slices.SortStableFunc(home, func(a, b replica.Boot) int { return offLast(c.ClockOff(a), c.ClockOff(b)) })
	}
	return home
}

func offLast(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// rightMember is a member whose clock is right and that takes slots, not the same for every slot; zero: there is none.
func (c *Core) rightMember(slot uint32) replica.Boot {
	for i := range c.alive {
		if b := c.alive[(int(slot)+i)%len(c.alive)]; !c.ClockOff(b) && !c.drains(b) {
			return b
		}
	}
	return 0
}
