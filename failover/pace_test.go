package failover_test

import (
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// TestIdleCoreIsCalledSeldom: with nothing under way a core wants to be called 40 times a second, and it asks each member for
// a lease ten times; with something under way it wants to be called within ten milliseconds.
func TestIdleCoreIsCalledSeldom(t *testing.T) {
	r := newTrial(t, worldConfig{seed: 1, nodes: 4, slots: 8, backups: 1})
	r.run(2 * time.Second)
	sent, ticks := 0, 0
	r.net.spy = func(from, _ *simNode, m replica.Message) {
		if _, ok := m.(*replica.Heartbeat); ok && from == r.primary {
			sent++
		}
	}
	next := r.primary.core.Next()
	const span = 3
	for range span * 1000 {
		r.run(time.Millisecond)
		if n := r.primary.core.Next(); n != next {
			next = n
			ticks++
		}
	}
	if ticks < 35*span || ticks > 45*span {
		t.Errorf("%d ticks in %d s", ticks, span)
	}
	if want := 3 * 10 * span; sent < want*9/10 || sent > want*11/10 {
		t.Errorf("%d heartbeats to three members in %d s, want about %d", sent, span, want)
	}
	r.kill(r.primary.name, time.Second)
	backup := r.backups[0]
	r.until("the backup asks the others", time.Second, func() bool { return backup.core.Rounds() > 0 })
	if wait := backup.core.Next() - backup.instant(r.now).Mono; wait > 10*time.Millisecond {
		t.Errorf("with questions under way it wants to be called in %v", wait)
	}
}
