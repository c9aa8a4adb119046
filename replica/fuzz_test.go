package replica

import (
	"fmt"
	"testing"
	"time"
)

// script reads a fuzzer's bytes as a series of choices; at its end every choice is zero.
type script []byte

func (s *script) next(n int) int {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return int(b) % n
}

// extreme is a number at which arithmetic goes wrong, if it does anywhere.
func (s *script) extreme() uint64 {
	return []uint64{0, 1, 2, 3, 1 << 20, 1<<63 - 1, 1 << 63, 1<<64 - 1, testWall, testWall << 16}[s.next(10)]
}

func (s *script) stamp() Stamp { return Stamp{s.extreme(), Boot(s.next(3))} }

func (s *script) key() Key { return key(fmt.Sprint(s.next(4))) }

func (s *script) attrs() []*Attr {
	var attrs []*Attr
	for i := range s.next(4) {
		attrs = append(attrs, &Attr{Name: fmt.Sprint(i), Stamp: s.stamp(), Deleted: s.next(2) == 0})
	}
	return attrs
}

func (s *script) parts() []Part {
	var parts []Part
	for range s.next(4) {
		p := Part{Base: s.stamp()}
		if s.next(8) > 0 {
			p.Session = &Session{
				Key: s.key(), Stamp: s.stamp(), Touched: s.stamp(), Born: s.stamp(), Accessed: time.Duration(s.extreme()),
				Settings: Settings{time.Duration(s.extreme()), int64(s.extreme()), s.stamp()},
				Ending:   Ending(s.next(4)), Until: int64(s.extreme()), Attrs: s.attrs(),
			}
		}
		parts = append(parts, p)
	}
	return parts
}

func (s *script) requests() []RememberedRequest {
	var all []RememberedRequest
	for range s.next(4) {
		all = append(all, RememberedRequest{
			Request: RequestID{1, s.extreme()}, NotAfter: int64(s.extreme()), Key: s.key(), Stamp: s.stamp(), Over: s.attrs(),
		})
	}
	return all
}

func (s *script) seq(near uint64) uint64 {
	if s.next(4) == 0 {
		return s.extreme()
	}
	return near + uint64(s.next(4)) - 1
}

func (s *script) entry(near uint64) Entry {
	return Entry{s.seq(near), RequestID{1, s.extreme()}, int64(s.extreme()), s.parts(), nil}
}

// message is anything that a member may send to a replica, however wrong.
func (s *script) message(to *Slot) Message {
	head := to.tail.head
	switch s.next(8) {
	case 0:
		return &Ack{Epoch: to.claim.Epoch, Head: s.seq(head), Gap: s.next(2) == 0, Whole: s.next(2) == 0}
	case 1:
		return &Snapshot{
			Transfer: uint64(s.next(3)), Chunk: uint32(s.next(3)), Seq: s.seq(head), Parts: s.parts(), Requests: s.requests(),
			Last: s.next(2) == 0,
		}
	case 2:
		return &SnapshotReply{Transfer: uint64(s.next(3)), Chunk: uint32(s.extreme()), Refused: s.next(3) == 0}
	case 3:
		return &Offer{Transfer: s.extreme(), Parts: s.parts(), Requests: s.requests(), Last: s.next(2) == 0}
	case 4:
		return &OfferReply{Transfer: uint64(s.next(3)), Chunk: uint32(s.next(3)), Refused: s.next(3) == 0}
	}
	return &Update{Epoch: to.claim.Epoch, Committed: s.seq(head), Entry: s.entry(head + 1)}
}

func (s *script) commit() *Commit {
	c := &Commit{
		Key: s.key(), Create: s.next(3) == 0, Destroy: s.next(6) == 0, Configure: s.next(4) == 0,
		Durability: Durability(s.next(4)), NotAfter: testWall + int64(s.next(250))*1000 - 60_000,
		Request: RequestID{uint64(s.next(2)), uint64(s.next(9))},
	}
	if s.next(4) == 0 {
		c.Renew = fmt.Sprint(s.next(9))
	}
	if s.next(6) == 0 {
		c.If = s.stamp()
	}
	if s.next(3) == 0 {
		c.Idle, c.Lifetime = time.Duration(s.extreme()), time.Duration(s.extreme())
	}
	for range s.next(4) {
		c.Changes = append(c.Changes, Change{Name: fmt.Sprint(s.next(4)), Delete: s.next(4) == 0})
	}
	return c
}

// FuzzCommit lets clients ask for anything of a primary with two backups: nothing panics, invariants hold, and every
// request is answered once in the end.
func FuzzCommit(f *testing.F) {
	f.Add([]byte{1})
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Add([]byte{0, 0, 0, 1, 3, 0, 100, 1, 1, 1, 1, 0, 0, 1, 2, 0, 9, 1, 0, 0, 0, 200, 5, 5, 0, 0, 0, 1, 3, 0, 100})
	f.Fuzz(func(t *testing.T, data []byte) {
		s := script(data)
		r := newRig(t, s.next(3), small)
		for len(s) > 0 {
			switch s.next(8) {
			case 0:
				r.read(&Load{Key: s.key(), Peek: s.next(2) == 0})
			case 1:
				r.sleep(time.Duration(s.next(200)) * 100 * time.Millisecond)
				r.tick()
			case 2:
				r.now.Wall += int64(s.next(3)-1) * 3_600_000
			case 3, 4:
				r.run()
			default:
				r.send(s.commit())
			}
			checkAll(t, r)
		}
		r.run()
		for token := range r.token {
			r.result(token + 1)
		}
		for b := range r.nodes {
			if got, want := dump(r.slot(b)), dump(r.slot(1)); got != want && r.slot(b).records.len() == r.slot(1).records.len() {
				t.Errorf("boot %v has\n%swant\n%s", b, got, want)
			}
		}
	})
}

// FuzzUpdate sends anything to a slot in any role, as no honest member would: nothing panics and invariants hold.
func FuzzUpdate(f *testing.F) {
	f.Add([]byte{0, 7, 1, 1, 1, 0})
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"))
	for role := range byte(5) {
		f.Add(append([]byte{role}, []byte("7777777654321098765432109876543210!!!!7777777766665555444433332222111100000")...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := script(data)
		r := newRig(t, 1, small)
		r.commit(create("0", "a", "1"))
		r.commit(destroy("1"))
		b := [...]Boot{1, 2, 3, 1, 3}[s.next(5)]
		if len(data)%2 == 1 {
			r.step(b, func(slot *Slot, fx *Effects) { slot.Retire(r.claim, fx) })
		}
		for len(s) > 0 {
			switch s.next(8) {
			case 0:
				r.sleep(time.Duration(s.next(200)) * 100 * time.Millisecond)
				r.step(b, func(slot *Slot, fx *Effects) { slot.Tick(r.now, fx) })
			case 1:
				r.step(b, func(slot *Slot, fx *Effects) {
					slot.Teach(r.now, 4, 1)
					slot.SendChunk(r.now, 4, fx)
					slot.OfferNext(r.now, 1, 1, fx)
				})
			case 2:
				r.slot(b).Absorb(r.now, []Entry{s.entry(r.slot(b).tail.head + 1)})
				r.slot(b).Tail(Position{Seq: s.extreme()})
			default:
				r.deliver(mail{Boot(s.next(4) + 1), b, s.message(r.slot(b))})
			}
			r.wire = nil
			checkAll(t, r)
		}
	})
}

func checkAll(t *testing.T, r *rig) {
	t.Helper()
	for b, s := range r.nodes {
		if err := check(s); err != nil {
			t.Fatalf("boot %v: %v", b, err)
		}
	}
}
