package replica

import (
	"bytes"
	"fmt"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
	"unsafe"
)

// The sessions whose memory is measured are those of bench/peers: ten attributes, of 8 and nine times 112 bytes.
const (
	measuredSessions = 50_000
	measuredSlots    = 64
	measuredAttrs    = 10
)

// crowd is many slots of one role on one node, with memory of their own, as if all came over the network.
type crowd struct {
	slots []*Slot
	ids   []string
	now   Instant
	heads []uint64
	seq   uint64
	fx    Effects
}

func newCrowd(b *testing.B, role Role, sessions int) *crowd {
	limits := Limits{SessionsMax: 1 << 30, RequestsMax: 1 << 30}.WithDefaults()
	cfg := &Config{Slots: measuredSlots, MinCopies: 1, Limits: limits, Clock: &Clock{Boot: 1}}
	c := &crowd{now: Instant{Mono: time.Hour, Wall: testWall}, heads: make([]uint64, measuredSlots)}
	for i := range uint32(measuredSlots) {
		s := NewSlot(i, cfg)
		if role == Primary {
			s.Lead(c.now, Claim{Slot: i, Epoch: 1, Primary: 1}, nil, &c.fx)
		} else {
			s.Follow(Claim{Slot: i, Epoch: 1, Primary: 2, Backups: []Boot{1}}, &c.fx)
		}
		c.slots = append(c.slots, s)
	}
	for i := range sessions {
		c.ids = append(c.ids, fmt.Sprintf("tag%03x.%022d", i%4096, i))
		if i%200 == 0 {
			c.sleep(10 * time.Millisecond)
		}
		c.write(b, i, 0, measuredAttrs, true)
	}
	return c
}

// write sets the attributes from one to another.
func (c *crowd) write(b *testing.B, session, from, to int, creates bool) {
	id := c.ids[session]
	s := c.slots[SlotOf(id, measuredSlots)]
	c.seq++
	commit := ownedCommit(id, from, to)
	commit.Create, commit.Request, commit.NotAfter = creates, RequestID{1, c.seq}, c.now.Wall+5_000
	if s.role == Primary {
		s.Commit(c.now, 1, commit, &c.fx)
		if err := c.fx.Done[0].Result.Err(); err != nil {
			b.Fatal(err)
		}
		c.fx.Reset()
		return
	}
	p := s.partial(c.now, commit, s.cfg.Clock.Next(c.now.Wall))
	c.heads[s.num]++
	s.Update(c.now, &Update{Epoch: 1, Committed: c.heads[s.num], Entry: Entry{
		Seq: c.heads[s.num], Request: commit.Request, NotAfter: commit.NotAfter, Parts: []Part{p},
	}})
	s.FlushAck(&c.fx)
	c.fx.Reset()
}

// ownedCommit has its texts and values in one block, as package wire reads it.
func ownedCommit(id string, from, to int) *Commit {
	block := append(make([]byte, 0, 2048), testApp+id...)
	for i := from; i < to; i++ {
		block = append(fmt.Appendf(block, "a%d", i), make([]byte, measuredSize(i))...)
	}
	block = bytes.Clone(block)
	text := unsafe.String(unsafe.SliceData(block), len(block))
	c := &Commit{Key: Key{text[:len(testApp)], text[len(testApp):][:len(id)]}, Idle: 30 * time.Minute}
	at := len(testApp) + len(id)
	for i := from; i < to; i++ {
		end := at + 2 + measuredSize(i)
		c.Changes = append(c.Changes, Change{Name: text[at : at+2], Value: block[at+2 : end : end]})
		at = end
	}
	return c
}

func measuredSize(attribute int) int {
	if attribute == 0 {
		return 8
	}
	return 112
}

// sleep lets time pass, with a tick of every slot each 10 ms of the first second and each second from then on.
func (c *crowd) sleep(d time.Duration) {
	for d > 0 {
		step := min(d, 10*time.Millisecond)
		if d > time.Second {
			step = time.Second
		}
		d -= step
		c.now.Mono += step
		c.now.Wall += step.Milliseconds()
		for _, s := range c.slots {
			s.Tick(c.now, &c.fx)
		}
		c.fx.Reset()
	}
}

// onHeap is what the process has on its heap.
type onHeap struct{ bytes, objects, scanned uint64 }

