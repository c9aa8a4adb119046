package failover_test

import (
	"testing"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
)

// TestLeaseCountsFromTheSending: the last answer to a primary's heartbeats is late. The backup that gave it counts from
// when the heartbeat came.
func TestLeaseCountsFromTheSending(t *testing.T) {
	r := newTrial(t, worldConfig{seed: 1, nodes: 3, slots: 4, backups: 1})
	silent := r.mute(r.primary)
	var sent time.Duration
	r.fate = func(from, to *simNode, m replica.Message) fate {
		reply, ok := m.(*replica.HeartbeatReply)
		switch {
		case ok && sent == 0 && from == r.backups[0] && to == r.primary:
			sent = reply.Sent
			return keep
		case sent == 0:
			return pass
		}
		return silent(from, to, m)
	}
	r.until("a heartbeat is answered", time.Second, func() bool { return sent != 0 })
	const lease = 300 * time.Millisecond // as of Config.Lease
	r.run(sent + lease - 20*time.Millisecond - r.now)
	r.release()
	r.run(15 * time.Millisecond)
	if !r.serves(r.primary, r.slot) {
		t.Error("the primary does not serve though it has been granted a lease")
	}
	if r.run(10 * time.Millisecond); r.serves(r.primary, r.slot) {
		t.Errorf("the primary serves %v after it asked for its last lease", r.now-sent)
	}
}

// TestLeaseNeedsEveryBackup: one of two backups hears nothing from the primary, and takes over when it likes. Until it is
// evicted the primary serves nothing.
func TestLeaseNeedsEveryBackup(t *testing.T) {
	for i := range 2 {
		r := newTrial(t, worldConfig{seed: 1, nodes: 4, slots: 4, backups: 2})
		deaf := r.backups[i]
		r.fate = func(from, to *simNode, _ replica.Message) fate {
			if from == r.primary && to == deaf {
				return drop
			}
			return pass
		}
		r.run(310 * time.Millisecond)
		if r.serves(r.primary, r.slot) {
			t.Errorf("the primary serves though backup %d has not heard it for longer than a lease", i)
		}
		r.until("it serves again", time.Second, func() bool { return r.serves(r.primary, r.slot) })
		if r.primary.core.Claim(r.slot).Holds(deaf.self.Boot) {
			t.Errorf("it serves with backup %d, which does not hear it", i)
		}
	}
}

// TestPromisedSlotGetsNoLease: a primary that was silent is back while the backup that wants to take over waits for
// answers. A lease from that backup would outlast the claim, which is slow to reach the old primary.
func TestPromisedSlotGetsNoLease(t *testing.T) {
	r := newTrial(t, worldConfig{seed: 1, nodes: 3, slots: 4, backups: 1})
	backup := r.backups[0]
	asked := time.Duration(0)
	silent := r.mute(r.primary)
	r.fate = func(from, to *simNode, m replica.Message) fate {
		switch m.(type) {
		case *replica.Ask:
			if from == backup && asked == 0 {
				asked = r.now
			}
			if from == backup && to == r.primary {
				return drop
			}
		case *replica.Answer:
			if to == backup {
				return keep
			}
		case *replica.Claims:
			if from == backup && to == r.primary {
				return drop
			}
		}
		if asked != 0 {
			return pass
		}
		return silent(from, to, m)
	}
	r.until("the backup asks", time.Second, func() bool { return asked != 0 })
	r.run(100 * time.Millisecond)
	r.release()
	r.until("the backup serves", time.Second, func() bool { return r.serves(backup, r.slot) })
	r.run(time.Second) // the sample finds it when two serve
}

// TestGrantOutlastsAPromise: a node hears nothing of a primary without backups, gossip tells it that it is dead, and it asks
// who else is there whether it may claim the slots as lost. Who grants the primary its lease must not promise them.
func TestGrantOutlastsAPromise(t *testing.T) {
	r := newTrial(t, worldConfig{seed: 1, nodes: 3, slots: 16, backups: 0})
	misled := r.others[0]
	r.net.lies[[2]string{misled.name, r.primary.name}] = r.now + time.Hour
	r.setMembers(misled)
	asked := false
	r.fate = func(from, to *simNode, m replica.Message) fate {
		if _, ok := m.(*replica.Ask); ok && from == misled {
			asked = true
		}
		if pairOf(from.name, to.name) == pairOf(misled.name, r.primary.name) {
			return drop
		}
		return pass
	}
	r.noneLost()
	r.run(5 * time.Second)
	if !asked || !r.serves(r.primary, r.slot) {
		t.Errorf("asked %v\n%s", asked, r.describe(r.slot))
	}
}

// noneLost fails the test when a slot is claimed as empty.
func (r *trial) noneLost() {
	r.watch = func(n *simNode, e replica.Event) {
		if e.Kind == failover.EventLost {
			r.fail("%s claims slot %d as empty", n.name, e.Slot)
		}
	}
}

// TestSilenceIsNoLoss: nobody hears a primary without backups for seconds, but gossip calls it alive, as it does on a machine
// with too much to do. A node that just joined is home of some of its slots; it does not claim them as empty before that
// one has answered.
func TestSilenceIsNoLoss(t *testing.T) {
	r := newTrial(t, worldConfig{seed: 1, nodes: 3, slots: 16, backups: 0, settle: time.Minute})
	joins := r.others[0].name
	r.kill(joins, time.Second)
	r.run(4 * time.Second)
	r.settled(settleIn) // without what it held
	r.restart(joins)
	r.run(2 * time.Second)
	r.noneLost()
	r.fate = r.mute(r.primary)
	r.run(4 * time.Second)
	r.fate = nil
	r.until("it serves again", time.Second, func() bool { return r.serves(r.primary, r.slot) })
	if got := r.value(r.primary); got != "old" {
		t.Errorf("it reads %q", got)
	}
}
