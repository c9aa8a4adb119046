package failover_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessnode/sessnode/replica"
)

// side is a client that speaks to the nodes of one side of a split only.
type side struct {
	client
	nodes []string
	last  map[string]write // by session and attribute: what was acknowledged last
}

type write struct {
	value string
	stamp replica.Stamp
}

func (w *world) side(number uint64, nodes ...string) *side {
	return &side{client: client{w: w, number: number}, nodes: nodes, last: map[string]write{}}
}

// do sends a request to one node of the side after the other until one answers for good.
func (s *side) do(m *replica.Request) (result replica.Result) {
	for i := range 2000 {
		answered := false
		s.w.request(s.nodes[i%len(s.nodes)], m, func(r replica.Result) {
			if !r.Status.Retryable() {
				result, answered = r, true
			}
		})
		if s.w.run(5 * time.Millisecond); answered {
			return result
		}
	}
	s.w.fail("nobody of %v answers %+v", s.nodes, m)
	return result
}

func (s *side) set(id, attr, value string) {
	m := s.commit(id, false, replica.Change{Name: attr, Value: []byte(value)})
	r := s.do(&replica.Request{Commit: m})
	if r.Status != replica.StatusOK {
		s.w.fail("set %s of %s: %v", attr, id, r.Err())
	}
	s.last[id+" "+attr] = write{value, r.Stamp}
}

