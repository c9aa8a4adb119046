package failover

import (
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// settling is how long slots stay where they are after a change of membership. A member that comes back soon after it
// went makes it twice as long each time: what it would be given would have to be taken away again.
type settling struct {
	since  time.Duration // Instant.Mono of the last change
	doubly int           // how often the time was doubled; at most doublingsMax
}

// doublingsMax bounds the time to settle to 8 times Config.Settle.
const doublingsMax = 3

// flapWithin is how soon after it went a member must be back to count as one that comes and goes, and quietFor after how
// long without a change one doubling is taken back, in times of Config.Settle.
const (
	flapWithin = 6
	quietFor   = 8
)

// changed notes a change of membership.
func (s *settling) changed(now replica.Instant, settle time.Duration, flaps bool) {
	s.doubly = s.doublings(now, settle)
	if flaps {
		s.doubly = min(s.doubly+1, doublingsMax)
	}
	s.since = now.Mono
}

func (s *settling) doublings(now replica.Instant, settle time.Duration) int {
	return max(0, s.doubly-int((now.Mono-s.since)/max(quietFor*settle, 1)))
}

// left is how long slots have to wait still, and whether that is because members come and go.
func (s *settling) left(now replica.Instant, settle time.Duration) (wait time.Duration, flapping bool) {
	return max(0, s.since+settle<<s.doubly-now.Mono), s.doubly > 0
}

// flapped notes who went since the members were those before, and reports whether one that came had gone a short while
// ago, under the same boot or another of its name. Who said that it leaves does not count: it went on purpose.
func (c *Core) flapped(now replica.Instant, before []replica.Boot) bool {
	for _, b := range before {
		if p := c.peers[b]; !p.alive {
			p.went = max(now.Mono, 1)
		}
	}
	for _, b := range c.alive {
		if slices.Contains(before, b) {
			continue
		}
		name := c.peers[b].member.Name
		for _, p := range c.peers {
			if p.member.Name == name && p.went != 0 && !p.left && now.Mono-p.went <= flapWithin*c.cfg.Settle {
				return true
			}
		}
	}
	return false
}
