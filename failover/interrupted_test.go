package failover_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
)

// interruption is what befalls the first hand-off of a world at one point of it.
type interruption struct {
	atOffer, atClaim     func(w *world, giver, taker string) // called once, after the message is on its way
	loseOffer, loseClaim time.Duration                       // for how long these are lost, counted from the first
}

func kills(giver, taker bool) func(*world, string, string) {
	return func(w *world, g, t string) {
		if giver {
			w.kill(g, time.Second)
		}
		if taker {
			w.kill(t, time.Second)
		}
	}
}

func stops(giver, taker bool) func(*world, string, string) {
	return func(w *world, g, t string) {
		if giver {
			w.pause(g, 900*time.Millisecond, false)
		}
		if taker {
			w.pause(t, 900*time.Millisecond, false)
		}
	}
}

const forever = time.Hour

// TestHandOffInterrupted lets giver or taker die or stop, or messages be lost, at each point of a hand-off under load:
// nothing acknowledged is missing, never do two serve, and no slot stays unserved.
func TestHandOffInterrupted(t *testing.T) {
	for name, in := range map[string]interruption{
		"giver dies before the offer":   {atOffer: kills(true, false), loseOffer: forever},
		"giver dies after the offer":    {atOffer: kills(true, false)},
		"taker dies before its claim":   {atOffer: kills(false, true)},
		"taker dies before it tells":    {atClaim: kills(false, true), loseClaim: forever},
		"taker dies after its claim":    {atClaim: kills(false, true)},
		"giver dies, claim on its way":  {atClaim: kills(true, false)},
		"giver dies, claim is lost":     {atClaim: kills(true, false), loseClaim: 100 * time.Millisecond},
		"offer is lost":                 {loseOffer: time.Millisecond},
		"offers are lost":               {loseOffer: 500 * time.Millisecond},
		"claim is lost":                 {loseClaim: time.Millisecond},
		"claims are lost":               {loseClaim: 600 * time.Millisecond},
		"giver stops after the offer":   {atOffer: stops(true, false)},
		"taker stops before its claim":  {atOffer: stops(false, true)},
		"taker stops after its claim":   {atClaim: stops(false, true)},
		"giver stops, claim on its way": {atClaim: stops(true, false)},
	} {
		t.Run(name, func(t *testing.T) {
			interrupt(t, uint64(len(name)), in)
		})
	}
}

func interrupt(t *testing.T, seed uint64, in interruption) {
	w := formed(t, worldConfig{
		seed: seed, nodes: 4, slots: 16, backups: 1 + int(seed%2), expect: 4, settle: 200 * time.Millisecond,
	})
	l := w.load(16, 3, 2)
	w.kill("n4", time.Second)
	w.run(3 * time.Second)
	w.settled(settleIn)
	var offer *replica.HandOff
	var giver, taker *simNode
	var offered, claimed time.Duration
	w.net.lose = func(from, to *simNode, m replica.Message) bool {
		switch m := m.(type) {
		case *replica.HandOff:
			if offer == nil {
				offer, giver, taker, offered = m, from, to, w.now
				w.note("%s offers slot %d to %s", from.name, m.Slot, to.name)
				if in.atOffer != nil {
					w.after(0, func() { in.atOffer(w, giver.name, taker.name) })
				}
			}
			return m.Slot == offer.Slot && w.now-offered < in.loseOffer
		case *replica.Claims:
			if offer == nil || from != taker || !slices.ContainsFunc(m.Claims, func(c replica.Claim) bool {
				return c.Slot == offer.Slot && c.Epoch > offer.Epoch
			}) {
				return false
			}
			if claimed == 0 {
				claimed = w.now
				if in.atClaim != nil {
					w.after(0, func() { in.atClaim(w, giver.name, taker.name) })
				}
			}
			return w.now-claimed < in.loseClaim
		}
		return false
	}
	w.restart("n4")
	w.run(3 * time.Second)
	if offer == nil || (in.atClaim != nil || in.loseClaim > 0) && claimed == 0 {
		w.fail("no hand-off, or none taken up")
	}
	w.settled(settleIn)
	w.finish(l)
}

