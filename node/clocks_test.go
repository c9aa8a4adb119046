package node_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
)

// offClock is a clock that a test makes wrong.
type offClock struct{ aheadMS atomic.Int64 }

// of gives the node of one name the clock.
func (o *offClock) of(name string) func(*node.Config) {
	return func(cfg *node.Config) {
		right := cfg.Clock
		if cfg.Name == name {
			cfg.Clock = func() replica.Instant {
				now := right()
				now.Wall += o.aheadMS.Load()
				return now
			}
		}
		cfg.Moves.Settle = 3 * time.Second
	}
}

// commits changes each session once and counts what failed.
func commits(s client.Store, ids []string) (failed int, last error) {
	for _, id := range ids {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		_, err := s.Commit(ctx, &replica.Commit{
			Key: replica.Key{App: "test", ID: id}, Changes: []replica.Change{{Name: "seen", Value: []byte("x")}},
		})
		cancel()
		if err != nil {
			failed, last = failed+1, err
		}
	}
	return failed, last
}

// A node whose clock is off refuses requests for a moment, says so, and leads no slot until it is right.
func TestClockOff(t *testing.T) {
	for _, ahead := range []time.Duration{8 * time.Second, -70 * time.Second} {
		t.Run(ahead.String(), func(t *testing.T) {
			var clock offClock
			runCluster(t, 3, clock.of("n2"), func(c *cluster) {
				c.wait(5 * time.Second)
				cl := c.dial("10.0.1.1")
				defer cl.Close()
				ids := write(t, cl, 40)
				time.Sleep(4 * time.Second) // settled
				led := c.nodes[1].node.Status().Held.Primary
				if failed, err := commits(cl, ids); failed > 0 {
					t.Errorf("%d of %d failed while all clocks were right: %v", failed, len(ids), err)
				}
				clock.aheadMS.Store(ahead.Milliseconds())
				if failed, err := commits(cl, ids); failed == 0 || !errors.Is(err, replica.ErrTooLate) && !errors.Is(err, replica.ErrBadRequest) {
					t.Errorf("%d of %d failed when the clock was set: %v: the test shows nothing", failed, len(ids), err)
				}
				time.Sleep(1500 * time.Millisecond)
				for range 10 {
					if failed, err := commits(cl, ids); failed > 0 {
						t.Errorf("%d of %d failed: %v", failed, len(ids), err)
					}
					time.Sleep(500 * time.Millisecond)
				}
				c.saysClockOff(1)
				clock.aheadMS.Store(0)
				time.Sleep(1500 * time.Millisecond)
				if s := c.nodes[1].node.Status(); !s.Ready || s.ClockState != "" || s.Held.Primary > 0 || len(s.Warnings) > 0 {
					t.Errorf("right again: ready %v, clock %q, %d slots, %q", s.Ready, s.ClockState, s.Held.Primary, s.Warnings)
				}
				time.Sleep(5 * time.Second)
				if n := c.nodes[1].node.Status().Held.Primary; n != led {
					t.Errorf("n2 leads %d slots in the end, want %d", n, led)
				}
				verify(t, cl, ids)
			})
		})
	}
}

// saysClockOff holds that a node knows that its clock is off, and all others do; no slot lacks a copy.
func (c *cluster) saysClockOff(which int) {
	c.t.Helper()
	name := c.nodes[which].node.Member().Name
	for i, m := range c.nodes {
		s := m.node.Status()
		if i == which && (s.Ready || s.Reason != "its clock is off: check NTP" || s.ClockState != node.ClockOff || s.Held.Primary > 0) {
			c.t.Errorf("%s: ready %v %q, clock %q, leads %d", name, s.Ready, s.Reason, s.ClockState, s.Held.Primary)
		}
		if i != which && (!s.Ready || s.ClockState != "") {
			c.t.Errorf("%s: ready %v %q, clock %q", s.Node, s.Ready, s.Reason, s.ClockState)
		}
		if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "check NTP") || !s.Members[which].ClockOff {
			c.t.Errorf("%s warns %q, members %+v", s.Node, s.Warnings, s.Members)
		}
		if s.Slots.Short+s.Slots.Reduced > 0 {
			c.t.Errorf("%s: %+v", s.Node, s.Slots)
		}
	}
}

// Of two nodes neither can know who is wrong: both say so, and both go on.
func TestClocksDiffer(t *testing.T) {
	var clock offClock
	runCluster(t, 2, clock.of("n2"), func(c *cluster) {
		c.wait(5 * time.Second)
		clock.aheadMS.Store(8000)
		time.Sleep(2 * time.Second)
		for _, m := range c.nodes {
			s := m.node.Status()
			if !s.Ready || s.ClockState != node.ClocksDiffer || len(s.Warnings) != 1 || s.Held.Primary == 0 {
				t.Errorf("%s: ready %v, clock %q, %d slots, %q", s.Node, s.Ready, s.ClockState, s.Held.Primary, s.Warnings)
			}
		}
	})
}
