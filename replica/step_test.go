package replica

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSteppingDownDiscardsWhatIsPending(t *testing.T) {
	r := newRig(t, 1, nil)
	request := func(c *Commit, seq uint64) *Commit {
		c.Request = RequestID{1, seq}
		return c
	}
	r.must(request(create("kept", "a", "old"), 1))
	none := request(create("none"), 2)
	none.Durability = DurableNone
	r.wantStatus(r.send(none), StatusOK)
	waiting := []Token{
		r.send(request(set("kept", "a", "new"), 3)), r.send(request(create("new"), 4)), r.send(request(destroy("kept"), 5)),
		r.send(create("kept")), // refused, but not before the destruction is durable
	}
	r.lose(0)
	r.step(1, func(s *Slot, fx *Effects) { s.Retire(Claim{Epoch: 2, Primary: 2}, fx) })
	for _, token := range waiting {
		r.wantStatus(token, StatusUnavailable)
	}
	s := r.slot(1)
	if got := s.role; got != Holder || s.Open() != 0 || len(s.tail.items) != 0 {
		t.Fatalf("role %d, %d open of %d entries", got, s.Open(), len(s.tail.items))
	}
	var ids []string
	for _, rec := range s.records.sorted() {
		ids = append(ids, rec.key().ID)
	}
	if want := []string{"kept", "none"}; !slices.Equal(ids, want) {
		t.Errorf("holds %v, want %v", ids, want)
	}
	if got, _ := s.lookup(key("kept")).newest.Get("a"); string(got) != "old" {
		t.Errorf("holds %q", got)
	}
	var seqs []uint64
	for _, q := range s.requests.all() {
		seqs = append(seqs, q.Request.Seq)
	}
	if want := []uint64{1, 2}; !slices.Equal(seqs, want) {
		t.Errorf("remembers %v, want %v", seqs, want)
	}
	if err := check(s); err != nil {
		t.Error(err)
	}
}

func TestRetryWaitsForTheFirstAttempt(t *testing.T) {
	r := newRig(t, 1, nil)
	c := create("s", "a", "1")
	c.Request = RequestID{1, 1}
	first, second := r.send(c), r.send(c)
	r.pending(first)
	r.pending(second)
	r.run()
	third := r.send(c)
	for _, token := range []Token{first, second, third} {
		if got := r.result(token); !cmp.Equal(got, r.result(first)) || got.Copies != 2 {
			t.Errorf("got %+v, want %+v", got, r.result(first))
		}
	}
	if got := r.primary().tail.head; got != 1 {
		t.Errorf("%d entries for one request", got)
	}
}

// TestSilentBackupIsStuck: sending it everything again is not a sign of life.
func TestSilentBackupIsStuck(t *testing.T) {
	r := newRig(t, 2, nil)
	r.must(create("s"))
	r.sleep(time.Minute)
	r.send(set("s", "a", "1"))
	for range 20 {
		r.lose(3)
		r.run()
		if got := r.primary().Stuck(r.now, time.Second); len(got) > 0 {
			t.Fatalf("stuck before its time: %v", got)
		}
		r.pass(50 * time.Millisecond)
		r.step(1, func(s *Slot, fx *Effects) { s.Resend(r.now, 3, fx) })
	}
	r.pass(50 * time.Millisecond)
	if got, want := r.primary().Stuck(r.now, time.Second), []Boot{3}; !reflect.DeepEqual(got, want) {
		t.Errorf("stuck: %v, want %v", got, want)
	}
}

func TestGapsAreAskedFor(t *testing.T) {
	r := newRig(t, 1, nil)
	r.send(create("a"))
	r.lose(0)
	token := r.send(create("b"))
	r.run()
	r.wantStatus(token, StatusOK)
	if got := r.slot(2).tail.head; got != 2 {
		t.Errorf("backup is at %d", got)
	}
}

func TestLostAcknowledgementIsSentAgain(t *testing.T) {
	r := newRig(t, 1, nil)
	token := r.send(create("a"))
	r.deliver(r.wire[0])
	r.lose(0)
	r.pending(token)
	r.pass(200 * time.Millisecond)
	r.run()
	r.wantStatus(token, StatusOK)
}

