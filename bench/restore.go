package bench

import (
	"context"
	"math"
	"slices"
	"time"
)

// What restoring copies is measured with.
const (
	restoreSessions = 100_000
	restoreBytes    = 1024
	restoreRate     = 500
	restoreWindow   = time.Second // over which bytes are counted
	// budgetDefault is the bytes per second that a node may send of sessions unless -budget says otherwise.
	budgetDefault = 32 << 20
)

func restore() Scenario {
	return Scenario{
		Name: "restore", Title: "Copies are restored after a death", nodes: 5, run: runRestore,
		Text: `Five nodes hold 100,000 sessions of 1 KiB, 500 requests per second. One node is killed with SIGKILL. Measured until a client
knows two living replicas of every slot, and on until the slots are where the ring of four wants them.`,
	}
}

func runRestore(ctx context.Context, s *stage) error {
	if err := s.fillAnywhere(ctx, restoreSessions, restoreBytes); err != nil {
		return err
	}
	stop, err := s.warmUp(ctx, restoreRate)
	if err != nil {
		return err
	}
	defer stop()
	victim, held := s.members[0], 0
	for _, p := range s.watch.placements() {
		if p.holds(victim.Name) {
			held++
		}
	}
	s.Say("kill %s", victim.Name)
	at := time.Now()
	victim.Kill()
	sent := &traffic{}
	restored, err := s.awaitReplicas(ctx, victim.Name, sent)
	if err != nil {
		return err
	}
	s.result.show("every copy restored after", seconds(restored.Sub(at)), "s")
	s.result.judgeSpread(s.watch.since(at), len(s.living()))
	sent.judge(s.result)
	s.latencies("while copies are restored", at)
	if err := s.rebalance(ctx); err != nil {
		return err
	}
	s.result.show("balance after", seconds(time.Since(at)), "s")
	if err := s.judgeSize(ctx, restoreSessions, restoreBytes); err != nil {
		return err
	}
	moved := 0
	for _, c := range s.watch.since(at) {
		moved += c.after.gained(c.before)
	}
	s.result.show("copies moved until balance", float64(moved), "")
	s.result.atMost("copies moved over those that died", ratio(moved, held), "", movedMax)
	return s.settle(ctx, stop)
}

// spreadMax is how many times its fair share of a dead node's copies a survivor may be given.
const spreadMax = 2

// judgeSpread compares what the survivors received.
func (r *Result) judgeSpread(changes []change, survivors int) {
	received, all, most := map[string]int{}, 0, 0
	for _, c := range changes {
		for _, b := range c.after.backups {
			if !c.before.holds(b.Name) {
				received[b.Name]++
				all++
				most = max(most, received[b.Name])
			}
		}
	}
	r.show("copies received by the survivor that received most", float64(most), "")
	r.atMost("over its fair share", ratio(most*survivors, all), "", spreadMax)
}

// awaitReplicas waits until every slot has two living replicas, and notes meanwhile what the nodes send.
func (s *stage) awaitReplicas(ctx context.Context, dead string, sent *traffic) (at time.Time, err error) {
	asked := time.Time{}
	ok, err := s.await(ctx, copiesLimit, func() bool {
		if time.Since(asked) > restoreWindow/4 { // a status visits every session
			asked = time.Now()
			for _, m := range s.living() {
				if r, err := s.ask(ctx, m); err == nil && r.Progress != nil {
					sent.note(m.Name, asked, r.Progress.SentBytes)
				}
			}
		}
		at = time.Now()
		return !slices.ContainsFunc(s.watch.placements(), func(p placement) bool {
			return p.holds(dead) || len(p.backups) == 0
		})
	})
	if err == nil && !ok {
		err = errNotRestored
	}
	return at, err
}

// traffic is how much each node had sent of sessions, as time went by.
type traffic struct{ readings map[string][]reading }

type reading struct {
	at    time.Time
	bytes uint64
}

func (t *traffic) note(name string, at time.Time, bytes uint64) {
	if t.readings == nil {
		t.readings = map[string][]reading{}
	}
	t.readings[name] = append(t.readings[name], reading{at, bytes})
}

// fastest is the most bytes per second that any node sent over at least the window.
func (t *traffic) fastest(window time.Duration) float64 {
	most := 0.0
	for _, list := range t.readings {
		from := 0
		for _, r := range list {
			for from+1 < len(list) && r.at.Sub(list[from+1].at) >= window {
				from++
			}
			if span := r.at.Sub(list[from].at); span >= window {
				most = max(most, float64(r.bytes-list[from].bytes)/span.Seconds())
			}
		}
	}
	return most
}

// total is what all nodes sent between the first reading and the last.
func (t *traffic) total() (bytes uint64) {
	for _, list := range t.readings {
		bytes += list[len(list)-1].bytes - list[0].bytes
	}
	return bytes
}

func (t *traffic) judge(r *Result) {
	const name, mib = "sent by the busiest node in any second", 1 << 20
	if t.total() == 0 {
		r.absent(name, "≤ 1.1 × budget")
		return
	}
	r.show("sent by all nodes", math.Round(float64(t.total())/mib), "MiB")
	r.atMost(name, math.Round(t.fastest(restoreWindow)/mib*100)/100, "MiB", 1.1*budgetDefault/mib)
}
