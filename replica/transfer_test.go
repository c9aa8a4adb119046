package replica

import (
	"fmt"
	"testing"
	"time"
)

// fill teaches a boot until it is ready.
func (r *rig) fill(b Boot) {
	r.t.Helper()
	r.teach(b)
	r.run()
	if l := r.primary().Learners(); len(l) != 1 || !l[0].Ready {
		r.t.Fatalf("learner %v is not ready: %+v", b, l)
	}
}

func (r *rig) teach(b Boot) {
	r.token++
	r.primary().Teach(r.now, b, uint64(r.token))
	r.chunk(b)
}

func (r *rig) chunk(b Boot) {
	r.step(r.claim.Primary, func(s *Slot, fx *Effects) { s.SendChunk(r.now, b, fx) })
}

func smallChunks(c *Config) { c.Limits.ChunkBytes = 1 }

func TestLearnerIsFilled(t *testing.T) {
	r := newRig(t, 1, smallChunks)
	for i := range 20 {
		c := create(fmt.Sprint(i), "a", "1")
		c.Request = RequestID{1, uint64(i + 1)}
		r.must(c)
	}
	r.must(destroy("3"))
	r.fill(3)
	if got, want := dump(r.slot(3)), dump(r.slot(1)); got != want {
		t.Errorf("learner has\n%swant\n%s", got, want)
	}
	if got := r.slot(3).requests.byID.len(); got != 20 {
		t.Errorf("learner remembers %d requests, want 20", got)
	}
}

// TestLearnerBecomesReadyUnderLoad commits without a pause: something is always on the way.
func TestLearnerBecomesReadyUnderLoad(t *testing.T) {
	for _, backups := range []int{0, 1} {
		r := newRig(t, backups, smallChunks)
		for i := range 10 {
			r.must(create(fmt.Sprint(i)))
		}
		r.teach(9)
		ready := false
		for i := range 200 {
			r.send(set(fmt.Sprint(i%10), "n", fmt.Sprint(i)))
			r.runBut(9)
			if l := r.primary().Learners(); l[0].Ready && len(r.wire) > 0 {
				ready = true
				break
			}
		}
		if !ready {
			t.Fatalf("%d backups: never ready", backups)
		}
		r.send(set("0", "n", "last"))
		r.claim.Epoch++
		r.claim.Backups = append(r.claim.Backups, 9)
		for _, b := range r.claim.Backups {
			r.follow(b)
		}
		r.lead(1, make([]uint64, len(r.claim.Backups)))
		if !r.primary().Serving() {
			t.Errorf("%d backups: the primary stops serving because of a new backup", backups)
		}
		if c := r.primary().tail.committed; c > r.slot(9).tail.head {
			t.Errorf("%d backups: entry %d is said to be everywhere; the new backup is at %d", backups, c, r.slot(9).tail.head)
		}
		r.run()
		if got, want := dump(r.slot(9)), dump(r.slot(1)); got != want {
			t.Errorf("%d backups: learner has\n%swant\n%s", backups, got, want)
		}
	}
}

func TestChunksAreSentAgain(t *testing.T) {
	r := newRig(t, 0, smallChunks)
	for i := range 5 {
		r.must(create(fmt.Sprint(i)))
	}
	r.teach(3)
	for range 40 {
		r.lose(0)
		r.sleep(chunkAgain + 1)
		r.chunk(3)
		if len(r.wire) != 1 {
			t.Fatalf("%d messages instead of the lost chunk", len(r.wire))
		}
		r.deliver(r.wire[0])
		if len(r.wire) < 2 {
			t.Fatal("a chunk was not answered")
		}
		r.wire = r.wire[1:2] // the answer
		r.deliver(r.wire[0])
		r.wire = r.wire[1:]
		if l := r.primary().Learners(); l[0].Ready {
			return
		}
	}
	t.Error("never ready")
}

// TestOldChunkAddsNothingToWhatCameWhole: the chunk was made before the session expired and was created anew.
func TestOldChunkAddsNothingToWhatCameWhole(t *testing.T) {
	r := newRig(t, 0, smallChunks)
	for _, id := range []string{"0", "s"} {
		c := create(id, "old", "1")
		c.Idle = time.Second
		r.must(c)
	}
	r.teach(3)
	for r.primary().follower(3).transfer.next < 2 {
		m := r.wire[0]
		r.wire = r.wire[1:]
		r.deliver(m)
	}
	late := r.wire[len(r.wire)-1]
	r.wire = nil
	r.pass(5 * time.Second)
	r.must(create("s", "new", "1"))
	r.deliver(late)
	r.run()
	if got, want := dump(r.slot(3)), dump(r.slot(1)); got != want {
		t.Errorf("learner has\n%swant\n%s", got, want)
	}
}

