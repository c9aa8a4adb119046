package failover_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
)

// TestPromoterPullsWhatABackupHas: a commit was acknowledged because the second backup has it; then its primary dies, and
// the first takes over.
func TestPromoterPullsWhatABackupHas(t *testing.T) {
	r := newTrial(t, worldConfig{seed: 1, nodes: 4, slots: 4, backups: 2})
	r.setOnAllBut(r.backups[0])
	r.kill(r.primary.name, time.Second)
	r.promoted("new")
}

// setOnAllBut commits "new", which is acknowledged though one backup never gets it.
func (r *trial) setOnAllBut(n *simNode) {
	r.fate = func(_, to *simNode, m replica.Message) fate {
		if to == n && r.updates(m) {
			return drop
		}
		return pass
	}
	set := r.set(r.primary, "new", replica.DurableOne)
	if r.run(5 * time.Millisecond); !set.given || set.Status != replica.StatusOK {
		r.fail("the commit came to %+v", set)
	}
}

// promoted fails unless the first backup serves in the end, with the value that was acknowledged last. What others offer
// after that is lost: it would come too late for the first read.
func (r *trial) promoted(want string) {
	r.t.Helper()
	first, before := r.backups[0], r.fate
	r.fate = func(from, to *simNode, m replica.Message) fate {
		if _, ok := m.(*replica.Offer); ok {
			return drop
		}
		return before(from, to, m)
	}
	r.until("the first backup serves", 3*time.Second, func() bool { return r.serves(first, r.slot) })
	if got := r.value(first); got != want {
		r.t.Errorf("the promoted backup reads %q, acknowledged was %q", got, want)
	}
}

// TestPromoterPullsAllThatABackupHas: what the promoter lacks is more than a message holds.
func TestPromoterPullsAllThatABackupHas(t *testing.T) {
	r := newTrial(t, worldConfig{seed: 2, nodes: 4, slots: 4, backups: 2, budget: 64 << 10}) // chunks of a tenth of that
	big := make([]byte, 4<<10)
	for i := range 4 {
		copy(big, fmt.Sprint(i))
		m := r.client.commit(r.id, false, replica.Change{Name: "v", Value: append([]byte(nil), big...)})
		r.after(time.Duration(i)*time.Millisecond, func() { r.request(r.primary.name, &replica.Request{Commit: m}, func(replica.Result) {}) })
	}
	r.after(4*time.Millisecond, func() { r.kill(r.primary.name, time.Second) })
	r.setOnAllBut(r.backups[0])
	if behind, far := r.backups[0].core.Position(r.slot).Seq, r.backups[1].core.Position(r.slot).Seq; far-behind < 5 {
		t.Fatalf("the backups are at %d and %d", behind, far)
	}
	r.until("the first backup serves", 3*time.Second, func() bool { return r.serves(r.backups[0], r.slot) })
	got, _ := r.backups[0].core.Newest(r.slot, replica.Key{App: "a", ID: r.id}).Get("v")
	want, _ := r.backups[1].core.Newest(r.slot, replica.Key{App: "a", ID: r.id}).Get("v")
	if string(got) != string(want) {
		t.Errorf("the promoted backup has %.4q, the other %.4q", got, want)
	}
}

// TestPromoterPullsFromTheFurthest: of three backups, while a slot moves, the first lacks two entries and the second one.
func TestPromoterPullsFromTheFurthest(t *testing.T) {
	r := newMove(t, true)
	first, second, third := r.backups[0], r.backups[1], r.backups[2]
	r.setOnAllBut(first)
	if second.core.Position(r.slot) != third.core.Position(r.slot) {
		t.Fatalf("not on the second backup:\n%s", r.describe(r.slot))
	}
	r.fate = func(_, to *simNode, m replica.Message) fate {
		if to != third && r.updates(m) {
			return drop
		}
		return pass
	}
	set := r.set(r.primary, "newest", replica.DurableOne)
	if r.run(5 * time.Millisecond); !set.given {
		t.Fatal("the second commit was not acknowledged")
	}
	r.kill(r.primary.name, time.Second)
	r.fate = func(from, to *simNode, m replica.Message) fate {
		switch {
		case from == third && to == first && r.promises(m):
			return keep // so that the second's is the first to arrive
		case from == second && to == first && r.promises(m):
			r.after(2*time.Millisecond, r.release)
		}
		return pass
	}
	r.promoted("newest")
}

