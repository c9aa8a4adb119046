package failover_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/ring"
)

// TestSixthNodeJoins: it gets its share with few copies moved, a few at a time at both ends (which the world checks all
// the while), and nobody waits long for any of it.
func TestSixthNodeJoins(t *testing.T) {
	for seed := range uint64(1) {
		w := newIdleWorld(t, worldConfig{seed: seed, nodes: 6, slots: 128, backups: 1 + int(seed%2), expect: 5, moves: 3})
		for _, name := range w.names[:5] {
			w.start(name)
		}
		w.gossip(50 * time.Millisecond)
		w.keepWatch()
		w.settled(5 * time.Second)
		l := w.load(60, 0, 0)
		w.fill(300, 4<<10)
		w.run(3 * time.Second)
		before := w.counts[failover.EventRestored]
		w.full = 1 + w.cfg.backups
		w.restart("n6")
		w.run(5 * time.Second)
		for _, name := range w.names[:5] {
			if got := w.progress(name); got.Waiting == "" || got.Left == 0 || got.Moving > 0 {
				t.Errorf("%s after 5 s: %+v; it should wait for membership to settle", name, got)
			}
		}
		w.home(60 * time.Second)
		moved, minimum := w.counts[failover.EventRestored]-before, w.minimum(5, 6)
		if float64(moved) > 1.2*float64(minimum) {
			t.Errorf("%d copies moved, the minimum is %d", moved, minimum)
		}
		var pauses []time.Duration
		for _, name := range w.names {
			p := w.progress(name)
			pauses = append(pauses, p.Pauses...)
			if p.Left+p.LeftBytes+p.Moving > 0 || p.Waiting != "" {
				t.Errorf("%s is at home: %+v", name, p)
			}
		}
		slices.Sort(pauses)
		if len(pauses) == 0 || pauses[len(pauses)/2] >= 10*time.Millisecond {
			t.Errorf("pauses %v, want a median below 10 ms", pauses)
		}
		t.Logf("%d copies moved, minimum %d; %d hand-offs, median %v, longest %v",
			moved, minimum, len(pauses), pauses[len(pauses)/2], pauses[len(pauses)-1])
		for _, c := range l.counters {
			if c.slow > 60*time.Millisecond {
				t.Errorf("%s waited %v for a move", c.id, c.slow)
			}
		}
		w.full = 0
		w.finish(l)
	}
}

// minimum is how many copies have to move when the first nodes become more.
func (w *world) minimum(from, to int) int {
	return ring.Compare(w.table(from), w.table(to)).CopiesMovedMinimum
}

// table is home on the first nodes.
func (w *world) table(n int) *ring.Table {
	var members []ring.Member
	for _, name := range w.names[:n] {
		members = append(members, ring.Member{Name: name})
	}
	return w.homeOf(members)
}