func TestChunkOfAnEarlierTransferIsRefused(t *testing.T) {
	r := newRig(t, 0, smallChunks)
	r.must(create("s"))
	r.must(create("t"))
	r.teach(3)
	late := r.wire[0]
	r.lose(0)
	r.step(1, func(s *Slot, fx *Effects) { s.Unteach(3, fx) })
	r.fill(3)
	r.deliver(late)
	if !r.slot(3).Learnt() {
		t.Error("the learner threw away what it held")
	}
	r.run()
}

func TestSmallestChunksComeToAnEnd(t *testing.T) {
	r := newRig(t, 0, smallChunks)
	for i := range uint64(3) {
		c := create("s")
		c.Create = i == 0
		c.Changes = []Change{{Name: "a"}}
		c.Request = RequestID{1, i + 1}
		r.must(c)
	}
	r.teach(3)
	for range 100 {
		if len(r.wire) == 0 {
			break
		}
		m := r.wire[0]
		r.wire = r.wire[1:]
		r.deliver(m)
	}
	if !r.slot(3).Learnt() || r.slot(3).requests.byID.len() != 3 {
		t.Errorf("learnt %v, %d requests", r.slot(3).Learnt(), r.slot(3).requests.byID.len())
	}
}

func TestSlowLearnerIsDropped(t *testing.T) {
	r := newRig(t, 1, func(c *Config) { c.Limits.TailMax = 8 })
	r.must(create("s"))
	r.teach(3)
	r.run()
	for i := range 20 {
		r.send(set("s", "n", fmt.Sprint(i)))
		r.lose(3)
		r.run()
	}
	if got := len(r.primary().Learners()); got != 0 {
		t.Errorf("%d learners", got)
	}
	if got := len(r.primary().tail.items); got != 0 {
		t.Errorf("%d entries kept for nobody", got)
	}
}

func TestOffersMergeAndDrop(t *testing.T) {
	r := newRig(t, 1, smallChunks)
	for i := range 5 {
		r.must(create(fmt.Sprint(i), "both", "old"))
	}
	r.must(destroy("4"))
	other := newRig(t, 0, smallChunks) // the other side of a split
	other.claim.Primary = 7
	for _, p := range r.slot(1).records.sorted() {
		other.slot(7).merge(r.now, &Part{Session: p.view()})
	}
	other.lead(7, nil)
	other.sleep(time.Second)
	other.must(set("0", "both", "new"))
	other.must(create("5"))
	other.must(destroy("1"))
	other.primary().lookup(key("4")).settle(&Session{
		Key: key("4"), Stamp: Stamp{1 << 60, 7}, Touched: Stamp{1 << 60, 7}, Settings: Settings{Deadline: testWall * 2},
	})

	r.nodes[7] = other.slot(7)
	r.step(7, func(s *Slot, fx *Effects) { s.Retire(r.claim, fx) })
	for range 100 {
		r.step(7, func(s *Slot, fx *Effects) { s.OfferNext(r.now, 1, uint64(r.now.Mono), fx) })
		r.run()
	}
	if got := r.slot(7); got.role != Absent || got.records.len() > 0 {
		t.Errorf("the holder is %v with %d sessions", got.role, got.records.len())
	}
	for id, want := range map[string]Status{"0": StatusOK, "1": StatusDestroyed, "2": StatusOK, "4": StatusDestroyed, "5": StatusOK} {
		r.wantStatus(r.read(&Load{Key: key(id)}), want)
	}
	if got, _ := r.load(&Load{Key: key("0")}).Session.Get("both"); string(got) != "new" {
		t.Errorf("got %q, want what was written later", got)
	}
	if got, want := dump(r.slot(2)), dump(r.slot(1)); got != want {
		t.Errorf("backup has\n%swant\n%s", got, want)
	}
}

func TestHolderForgetsWhileItOffers(t *testing.T) {
	r := newRig(t, 0, func(c *Config) { c.Limits.ChunkBytes = 1; c.Limits.LifetimeMax = time.Minute })
	r.must(create("0"))
	r.must(destroy("1"))
	r.must(create("2"))
	r.step(1, func(s *Slot, fx *Effects) { s.Retire(Claim{Epoch: 2, Primary: 7}, fx) })
	offer := func() {
		r.step(1, func(s *Slot, fx *Effects) { s.OfferNext(r.now, 7, 1, fx) })
	}
	offer()
	r.wire = nil
	r.pass(time.Second)
	r.slot(1).OfferReply(7, &OfferReply{Transfer: 1, Chunk: 0})
	r.pass(3 * time.Minute) // the tombstone is over, and so are the sessions
	offer()
	if m := r.wire[0].msg.(*Offer); len(m.Parts) != 0 || !m.Last {
		t.Errorf("offered %+v", m)
	}
	if got := r.slot(1).records.len(); got != 0 {
		t.Errorf("the holder keeps %d records that nobody takes", got)
	}
}

