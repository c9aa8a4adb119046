package replica

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"
)

// benchmarkSlot is a primary with so many backups and 1,000 sessions of ten attributes of 50 bytes.
func benchmarkSlot(b *testing.B, backups int) (*rig, []Key) {
	r := newRig(b, backups, nil)
	keys := make([]Key, 1000)
	for i := range keys {
		keys[i] = createTen(r, fmt.Sprint("session-", i), 50)
	}
	return r, keys
}

// createTen creates a session of ten attributes, of so many bytes each.
func createTen(r *rig, id string, sizeBytes int) Key {
	c := create(id)
	for a := range 10 {
		c.Changes = append(c.Changes, Change{Name: fmt.Sprint("attribute-", a), Value: make([]byte, sizeBytes)})
	}
	c.Idle = time.Hour
	r.must(c)
	return c.Key
}

// BenchmarkCommit sets one attribute of ten at a primary whose one backup acknowledges each commit at once.
func BenchmarkCommit(b *testing.B) {
	r, keys := benchmarkSlot(b, 1)
	s := r.primary()
	var fx Effects
	c := &Commit{Changes: []Change{{Name: "attribute-5", Value: make([]byte, 50)}}}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.sleep(time.Millisecond)
		c.Key, c.NotAfter, c.Request = keys[i%len(keys)], r.now.Wall+5_000, RequestID{1, uint64(i + 1)}
		s.Commit(r.now, Token(i), c, &fx)
		s.Ack(r.now, 2, &Ack{Epoch: 1, Head: s.tail.head}, &fx)
		if len(fx.Done) != 1 || fx.Done[0].Result.Copies != 2 {
			b.Fatalf("answers: %+v", fx.Done)
		}
		fx.Reset()
		if i%50 == 0 {
			s.Tick(r.now, &fx)
		}
	}
}

// BenchmarkCommitPipelined is the same with 256 commits under way.
func BenchmarkCommitPipelined(b *testing.B) {
	r, keys := benchmarkSlot(b, 1)
	s := r.primary()
	var fx Effects
	c := &Commit{Changes: []Change{{Name: "attribute-5", Value: make([]byte, 50)}}}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%16 == 0 {
			r.sleep(time.Millisecond)
			s.Tick(r.now, &fx)
			fx.Reset()
		}
		c.Key, c.NotAfter, c.Request = keys[i%len(keys)], r.now.Wall+1_000, RequestID{1, uint64(i + 1)}
		s.Commit(r.now, Token(i), c, &fx)
		if head := s.tail.head; i%16 == 15 && head > 256 {
			s.Ack(r.now, 2, &Ack{Epoch: 1, Head: head - 256}, &fx)
		}
	}
}

// BenchmarkLoad reads a session whose stamp the asker does not know.
func BenchmarkLoad(b *testing.B) {
	r, keys := benchmarkSlot(b, 1)
	s := r.primary()
	var fx Effects
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Load(r.now, Token(i), &Load{Key: keys[i%len(keys)]}, &fx)
		if fx.Done[0].Result.Session == nil {
			b.Fatalf("answers: %+v", fx.Done)
		}
		fx.Reset()
	}
}

// BenchmarkBackupUpdate applies one attribute of ten at a backup and acknowledges it.
func BenchmarkBackupUpdate(b *testing.B) {
	r, keys := benchmarkSlot(b, 1)
	s := r.slot(2)
	var fx Effects
	head, clock := s.tail.head, r.primary().cfg.Clock
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.sleep(time.Millisecond)
		stamp := clock.Next(r.now.Wall)
		head++
		u := &Update{Epoch: 1, Committed: head - 1, Entry: Entry{
			Seq: head, Request: RequestID{1, uint64(i + 1)}, NotAfter: r.now.Wall + 5_000,
			Parts: []Part{{Base: Stamp{1, 1}, Session: &Session{
				Key: keys[i%len(keys)], Stamp: stamp, Touched: stamp, Accessed: r.now.Mono,
				Attrs: []*Attr{{Name: "attribute-5", Value: make([]byte, 50), Stamp: stamp}},
			}}},
		}}
		s.Update(r.now, u)
		s.FlushAck(&fx)
		if len(fx.Send) != 1 || fx.Send[0].Msg.(*Ack).Head != head {
			b.Fatalf("sent %+v", fx.Send)
		}
		fx.Reset()
		if i%50 == 0 {
			s.Tick(r.now, &fx)
		}
	}
}

// BenchmarkWorkingSet is what a cluster of a primary and a backup does for a request that reads a session and changes one of its
// attributes, with as many sessions and requests remembered as no cache of a processor holds: 10,000 sessions of 4 KiB, used in
// no order, 25,000 times a second.
func BenchmarkWorkingSet(b *testing.B) {
	const slots, sessions, rate = 1000, 10, 25_000
	var rigs [slots]*rig
	var keys []Key
	random := rand.New(rand.NewPCG(1, 2))
	for i := range slots * sessions {
		if i < slots {
			rigs[i] = newRig(b, 1, nil)
		}
		keys = append(keys, createTen(rigs[i%slots], fmt.Sprintf("session-%d-%x", i, random.Uint64()), 400))
	}
	names := [10]string{}
	for a := range names {
		names[a] = fmt.Sprint("attribute-", a)
	}
	now := rigs[0].now
	var fx Effects
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now.Mono = rigs[0].now.Mono + time.Duration(i)*time.Second/rate
		now.Wall = rigs[0].now.Wall + int64(i)*1000/rate
		rigs[i%slots].primary().Tick(now, &fx) // 25 times a second
		rigs[i%slots].slot(2).Tick(now, &fx)
		fx.Reset()
		n := random.IntN(len(keys))
		s, backup := rigs[n%slots].primary(), rigs[n%slots].slot(2)
		s.Load(now, Token(i), &Load{Key: keys[n]}, &fx)
		name := names[i%len(names)]
		if v, ok := fx.Done[0].Result.Session.Get(name); !ok || v[0] != 0 {
			b.Fatal("no attribute")
		}
		s.Commit(now, Token(i), &Commit{
			Key: keys[n], NotAfter: now.Wall + 3_000, Request: RequestID{1, uint64(i + 1)},
			Changes: []Change{{Name: names[(i+1)%len(names)], Value: make([]byte, 64)}},
		}, &fx)
		for _, e := range fx.Send {
			backup.Update(now, sent(e.Msg.(*Update)))
		}
		n = len(fx.Send)
		backup.FlushAck(&fx)
		s.Ack(now, 2, fx.Send[n].Msg.(*Ack), &fx)
		if len(fx.Done) != 2 || fx.Done[1].Result.Copies != 2 {
			b.Fatalf("answers: %+v", fx.Done)
		}
		fx.Reset()
	}
	began := readCollections()
	runtime.GC()
	b.ReportMetric((readCollections().cpu-began.cpu)*1e3, "collection-cpu-ms")
	runtime.KeepAlive(rigs)
}

// sent is an update as it reaches a backup: in memory of its own.
func sent(u *Update) *Update {
	own, part := *u, *u.Entry.Parts[0].Session
	part.Attrs = nil
	for _, a := range u.Entry.Parts[0].Session.Attrs {
		attr := *a
		attr.Name = strings.Clone(attr.Name)
		part.Attrs = append(part.Attrs, &attr)
	}
	own.Entry.Parts = []Part{{Base: u.Entry.Parts[0].Base, Session: &part}}
	return &own
}