// TestPromoterWaitsForLivingBackups: the second backup, which alone has an acknowledged commit, takes longer than a lease
// to answer the promoter.
func TestPromoterWaitsForLivingBackups(t *testing.T) {
	r := newTrial(t, worldConfig{seed: 1, nodes: 4, slots: 4, backups: 2})
	r.setOnAllBut(r.backups[0])
	r.kill(r.primary.name, time.Second)
	late := false
	r.fate = func(from, _ *simNode, m replica.Message) fate {
		if from != r.backups[1] || !r.promises(m) || late && len(r.kept) == 0 {
			return pass
		}
		if !late {
			late = true
			r.after(350*time.Millisecond, r.release)
		}
		return keep
	}
	r.promoted("new")
	if !late {
		t.Error("the second backup was not asked")
	}
}

// TestPromisesToOneAsker: both backups, which do not reach each other, want to take over, and ask the same member.
func TestPromisesToOneAsker(t *testing.T) {
	r := newTrial(t, worldConfig{seed: 1, nodes: 4, slots: 4, backups: 2})
	r.fate = r.apart
	r.kill(r.primary.name, time.Second)
	r.until("a backup serves", 2*time.Second, r.replaced)
	r.run(time.Second) // the sample finds it when two serve
}

// apart is a fate that loses everything between the two backups.
func (r *trial) apart(from, to *simNode, _ replica.Message) fate {
	if pairOf(from.name, to.name) == pairOf(r.backups[0].name, r.backups[1].name) {
		return drop
	}
	return pass
}

// replaced reports whether a backup serves.
func (r *trial) replaced() bool {
	return r.serves(r.backups[0], r.slot) || r.serves(r.backups[1], r.slot)
}

// TestHigherClaimStopsAnAsker: as before, but the second backup finds out sooner, acknowledges a commit and dies, all
// before the first asks. That commit is lost; whoever claims the slot next must know, and say, that something may be. The
// member asked tells of the claim.
func TestHigherClaimStopsAnAsker(t *testing.T) {
	r := newTrial(t, worldConfig{seed: 1, nodes: 4, slots: 4, backups: 2})
	first, second := r.backups[0], r.backups[1]
	r.fate = func(from, to *simNode, m replica.Message) fate {
		_, asksForLease := m.(*replica.Heartbeat)
		_, tells := m.(*replica.Claims)
		if from == second && asksForLease && r.now > r.primary.died+100*time.Millisecond && !r.primary.up || tells && to == first {
			return drop // the member hears the second no more, and the first does not learn of it by comparing claims
		}
		return r.apart(from, to, m)
	}
	r.run(300 * time.Millisecond)
	r.kill(r.primary.name, time.Second)
	second.core.Refused(r.primary.self.Boot)
	r.until("the second backup serves", 400*time.Millisecond, func() bool { return r.serves(second, r.slot) })
	set := r.set(second, "new", replica.DurableAll)
	if r.run(5 * time.Millisecond); !set.given || set.Copies != 1 {
		t.Fatalf("the second backup answers %+v", set)
	}
	r.kill(second.name, time.Second)
	r.watch = func(n *simNode, e replica.Event) {
		if n == first && e.Kind == failover.EventPromoted && e.Slot == r.slot {
			r.fail("%s promotes itself under %s\n%s", n.name, brief(n.core.Claim(r.slot)), r.describe(r.slot))
		}
	}
	r.until("the first serves what it has", 10*time.Second, func() bool { return r.serves(first, r.slot) })
	if !r.check.lost[r.slot] {
		t.Error("the loss was not counted")
	}
}

// TestHigherClaimEndsARound: the first backup hears that the second has taken over while it waits for answers.
func TestHigherClaimEndsARound(t *testing.T) {
	r := newTrial(t, worldConfig{seed: 1, nodes: 4, slots: 4, backups: 2})
	first, second, other := r.backups[0], r.backups[1], r.others[0]
	r.fate = func(from, to *simNode, m replica.Message) fate {
		if _, ok := m.(*replica.Ask); ok && from == first {
			return drop
		}
		return r.apart(from, to, m)
	}
	r.kill(r.primary.name, time.Second)
	r.until("the second backup serves", 2*time.Second, func() bool { return r.serves(second, r.slot) })
	r.until("the first asks", time.Second, func() bool { return first.core.Rounds() > 0 })
	r.until("others know", time.Second, func() bool { return other.core.Claim(r.slot).Primary == second.self.Boot })
	r.step(first, func(now replica.Instant, fx *replica.Effects) {
		first.core.Receive(now, other.self.Boot, &replica.Claims{Claims: other.core.Claims()}, fx)
	})
	if first.core.Claim(r.slot).Primary != second.self.Boot {
		r.fail("the first backup did not hear of the claim\n%s", r.describe(r.slot))
	}
	r.run(time.Second) // checkClaims finds it when a claim is forgotten
}