func TestOffersAreRefusedWithoutRoom(t *testing.T) {
	offer := func(n int) *Offer {
		m := &Offer{Transfer: 1, Last: true}
		for i := range n {
			st := Stamp{testWall << 16, 7}
			m.Parts = append(m.Parts, Part{Session: &Session{
				Key: key(fmt.Sprint(i)), Stamp: st, Touched: st, Settings: Settings{Deadline: testWall * 2},
			}})
		}
		return m
	}
	refused := func(r *rig, m *Offer) bool {
		r.wire = nil
		r.step(1, func(s *Slot, fx *Effects) { s.Offer(r.now, 7, m, fx) })
		for _, e := range r.wire {
			if reply, ok := e.msg.(*OfferReply); ok {
				return reply.Refused
			}
		}
		return false
	}
	r := newRig(t, 0, small)
	if refused(r, offer(12)) || !refused(newRig(t, 0, small), offer(13)) {
		t.Error("a slot of 12 takes 12 sessions and no more")
	}
	r = newRig(t, 1, small)
	for i := range 3 {
		r.send(create(fmt.Sprint(i)))
	}
	if !refused(r, offer(1)) {
		t.Error("a log that is half full takes an offer")
	}
	r = newRig(t, 1, nil)
	for i := range offersMax {
		if refused(r, offer(i+1)) {
			t.Fatalf("offer %d was refused", i)
		}
	}
	if !refused(r, offer(1)) {
		t.Errorf("more than %d offers wait", offersMax)
	}
}

func TestOfferIsConfirmedWhenTheBackupsHaveIt(t *testing.T) {
	r := newRig(t, 1, nil)
	st := Stamp{testWall << 16, 7}
	p := Part{Session: &Session{Key: key("s"), Stamp: st, Touched: st, Settings: Settings{Deadline: testWall * 2}}}
	r.step(1, func(s *Slot, fx *Effects) { s.Offer(r.now, 7, &Offer{Transfer: 1, Parts: []Part{p}, Last: true}, fx) })
	confirmed := func() bool {
		for _, m := range r.wire {
			if _, ok := m.msg.(*OfferReply); ok {
				return true
			}
		}
		return false
	}
	if confirmed() {
		t.Fatal("confirmed before the backup has it")
	}
	for range 2 { // the update and its acknowledgement
		m := r.wire[0]
		r.wire = r.wire[1:]
		r.deliver(m)
	}
	if !confirmed() {
		t.Error("not confirmed though the backup has it")
	}
}

// TestUnsoundMessages: what no honest member sends is left alone wherever it comes in.
func TestUnsoundMessages(t *testing.T) {
	sound := Session{Key: key("x"), Settings: Settings{Deadline: testWall * 2}}
	with := func(change func(*Session)) []Part {
		v := sound
		change(&v)
		return []Part{{Session: &v}}
	}
	for name, parts := range map[string][]Part{
		"no session":           {{}},
		"no such ending":       with(func(v *Session) { v.Ending = 7 }),
		"clock at its end":     with(func(v *Session) { v.Touched.Clock = 1 << 63 }),
		"stamped after touch":  with(func(v *Session) { v.Stamp.Clock = 5 }),
		"used in the far past": with(func(v *Session) { v.Accessed = neverAccessed }),
		"used in the future":   with(func(v *Session) { v.Accessed = forever }),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 1, nil)
			r.slot(2).Update(r.now, &Update{Epoch: 1, Entry: Entry{Seq: 1, Parts: parts}})
			r.slot(2).Update(r.now, &Update{Epoch: 1, Entry: Entry{Seq: 1}})
			r.slot(2).Absorb(r.now, []Entry{{Seq: 1, Parts: parts}, {Seq: 1}})
			r.step(1, func(s *Slot, fx *Effects) { s.Offer(r.now, 7, &Offer{Parts: parts}, fx) })
			r.step(3, func(s *Slot, fx *Effects) { s.Snapshot(r.now, 1, r.claim, &Snapshot{Transfer: 1, Parts: parts}, fx) })
			for b, s := range r.nodes {
				if s.records.len() > 0 || s.tail.head > 0 {
					t.Errorf("boot %v took it", b)
				}
			}
		})
	}
}