// conflictKeys names what was found lost, in order, each once: replicas of one side offer the same.
func conflictKeys(all []replica.Conflict) []string {
	var keys []string
	for _, c := range all {
		keys = append(keys, fmt.Sprintf("%s %s %d %x", c.Key.ID, c.Attr, c.Cause, c.Lost.Clock))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// TestASplitLosesWhatIsListed: both sides write, to attributes of their own and to the same ones. Afterwards every
// attribute has the later of the two last writes, and exactly the earlier ones are listed.
func TestASplitLosesWhatIsListed(t *testing.T) {
	for seed := range runs(12) {
		w := formed(t, worldConfig{seed: seed, nodes: 5, slots: 8, backups: 1 + int(seed%2), expect: 5, skew: 200 * time.Millisecond})
		all := w.side(1, w.names...)
		for i := range 6 {
			id := fmt.Sprint("s-", i)
			all.do(&replica.Request{Commit: all.commit(id, true, replica.Change{Name: "common", Value: []byte("0")})})
			all.set(id, "old", "0")
		}
		halves := []*side{w.side(2, "n1", "n2"), w.side(3, "n3", "n4", "n5")}
		w.split(halves[0].nodes, cutDrop)
		w.run(6 * time.Second)
		for range 60 {
			s := halves[w.rng.IntN(2)]
			id := fmt.Sprint("s-", w.rng.IntN(6))
			if w.lostTo(id) {
				continue
			}
			s.set(id, []string{"common", fmt.Sprint("own-", s.number), "a"}[w.rng.IntN(3)], fmt.Sprint(w.rng.IntN(1000)))
		}
		w.heal()
		w.settled(20 * time.Second)
		w.equal()
		w.holdToBoth(all, halves)
	}
}

// lostTo reports whether all replicas of a session's slot are on one side, so that the other does not have it.
func (w *world) lostTo(id string) bool {
	slot := replica.SlotOf(id, w.cfg.slots)
	a, b := w.nodes["n1"].core.Claim(slot), w.nodes["n3"].core.Claim(slot)
	return len(a.Emptied)+len(b.Emptied) > 0
}

func (w *world) holdToBoth(reader *side, halves []*side) {
	var want []string
	for name := range halves[0].last {
		if _, both := halves[1].last[name]; !both {
			continue
		}
		a, b := halves[0].last[name].stamp, halves[1].last[name].stamp
		if b.Less(a) {
			a = b
		}
		want = append(want, fmt.Sprintf("%s %d %x", name, replica.CauseOverwritten, a.Clock))
	}
	slices.Sort(want)
	if d := cmp.Diff(want, conflictKeys(w.conflicts)); d != "" {
		w.fail("conflicts (-lost +listed):\n%s", d)
	}
	for i, h := range halves {
		for name, mine := range h.last {
			last := mine
			if other, both := halves[1-i].last[name]; both && mine.stamp.Less(other.stamp) {
				last = other
			}
			var id, attr string
			fmt.Sscan(name, &id, &attr)
			r := reader.do(read(id))
			if got, _ := r.Session.Get(attr); string(got) != last.value {
				w.fail("%s is %q, want %q", name, got, last.value)
			}
		}
	}
}

// TestNobodyIsTurnedAwayAtTheHeal: a client that was served on one side until the sides met finds on the other, from its
// first request there on, everything that was acknowledged to it, and no session missing.
func TestNobodyIsTurnedAwayAtTheHeal(t *testing.T) {
	for seed := range runs(12) {
		w := formed(t, worldConfig{seed: seed, nodes: 5, slots: 4, backups: 1, expect: 5})
		w.split([]string{"n1", "n2"}, cutDrop)
		w.run(6 * time.Second)
		here, there := w.side(2, "n1", "n2"), w.side(3, "n3", "n4", "n5")
		var ids []string
		for i := range 400 {
			id := fmt.Sprint("s-", i)
			s := []*side{here, there}[i%2]
			r := s.do(&replica.Request{Commit: s.commit(id, true, replica.Change{Name: "v", Value: []byte(id)})})
			if r.Status != replica.StatusOK {
				w.fail("create %s: %v", id, r.Err())
			}
			ids = append(ids, id)
		}
		w.heal()
		if healed := w.now; seed%2 == 1 { // what the losers hold is not heard of for a while
			w.net.lose = func(_, _ *simNode, m replica.Message) bool {
				_, offers := m.(*replica.Offer)
				return offers && w.now < healed+time.Second
			}
		}
		turned := 0
		for i := 0; i < 20000 && turned < 200; i++ {
			n := w.rng.IntN(len(ids))
			turned += w.cross(ids[n], []*side{here, there}[n%2], []*side{there, here}[n%2])
		}
		if turned < 200 {
			w.fail("only %d requests changed sides", turned)
		}
		w.settled(20 * time.Second)
		w.equal()
	}
}

// cross asks the nodes where a session was written until one sends the client to another node, then that one; it counts
// the clients that changed sides.
func (w *world) cross(id string, from, to *side) (turned int) {
	slot := replica.SlotOf(id, w.cfg.slots)
	old := from.nodes[w.rng.IntN(len(from.nodes))]
	primary := ""
	w.request(old, read(id), func(r replica.Result) {
		if r.Status == replica.StatusNotPrimary {
			primary = w.boots[w.referral.Primary].name
		} else if !r.Status.Retryable() && r.Status != replica.StatusOK {
			w.fail("%s of %s, asked at %s: %v", id, from.nodes, old, r.Err())
		}
	})
	w.run(3 * time.Millisecond)
	if !slices.Contains(to.nodes, primary) {
		return 0
	}
	w.request(primary, read(id), func(r replica.Result) {
		switch {
		case r.Status.Retryable():
		case r.Status != replica.StatusOK:
			w.fail("%s of %s, sent by %s to %s, slot %d: %v\n%s", id, from.nodes, old, primary, slot, r.Err(), w.describe(slot))
		default:
			turned = 1
		}
	})
	w.run(3 * time.Millisecond)
	return turned
}

// TestRetryAcrossTheHealTakesEffectOnce: a request took effect on the losing side, and the client, which never heard of it,
// tries again on the other. The counter must not move twice.
func TestRetryAcrossTheHealTakesEffectOnce(t *testing.T) {
	for seed := range runs(8) {
		w := formed(t, worldConfig{seed: seed, nodes: 4, slots: 4, backups: 1, expect: 4})
		all := w.side(1, w.names...)
		for i := range 8 {
			all.do(&replica.Request{Commit: all.commit(fmt.Sprint("s-", i), true)})
		}
		w.split([]string{"n1", "n2"}, cutDrop)
		w.run(6 * time.Second)
		halves := []*side{w.side(2, "n1", "n2"), w.side(3, "n3", "n4")}
		w.run(time.Second)
		retries := map[*replica.Commit]replica.Stamp{}
		for i := range 8 {
			s := halves[i%2]
			if w.lostTo(fmt.Sprint("s-", i)) {
				continue
			}
			m := s.commit(fmt.Sprint("s-", i), false, replica.Change{Name: "n", Value: []byte("1")})
			retries[m] = s.do(&replica.Request{Commit: m}).Stamp
		}
		w.heal()
		for m, stamp := range retries {
			other := halves[1]
			if m.Request.Client == 3 {
				other = halves[0]
			}
			slot := replica.SlotOf(m.Key.ID, w.cfg.slots)
			for other.w.boots[w.nodes[other.nodes[0]].core.Claim(slot).Primary] != w.boots[w.nodes[halves[0].nodes[0]].core.Claim(slot).Primary] {
				w.run(time.Millisecond)
			}
			w.run(2 * time.Second)
			if r := w.side(9, w.names...).do(&replica.Request{Commit: m}); r.Stamp != stamp {
				w.fail("%v took effect at %v and at %v (%v)", m.Request, stamp, r.Stamp, r.Err())
			}
		}
		w.settled(20 * time.Second)
	}
}

// TestGuardKeepsTheMinorityFromWriting: with a guard, a side with too few members takes no commits but logouts, and reads
// go on.
func TestGuardKeepsTheMinorityFromWriting(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 5, slots: 4, backups: 1, expect: 5, members: 3})
	all := w.side(1, w.names...)
	for i := range 8 {
		all.do(&replica.Request{Commit: all.commit(fmt.Sprint("s-", i), true)})
	}
	w.split([]string{"n1", "n2"}, cutDrop)
	w.run(8 * time.Second)
	few, many := w.side(2, "n1", "n2"), w.side(3, "n3", "n4", "n5")
	for i := range 8 {
		id := fmt.Sprint("s-", i)
		slot := replica.SlotOf(id, w.cfg.slots)
		if n := w.boots[w.nodes["n1"].core.Claim(slot).Primary]; slices.Contains(few.nodes, n.name) {
			w.request(n.name, &replica.Request{Commit: few.commit(id, false, replica.Change{Name: "a"})}, func(r replica.Result) {
				if r.Status != replica.StatusUnavailable {
					t.Errorf("%s of two takes a commit: %v", n.name, r.Err())
				}
			})
			if r := few.do(read(id)); r.Status != replica.StatusOK {
				t.Errorf("the side of two does not read %s: %v", id, r.Err())
			}
			destroy := few.commit(id, false)
			destroy.Destroy = true
			if r := few.do(&replica.Request{Commit: destroy}); r.Status != replica.StatusOK {
				t.Errorf("a logout on the side of two: %v", r.Err())
			}
		}
		if n := w.boots[w.nodes["n3"].core.Claim(slot).Primary]; slices.Contains(many.nodes, n.name) && len(w.nodes["n3"].core.Claim(slot).Emptied) == 0 {
			many.set(id, "b", "1")
		}
	}
	for slot := range uint32(4) {
		if claim := w.nodes["n1"].core.Claim(slot); len(claim.Emptied) > 0 && slices.Contains(few.nodes, w.boots[claim.Primary].name) {
			t.Errorf("the side of two claims slot %d as empty", slot)
		}
	}
	w.heal()
	w.settled(20 * time.Second)
	w.equal()
}