// TestWholeSessionForAMissingBase: what the backup gets is the version that the entry made, not what is pending after.
func TestWholeSessionForAMissingBase(t *testing.T) {
	r := newRig(t, 1, nil)
	r.must(create("s", "a", "1"))
	backup := r.slot(2)
	backup.forget(backup.lookup(key("s")))
	first := r.send(set("s", "b", "2"))
	end := r.send(destroy("s"))
	destroying := r.wire[1]
	r.wire = r.wire[:1]
	for len(r.wire) > 0 {
		m := r.wire[0]
		r.wire = r.wire[1:]
		if u, ok := m.msg.(*Update); ok && u.Entry.Seq == 3 {
			continue
		}
		r.deliver(m)
	}
	r.wantStatus(first, StatusOK)
	r.pending(end)
	want := describe(r.slot(1).lookup(key("s")).durable)
	if got := describe(backup.lookup(key("s")).newest); got != want {
		t.Errorf("backup has\n%swant\n%s", got, want)
	}
	if got, want := r.slot(2).requests.all(), r.slot(1).requests.all(); !reflect.DeepEqual(got, want) {
		t.Errorf("backup remembers %v, want %v", got, want)
	}
	if err := check(r.slot(1)); err != nil {
		t.Error(err)
	}
	r.deliver(destroying)
	r.run()
	r.wantStatus(end, StatusOK)
	if got, want := dump(backup), dump(r.slot(1)); got != want {
		t.Errorf("backup has\n%swant\n%s", got, want)
	}
}

func TestPromotedBackupHasABarrier(t *testing.T) {
	r := newRig(t, 2, nil)
	r.send(create("s"))
	r.lose(3)
	r.run()
	r.reclaim(2, 3)
	if r.primary().Serving() {
		t.Error("serves while backup 3 lacks what it has")
	}
	r.run()
	if !r.primary().Serving() {
		t.Error("does not serve though backup 3 has it")
	}
	r.wantStatus(r.read(&Load{Key: key("s")}), StatusOK)
}

func TestEvictionCompletesWhatWaited(t *testing.T) {
	r := newRig(t, 2, nil)
	token := r.send(create("s"))
	r.lose(3)
	r.run()
	r.pending(token)
	r.reclaim(1, 2)
	r.run()
	if got := r.result(token); got.Status != StatusOK || got.Copies != 2 {
		t.Errorf("got %+v, want ok on 2", got)
	}
}

func TestTailGivesBackItsMemory(t *testing.T) {
	r := newRig(t, 1, nil)
	r.must(create("s"))
	for i := range 2000 {
		r.send(set("s", "a", fmt.Sprint(i)))
	}
	r.run()
	for b, s := range r.nodes {
		if n := cap(s.tail.items); len(s.tail.items) == 0 && n > itemsKept {
			t.Errorf("boot %v keeps room for %d entries", b, n)
		}
	}
	if got := cap(r.primary().lookup(key("s")).pending); got > 0 {
		t.Errorf("the record keeps room for %d numbers", got)
	}
}

func TestTailJoins(t *testing.T) {
	s := newRig(t, 0, nil).primary()
	s.tail.reset(5)
	for i := range uint64(10) {
		s.tail.append(&logged{entry: Entry{Seq: 6 + i, Parts: []Part{{Session: &Session{}}}}, sizeBytes: 1})
	}
	s.tail.trim(8)
	for after, want := range map[uint64]bool{7: false, 8: true, 14: true, 15: true, 16: false} {
		entries, complete := s.Tail(Position{Seq: after})
		if complete != want || want && len(entries) != int(15-after) {
			t.Errorf("after %d: %d entries, complete %v", after, len(entries), complete)
		}
	}
	s.cfg.Limits.ChunkBytes = 3
	if entries, _ := s.Tail(Position{Seq: 8}); len(entries) != 3 {
		t.Errorf("%d entries in a message of three", len(entries))
	}
}