func TestRefusedHolderPauses(t *testing.T) {
	r := newRig(t, 0, nil)
	r.must(create("s"))
	r.step(1, func(s *Slot, fx *Effects) { s.Retire(Claim{Epoch: 2, Primary: 7}, fx) })
	sent := 0
	for id := range uint64(20) {
		r.sleep(50 * time.Millisecond)
		r.step(1, func(s *Slot, fx *Effects) { s.OfferNext(r.now, 7, id+1, fx) })
		for _, m := range r.wire {
			sent++
			o := m.msg.(*Offer)
			r.slot(1).OfferReply(7, &OfferReply{Transfer: o.Transfer, Chunk: o.Chunk, Refused: true})
		}
		r.wire = nil
	}
	if sent != 4 {
		t.Errorf("%d offers in a second, want 4", sent)
	}
}

// runBut delivers everything but the last entry sent to a boot.
func (r *rig) runBut(b Boot) {
	var held []mail
	if last := len(r.wire) - 1; last >= 0 {
		if _, ok := r.wire[last].msg.(*Update); ok && r.wire[last].to == b {
			held, r.wire = r.wire[last:], r.wire[:last:last]
		}
	}
	r.run()
	r.wire = append(r.wire, held...)
}

// TestFirstChunkIsSmall: a learner may refuse it, so little is sent in vain; the others are within their limit, unless
// one session is larger by itself, and whoever counts bytes is told of each, of what is sent again too.
func TestFirstChunkIsSmall(t *testing.T) {
	const limit = 20_000
	r := newRig(t, 0, func(c *Config) { c.Limits.ChunkBytes = limit })
	for i := range 40 {
		size := 3000
		if i == 7 {
			size = 50_000
		}
		r.must(create(fmt.Sprint(i), "a", string(make([]byte, size))))
	}
	r.primary().TeachMove(r.now, 3, 1)
	for i := 0; !r.slot(3).Learnt(); i++ {
		counted := 0
		r.step(1, func(s *Slot, fx *Effects) { counted = s.SendChunk(r.now, 3, fx) })
		m := r.wire[0].msg.(*Snapshot)
		size := chunkOverhead
		for _, p := range m.Parts {
			size += partSize(&p)
		}
		most := limit + chunkOverhead
		if i == 0 {
			most = firstChunkBytes + chunkOverhead
		}
		if size > most && len(m.Parts) > 1 || i == 0 && size > most || counted != size || !m.Move {
			t.Fatalf("chunk %d has %d sessions of %d bytes, counted %d, move %v", i, len(m.Parts), size, counted, m.Move)
		}
		r.wire = nil
		r.sleep(chunkAgain + 1)
		r.step(1, func(s *Slot, fx *Effects) { counted = s.SendChunk(r.now, 3, fx) })
		if len(r.wire) != 1 || counted != size {
			t.Fatalf("chunk %d again: %d messages, %d bytes, want %d", i, len(r.wire), counted, size)
		}
		r.step(3, func(s *Slot, fx *Effects) { s.Snapshot(r.now, 1, r.claim, m, fx) })
		for _, e := range r.wire {
			if reply, ok := e.msg.(*SnapshotReply); ok {
				var fx Effects
				r.primary().SnapshotReply(r.now, 3, reply, &fx)
			}
		}
		r.wire = nil
	}
	if got, want := dump(r.slot(3)), dump(r.slot(1)); got != want {
		t.Errorf("learner has\n%swant\n%s", got, want)
	}
}

// TestAssuredLearnerLacksNothing: chunks that bring nothing come between the others, also before the first.
func TestAssuredLearnerLacksNothing(t *testing.T) {
	r := newRig(t, 0, smallChunks)
	for i := range 5 {
		r.must(create(fmt.Sprint(i)))
	}
	r.primary().Teach(r.now, 3, 1)
	for i := range 12 {
		r.step(1, func(s *Slot, fx *Effects) {
			if i%2 == 0 {
				s.Assure(r.now, 3, fx)
			} else {
				s.SendChunk(r.now, 3, fx)
			}
		})
		for len(r.wire) > 0 {
			m := r.wire[0]
			r.wire = r.wire[1:]
			if reply, ok := m.msg.(*SnapshotReply); ok {
				var fx Effects
				r.primary().SnapshotReply(r.now, 3, reply, &fx)
				continue
			}
			r.deliver(m)
		}
	}
	if got, want := dump(r.slot(3)), dump(r.slot(1)); got != want || !r.slot(3).Learnt() {
		t.Errorf("learnt %v: learner has\n%swant\n%s", r.slot(3).Learnt(), got, want)
	}
	if left := r.primary().RemainingBytes(3); left != 0 {
		t.Errorf("%d bytes left", left)
	}
}