func liveHeap() onHeap {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	scan := []metrics.Sample{{Name: "/gc/scan/heap:bytes"}}
	metrics.Read(scan)
	return onHeap{m.HeapAlloc, m.HeapObjects, scan[0].Value.Uint64()}
}

func (h onHeap) report(b *testing.B, before onHeap, sessions int) {
	per := func(now, then uint64) float64 { return (float64(now) - float64(then)) / float64(sessions) }
	b.ReportMetric(per(h.bytes, before.bytes), "B/session")
	b.ReportMetric(per(h.objects, before.objects), "objects/session")
	b.ReportMetric(per(h.scanned, before.scanned), "scanned-B/session")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkMemory is what a session of 1 KiB takes of a node's heap: just created, when nobody has used it for a minute, and
// the same after each attribute was written once more.
func BenchmarkMemory(b *testing.B) {
	for _, role := range []Role{Primary, Backup} {
		name := map[Role]string{Primary: "primary", Backup: "backup"}[role]
		for _, state := range []string{"created", "unused", "rewritten"} {
			b.Run(name+"/"+state, func(b *testing.B) {
				for range b.N {
					measureMemory(b, role, state)
				}
			})
		}
	}
}

func measureMemory(b *testing.B, role Role, state string) {
	before := liveHeap()
	c := newCrowd(b, role, measuredSessions)
	if state == "rewritten" {
		for i := range measuredAttrs * measuredSessions {
			c.write(b, i%measuredSessions, i/measuredSessions%measuredAttrs, i/measuredSessions%measuredAttrs+1, false)
			if i%2000 == 0 {
				c.sleep(10 * time.Millisecond)
			}
		}
	}
	if state != "created" {
		c.sleep(time.Minute)
	}
	c.ids = nil
	liveHeap().report(b, before, measuredSessions)
	runtime.KeepAlive(c)
}

// BenchmarkGarbage has a node that holds a million sessions of 1 KiB work for some seconds, with commits to ten
// thousand of them in turn, and says how long collections stopped it and what part of its processor time they took.
func BenchmarkGarbage(b *testing.B) {
	const sessions = 1_000_000
	c := newCrowd(b, Primary, sessions)
	c.sleep(time.Minute)
	for range b.N {
		before := readCollections()
		began, cycles := time.Now(), before.cycles
		for i := 0; time.Since(began) < 10*time.Second || cycles < before.cycles+2; i++ {
			c.write(b, i%10_000*97, i%measuredAttrs, i%measuredAttrs+1, false)
			if i%100 == 0 {
				c.sleep(10 * time.Millisecond)
				cycles = readCollections().cycles
			}
		}
		after := readCollections()
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(after.cycles-before.cycles), "collections")
		b.ReportMetric(after.pauseP99(before)*1e6, "pause-p99-µs")
		b.ReportMetric(100*(after.cpu-before.cpu)/(after.all-before.all), "%gc-cpu")
	}
	b.ReportMetric(float64(liveHeap().bytes)/sessions, "B/session")
	runtime.KeepAlive(c)
}

// collections is what the runtime says of its collections of garbage so far.
type collections struct {
	cycles   uint64
	cpu, all float64 // seconds of processor time: of collecting, and of everything but idling
	pauses   *metrics.Float64Histogram
}

func readCollections() collections {
	s := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/cpu/classes/gc/total:cpu-seconds"},
		{Name: "/cpu/classes/user:cpu-seconds"}, {Name: "/sched/pauses/total/gc:seconds"},
	}
	metrics.Read(s)
	gc, user := s[1].Value.Float64(), s[2].Value.Float64()
	return collections{s[0].Value.Uint64(), gc, gc + user, s[3].Value.Float64Histogram()}
}

// pauseP99 is the upper end of the bucket that the 99th percentile of the pauses since before falls into, in seconds.
func (c collections) pauseP99(before collections) float64 {
	total, seen := uint64(0), uint64(0)
	for i, n := range c.pauses.Counts {
		total += n - before.pauses.Counts[i]
	}
	for i, n := range c.pauses.Counts {
		if seen += n - before.pauses.Counts[i]; seen*100 >= total*99 {
			return c.pauses.Buckets[i+1]
		}
	}
	return 0
}