// TestCopiesNeverDiffer: the comparison of copies in the background finds nothing, whatever happened: replication alone
// keeps them equal.
func TestCopiesNeverDiffer(t *testing.T) {
	seeds(t, 6, func(t *testing.T, seed uint64) {
		w := formed(t, worldConfig{
			seed: seed, nodes: 4, slots: 8, backups: 1 + int(seed%2), expect: 4, check: 500 * time.Millisecond, drop: 0.01,
			dup: 0.01, skew: 100 * time.Millisecond, jumpy: true,
		})
		w.net.spy = func(_, _ *simNode, m replica.Message) {
			if _, ok := m.(*replica.Check); ok {
				w.counts["checks"]++
			}
		}
		l := w.load(10, 6, 4)
		for range 6 {
			faults[faultNames[w.rng.IntN(len(faultNames))]](w)
			w.settled(settleIn)
			w.run(2 * time.Second)
		}
		w.finish(l)
		if w.counts[replica.EventDiffers] > 0 || w.counts["checks"] < 50 {
			w.fail("%d of %d comparisons found a difference", w.counts[replica.EventDiffers], w.counts["checks"])
		}
	})
}

// TestARequestToBothSidesIsOneWrite: clients ask both sides of a split the same, as they do when the one asked first does
// not answer. Nothing is a conflict with itself, and what a side wrote later stands.
func TestARequestToBothSidesIsOneWrite(t *testing.T) {
	for seed := range runs(12) {
		w := formed(t, worldConfig{seed: seed, nodes: 5, slots: 4, backups: 1 + int(seed%2), expect: 5, skew: 200 * time.Millisecond})
		all := w.side(1, w.names...)
		for i := range 8 {
			all.do(&replica.Request{Commit: all.commit(fmt.Sprint("s-", i), true)})
		}
		halves := []*side{w.side(2, "n1", "n2"), w.side(3, "n3", "n4", "n5")}
		w.split(halves[0].nodes, cutDrop)
		w.run(6 * time.Second)
		want := map[string]string{}
		for i := range 8 {
			id := fmt.Sprint("s-", i)
			if w.lostTo(id) {
				continue
			}
			m := halves[0].commit(id, false, replica.Change{Name: "a", Value: []byte("1")}, replica.Change{Name: "b", Value: []byte("1")})
			first := w.rng.IntN(2)
			halves[first].do(&replica.Request{Commit: m})
			halves[first].set(id, "a", "2")
			halves[1-first].do(&replica.Request{Commit: m})
			want[id] = "2"
		}
		w.heal()
		w.settled(20 * time.Second)
		w.equal()
		if len(w.conflicts) > 0 || len(want) == 0 {
			w.fail("%d sessions, conflicts %v", len(want), conflictKeys(w.conflicts))
		}
		for id := range want {
			r := w.side(9, w.names...).do(read(id))
			a, _ := r.Session.Get("a")
			b, _ := r.Session.Get("b")
			if string(a) != "2" || string(b) != "1" {
				w.fail("%s has a=%q, want 2, and b=%q, want 1", id, a, b)
			}
		}
	}
}