// TestHandOffPauses: with commits under way all the time a hand-off takes a few messages, not the next tick; the giver
// knows how long each took.
func TestHandOffPauses(t *testing.T) {
	w := formed(t, worldConfig{seed: 3, nodes: 4, slots: 48, backups: 2, expect: 4, settle: 200 * time.Millisecond})
	l := w.load(0, 0, 0)
	for i := range 300 {
		l.counters = append(l.counters, w.counter(i))
		l.counters[i].next()
	}
	w.kill("n4", time.Second)
	w.run(3 * time.Second)
	w.restart("n4")
	w.home(20 * time.Second)
	n := 0
	for _, name := range w.names {
		for _, p := range w.progress(name).Pauses {
			if n++; p > 6*time.Millisecond {
				t.Errorf("%s handed a slot over in %v; messages take a millisecond at most", name, p)
			}
		}
	}
	if n != w.counts[failover.EventMoved] || n == 0 {
		t.Errorf("%d pauses for %d hand-offs", n, w.counts[failover.EventMoved])
	}
	w.finish(l)
}

// TestFailedMoveDelaysNoEviction: a hand-off comes to nothing because the backup that it waits for is dead. The slot is
// left where it is for a while; the eviction of that backup must not wait as long, because commits do.
func TestFailedMoveDelaysNoEviction(t *testing.T) {
	for seed := range uint64(1) {
		w := formed(t, worldConfig{seed: seed, nodes: 4, slots: 16, backups: 2, expect: 4, settle: 5 * time.Second})
		l := w.load(160, 0, 0)
		w.kill("n4", time.Second)
		w.run(3 * time.Second)
		w.restart("n4")
		cut, home := "", w.table(4)
		w.watch = func(n *simNode, e replica.Event) {
			if e.Kind != failover.EventRestored || w.nameOf(e.Peer) != "n4" || cut != "" || home.Replicas(int(e.Slot))[0] != "n4" {
				return
			}
			for _, b := range n.core.Claim(e.Slot).Backups {
				if b != e.Peer {
					cut = w.nameOf(b)
				}
			}
			w.after(0, func() { w.kill(cut, time.Second) })
		}
		for cut == "" && w.now < began+time.Minute {
			w.run(10 * time.Millisecond)
		}
		for _, c := range l.counters {
			c.slow = 0
		}
		w.run(12 * time.Second)
		for _, c := range l.counters {
			if c.slow > 2*time.Second {
				t.Errorf("seed %d: %s waited %v", seed, c.id, c.slow)
			}
		}
	}
}

// TestLeftOverLearnerGivesWay: the only copy of some slots dies while another node is being filled with them. That node
// claims them after the usual time: what it has learnt is nothing that it could go on with.
func TestLeftOverLearnerGivesWay(t *testing.T) {
	for seed := range runs(1) {
		w := formed(t, worldConfig{seed: seed, nodes: 2, slots: 8, backups: 1, expect: 2, budget: 64 << 10})
		w.check.strict = false
		w.fill(200, 4<<10)
		w.run(2 * time.Second)
		w.kill("n2", time.Second)
		w.run(3 * time.Second)
		w.restart("n2")
		for i := 0; w.nodes["n2"].core.Learning() < 3; i++ {
			if w.run(10 * time.Millisecond); i > 1000 {
				t.Fatal("nobody fills n2")
			}
		}
		w.kill("n1", time.Second)
		w.run(4 * time.Second)
		for slot := range uint32(8) {
			if n := w.nodes["n2"]; !w.serves(n, slot) {
				t.Errorf("seed %d: slot %d is served by nobody:\n%s", seed, slot, w.describe(slot))
			}
		}
		w.settled(0)
		if got := fmt.Sprint(w.counts[failover.EventLost]); got == "0" {
			t.Error("no slot was lost: the test shows nothing")
		}
	}
}
