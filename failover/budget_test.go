package failover_test

import (
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// TestBytesStayWithinTheBudget refills a node, with messages lost on the way and one session larger than what may be sent
// in a second: no second sees more than 1.1 times the budget, counted where the chunks are sent, until it has everything.
func TestBytesStayWithinTheBudget(t *testing.T) {
	const budget, large = 200 << 10, 300 << 10
	for seed := range runs(2) {
		w := formed(t, worldConfig{
			seed: seed, nodes: 3, slots: 32, backups: 1, expect: 3, budget: budget, drop: 0.02, settle: 500 * time.Millisecond,
		})
		w.fill(400, 3<<10)
		if seed == 1 {
			w.fillOne("huge", large)
		}
		w.run(2 * time.Second)
		w.kill("n3", time.Second)
		sent := map[string][]chunkSent{}
		w.net.spy = func(from, _ *simNode, m replica.Message) {
			if s, ok := m.(*replica.Snapshot); ok {
				sent[from.name] = append(sent[from.name], chunkSent{w.now, payload(s)})
			}
		}
		w.run(2 * time.Second)
		if got := w.progress("n1"); got.Waiting != "byte budget" || got.LeftBytes == 0 || got.Restoring == 0 {
			t.Errorf("n1 after 2 s: %+v; it should wait for its budget", got)
		}
		w.settled(60 * time.Second)
		w.restart("n3")
		w.home(60 * time.Second)
		total := 0
		for name, chunks := range sent {
			for i, c := range chunks {
				total += c.sizeBytes
				if got := within(chunks[:i+1], c.at-time.Second); got > budget*11/10 && (seed == 0 || got > budget*11/10+large) {
					t.Fatalf("%s sent %d bytes in the second before %v, the budget is %d", name, got, c.at-began, budget)
				}
			}
		}
		if total < 400*3<<10 {
			t.Errorf("only %d bytes were seen", total)
		}
		w.equal()
	}
}

type chunkSent struct {
	at        time.Duration
	sizeBytes int
}

func within(chunks []chunkSent, since time.Duration) (sizeBytes int) {
	for i := len(chunks) - 1; i >= 0 && chunks[i].at > since; i-- {
		sizeBytes += chunks[i].sizeBytes
	}
	return sizeBytes
}

// payload is what a chunk carries at the very least.
func payload(m *replica.Snapshot) int {
	n := 32 * len(m.Requests)
	for _, p := range m.Parts {
		for _, a := range p.Session.Attrs {
			n += len(a.Name) + len(a.Value) + 16
		}
		n += len(p.Session.Key.ID) + 32
	}
	return n
}

// TestStarvedLearnerIsNotForgotten: a session that costs the budget of ten seconds leaves the other learners without
// anything for longer than they would wait for a primary that forgot them. No transfer begins anew.
func TestStarvedLearnerIsNotForgotten(t *testing.T) {
	w := formed(t, worldConfig{seed: 4, nodes: 2, slots: 8, backups: 1, expect: 2, budget: 40 << 10})
	w.fill(160, 2<<10)
	w.fillOne("huge", 500<<10)
	w.run(2 * time.Second)
	w.kill("n2", time.Second)
	w.run(2 * time.Second)
	begun := map[[2]uint64]bool{}
	w.net.spy = func(_, _ *simNode, m replica.Message) {
		if s, ok := m.(*replica.Snapshot); ok && s.Chunk > 0 { // chunk 0 may be refused
			begun[[2]uint64{uint64(s.Slot), s.Transfer}] = true
		}
	}
	w.restart("n2")
	w.run(time.Second)
	w.settled(2 * time.Minute)
	if len(begun) != 8 {
		t.Errorf("%d transfers for 8 slots", len(begun))
	}
}

// TestBusySlotsFirst: with one transfer at a time, the slots that get requests get their copies first.
func TestBusySlotsFirst(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 2, slots: 16, backups: 1, expect: 2, transfers: 1})
	w.kill("n2", time.Second)
	w.run(2 * time.Second)
	busy := map[uint32]bool{}
	for i := range 4 {
		c := w.counter(i)
		c.next()
		busy[replica.SlotOf(c.id, 16)] = true
	}
	w.run(3 * time.Second)
	var order []uint32
	w.net.spy = func(_, _ *simNode, m replica.Message) {
		if s, ok := m.(*replica.Snapshot); ok && s.Chunk == 0 {
			order = append(order, s.Slot)
		}
	}
	w.restart("n2")
	w.run(5 * time.Second)
	w.settled(5 * time.Second)
	for i, slot := range order[:len(busy)] {
		if !busy[slot] {
			t.Errorf("slot %d gets its copy as number %d; %v are busy, the order was %v", slot, i+1, busy, order)
		}
	}
}
