package failover_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// trial is a world around one session, for tests of a single rule: the test decides what becomes of each message. Gossip
// calls everybody alive, so no side of a split excuses anything.
type trial struct {
	*world
	client  *client
	id      string
	slot    uint32
	primary *simNode
	backups []*simNode // in the order of the claim
	others  []*simNode
	fate    func(from, to *simNode, m replica.Message) fate // nil: every message passes
	kept    []*parcel
}

// fate is what becomes of a message.
type fate int

const (
	pass fate = iota
	drop
	keep // until release
)

// newTrial is a settled world in which the attribute v of the session is "old".
func newTrial(t *testing.T, cfg worldConfig) *trial {
	t.Helper()
	cfg.expect = cfg.nodes
	r := &trial{world: formed(t, cfg), id: "session-1"}
	r.client = &client{w: r.world, number: 5000}
	r.slot = replica.SlotOf(r.id, cfg.slots)
	r.create(r.id)
	r.run(100 * time.Millisecond)
	r.begin()
	return r
}

func (r *trial) create(id string) {
	slot := replica.SlotOf(id, r.cfg.slots)
	m := r.client.commit(id, true, replica.Change{Name: "v", Value: []byte("old")})
	created := r.send(r.boots[r.nodes["n1"].core.Claim(slot).Primary], &replica.Request{Commit: m})
	if r.run(20 * time.Millisecond); created.Status != replica.StatusOK || !created.given {
		r.fail("create %s: %+v", id, created)
	}
}

// begin finds out who plays which part, and decides about messages from here on.
func (r *trial) begin() {
	if r.primary == nil {
		r.primary = r.boots[r.nodes["n1"].core.Claim(r.slot).Primary]
	}
	claim := r.primary.core.Claim(r.slot)
	for _, b := range claim.Backups {
		r.backups = append(r.backups, r.boots[b])
	}
	for _, name := range r.up() {
		if n := r.nodes[name]; n != r.primary && !slices.Contains(r.backups, n) {
			r.others = append(r.others, n)
		}
	}
	r.net.lose = func(from, to *simNode, m replica.Message) bool {
		if r.fate == nil {
			return false
		}
		f := r.fate(from, to, m)
		if f == keep {
			r.kept = append(r.kept, &parcel{from: from, to: to, link: r.path(from, to).link, sent: from.instant(r.now).Mono, m: m})
		}
		return f != pass
	}
}

// release lets what was kept arrive now, in order.
func (r *trial) release() {
	kept := r.kept
	r.kept = nil
	r.after(0, func() {
		for _, c := range kept {
			if c.to.up {
				r.receive(c)
			}
		}
	})
}

// answer is what a request came to.
type answer struct {
	given bool
	replica.Result
}

func (r *trial) send(to *simNode, m *replica.Request) *answer {
	a := &answer{}
	r.request(to.name, m, func(result replica.Result) { *a = answer{true, result} })
	return a
}

// set sends a commit of the session's attribute straight to a node.
func (r *trial) set(to *simNode, value string, d replica.Durability) *answer {
	m := r.client.commit(r.id, false, replica.Change{Name: "v", Value: []byte(value)})
	m.Durability = d
	return r.send(to, &replica.Request{Commit: m})
}

// value is the attribute as a node answers it now.
func (r *trial) value(from *simNode) string {
	a := r.send(from, read(r.id))
	if r.run(5 * time.Millisecond); !a.given || a.Session == nil {
		r.fail("%s answers a read with %+v\n%s", from.name, a, r.describe(r.slot))
	}
	v, _ := a.Session.Get("v")
	return string(v)
}

// until runs until something holds.
func (r *trial) until(what string, within time.Duration, holds func() bool) {
	for end := r.now + within; !holds(); r.run(500 * time.Microsecond) {
		if r.now > end {
			r.fail("not within %v: %s\n%s", within, what, r.describe(r.slot))
		}
	}
}

// mute is a fate that loses everything between a node and all others.
func (r *trial) mute(n *simNode) func(from, to *simNode, m replica.Message) fate {
	return func(from, to *simNode, _ replica.Message) fate {
		if from == n || to == n {
			return drop
		}
		return pass
	}
}

// updates reports whether m is a log entry of the trial's slot.
func (r *trial) updates(m replica.Message) bool {
	u, ok := m.(*replica.Update)
	return ok && u.Slot == r.slot
}

// promises reports whether m promises somebody the trial's slot.
func (r *trial) promises(m replica.Message) bool {
	a, ok := m.(*replica.Answer)
	return ok && slices.ContainsFunc(a.Slots, func(s replica.AnsweredSlot) bool {
		return s.Slot == r.slot && s.Verdict == replica.Promised
	})
}
