package failover_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// settled fails the test unless within some time every slot has all its copies, all nodes agree and nothing is under
// way.
func (w *world) settled(within time.Duration) {
	w.t.Helper()
	deadline := w.now + within
	for why := w.unsettled(); why != ""; why = w.unsettled() {
		if w.now > deadline {
			w.fail("not settled: %s", why)
		}
		w.run(20 * time.Millisecond)
	}
}

func (w *world) unsettled() string {
	up := w.up()
	if len(up) == 0 {
		return "every node is down"
	}
	want := w.wanted()
	first := w.nodes[up[0]].core
	for slot := range uint32(w.cfg.slots) {
		claim := first.Claim(slot)
		if got := len(claim.Backups) + 1; claim.IsZero() || got < want {
			return fmt.Sprintf("slot %d has %d copies, want %d:\n%s", slot, got, want, w.describe(slot))
		}
		for _, name := range up {
			if why := w.misfit(name, slot, claim); why != "" {
				return fmt.Sprintf("slot %d: %s %s:\n%s", slot, name, why, w.describe(slot))
			}
		}
		for _, b := range claim.Replicas() {
			if n := w.boots[b]; !n.up || w.nodes[n.name] != n {
				return fmt.Sprintf("slot %d has the dead replica %v", slot, b)
			}
		}
	}
	return ""
}

// wanted is how many copies a slot should have: nodes that drain do not count, unless there are no others.
func (w *world) wanted() int {
	takers := 0
	for _, name := range w.up() {
		if !w.nodes[name].self.Draining {
			takers++
		}
	}
	return 1 + min(w.cfg.backups, max(takers-1, 0))
}

// misfit says how a node differs from what a slot's claim makes of it.
func (w *world) misfit(name string, slot uint32, claim replica.Claim) string {
	n := w.nodes[name]
	want := replica.Absent
	switch {
	case claim.Primary == n.self.Boot:
		want = replica.Primary
		if !w.serves(n, slot) && !n.paused {
			return "does not serve"
		}
	case claim.Holds(n.self.Boot):
		want = replica.Backup
	}
	if got := n.core.Claim(slot); !got.Same(claim) || !slices.Equal(got.Backups, claim.Backups) {
		return "knows " + brief(got) + " instead of " + brief(claim)
	}
	if got := n.core.Role(slot); got != want {
		return fmt.Sprintf("plays role %d instead of %d", got, want)
	}
	return ""
}

// equal fails the test unless the replicas of every slot hold the same. Nothing may be under way but an expiry.
func (w *world) equal() {
	w.t.Helper()
	open := func(name string) bool { return w.nodes[name].core.Open()+w.nodes[name].core.Rounds() > 0 } // a move ends with a round
	for range 1000 {
		if !slices.ContainsFunc(w.up(), open) {
			break
		}
		w.run(time.Millisecond)
	}
	for _, name := range w.up() {
		if n := w.nodes[name].core.Rounds(); n > 0 {
			w.fail("%s has %d rounds under way", name, n)
		}
	}
	for slot := range uint32(w.cfg.slots) {
		claim := w.nodes[w.up()[0]].core.Claim(slot)
		primary := w.boots[claim.Primary]
		for _, b := range claim.Backups {
			if !maps.EqualFunc(primary.core.Versions(slot), w.boots[b].core.Versions(slot), alike) {
				w.fail("slot %d: %s holds\n%s%s holds\n%s%s", slot, primary.name, contents(primary, slot), w.nameOf(b),
					contents(w.boots[b], slot), w.describe(slot))
			}
			if got, want := w.boots[b].core.Position(slot).Seq, primary.core.Position(slot).Seq; got != want {
				w.fail("slot %d: %s is at %d, %s at %d", slot, primary.name, want, w.nameOf(b), got)
			}
		}
	}
}

// alike reports whether two copies hold the same of a session: all but the time of the last access.
func alike(a, b *replica.Session) bool {
	return a.Stamp == b.Stamp && a.Ending == b.Ending && slices.EqualFunc(a.Attrs, b.Attrs, func(x, y *replica.Attr) bool {
		return x.Name == y.Name && x.Stamp == y.Stamp && bytes.Equal(x.Value, y.Value)
	})
}

// contents is every session of a slot as text, without what may differ between copies.
func contents(n *simNode, slot uint32) string {
	var lines []string
	for key, s := range n.core.Versions(slot) {
		line := fmt.Sprintf("\t%s %v ending %d", key.ID, s.Stamp, s.Ending)
		for _, a := range s.Attrs {
			line += fmt.Sprintf(" %s=%s@%x", a.Name, a.Value, a.Stamp.Clock)
		}
		lines = append(lines, line+"\n")
	}
	slices.Sort(lines)
	return fmt.Sprint(lines)
}

// judgeSplit finds out whether the cluster is split, and after that whether it has healed: every two nodes reach each
// other, themselves or through a third, have had the time to find out, and all agree again on who holds what.
func (w *world) judgeSplit() {
	switch {
	case !w.cfg.judges:
	case w.isSplit():
		w.beSplit("nodes cannot reach each other")
	case !w.check.strict && w.now-w.net.mended > time.Second+w.cfg.lag && w.unsettled() == "":
		w.beStrict()
		w.note("the split is over")
	}
}

// beSplit takes note of a split that nobody made on purpose, in a world that judges for itself.
func (w *world) beSplit(why string, args ...any) {
	if w.cfg.judges && w.check.strict {
		w.check.strict, w.net.mended = false, w.now
		w.suffers("split")
		w.note("a split: "+why, args...)
	}
}

// isSplit reports whether two nodes cannot reach each other, or one that is not alone believes that it is.
func (w *world) isSplit() bool {
	up := w.up()
	for i, a := range up {
		if n := w.nodes[a]; len(up) > 1 && n.core.Alone() {
			return true
		}
		for _, b := range up[i+1:] {
			if !w.linked(a, b) && !w.joined(a, b) {
				return true
			}
		}
	}
	return false
}

// joined reports whether some third node that runs reaches both, and both know of it.
func (w *world) joined(a, b string) bool {
	return slices.ContainsFunc(w.up(), func(c string) bool {
		return c != a && c != b && !w.nodes[c].paused && !w.nodes[c].left && w.linked(a, c) && w.linked(c, b) &&
			w.knows(a, c) && w.knows(b, c)
	})
}

// knows reports whether gossip has told one node that another is alive.
func (w *world) knows(a, b string) bool {
	_, alive := w.nodes[a].core.Member(w.nodes[b].self.Boot)
	return alive
}

// idle fails the test unless within some time nothing is left to do: every slot is where the ring wants it, and no round,
// transfer, hand-off or offer is under way.
func (w *world) idle(within time.Duration) {
	w.t.Helper()
	deadline := w.now + within
	for why := w.unfinished(); why != ""; why = w.unfinished() {
		if w.now > deadline {
			w.fail("plans do not end: %s", why)
		}
		w.run(50 * time.Millisecond)
	}
}

func (w *world) unfinished() string {
	for _, name := range w.up() {
		c := w.nodes[name].core
		if c.Rounds()+c.Lessons()+c.HandOffs() > 0 {
			return fmt.Sprintf("%s has %d rounds, %d lessons, %d hand-offs", name, c.Rounds(), c.Lessons(), c.HandOffs())
		}
	}
	return w.away()
}
