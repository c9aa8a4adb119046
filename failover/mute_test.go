package failover_test

import (
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// mute makes what a node sends stand still for a while and then arrive in order. It hears the others, so it takes commits
// as long as its lease holds, and nobody has an acknowledgement for them. A member hears it sooner at the worst moment:
// when it has just promised one of the node's slots to somebody else, or was told that somebody else has it.
func (w *world) mute(n *simNode, d time.Duration) {
	w.suffers("mute")
	w.note("what %s sends stands still for %v", n.name, d)
	n.muted = true
	w.after(d, func() { w.unmute(n) })
	if w.net.spy != nil {
		return
	}
	deposes, soon := promises, time.Duration(0)
	if w.rng.IntN(2) == 0 {
		deposes, soon = tells, time.Millisecond // when the message is there
	}
	w.net.spy = func(from, to *simNode, m replica.Message) {
		if from == n || to == n {
			return
		}
		if knows := deposes(n, from, to, m); knows != nil && !slices.Contains(n.heardBy, knows) {
			w.after(soon+w.upTo(time.Millisecond), func() { w.hearAgain(n, knows) })
		}
	}
	w.after(d, func() { w.net.spy = nil })
}

// promises is the sender of a message, if that promises a slot of which n is primary.
func promises(n, from, _ *simNode, m replica.Message) *simNode {
	answer, ok := m.(*replica.Answer)
	if ok && slices.ContainsFunc(answer.Slots, func(s replica.AnsweredSlot) bool {
		return s.Verdict == replica.Promised && from.core.Claim(s.Slot).Primary == n.self.Boot
	}) {
		return from
	}
	return nil
}

// tells is the receiver of a message, if that tells it of another primary for a slot that n had.
func tells(n, _, to *simNode, m replica.Message) *simNode {
	claims, ok := m.(*replica.Claims)
	if ok && slices.ContainsFunc(claims.Claims, func(c replica.Claim) bool {
		return c.Primary != n.self.Boot && to.core.Claim(c.Slot).Primary == n.self.Boot
	}) {
		return to
	}
	return nil
}

// hearAgain lets what stood still arrive at one member.
func (w *world) hearAgain(n, by *simNode) {
	if !n.muted {
		return
	}
	n.heardBy = append(n.heardBy, by)
	var rest []*parcel
	for _, c := range n.unheard {
		if c.to == by {
			w.queue.add(event{at: w.now, parcel: c})
		} else {
			rest = append(rest, c)
		}
	}
	w.note("%s hears %s again, %d messages", by.name, n.name, len(n.unheard)-len(rest))
	n.unheard = rest
}

// unmute lets all that stood still arrive.
func (w *world) unmute(n *simNode) {
	if !n.muted {
		return
	}
	w.note("what %s sent arrives, %d messages", n.name, len(n.unheard))
	for _, c := range n.unheard {
		w.queue.add(event{at: w.now, parcel: c})
	}
	n.muted, n.heardBy, n.unheard = false, nil, nil
}
