package replica

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// checkMemory compares what is counted with what is there.
func checkMemory(s *Slot) error {
	want := 0
	for r := range s.records.all() {
		key, v := r.key(), r.view()
		want += recordBytes + len(key.App) + len(key.ID) + v.weight()
	}
	if s.bytes != want {
		return fmt.Errorf("the slot counts %d bytes of records, has %d", s.bytes, want)
	}
	if m := s.cfg.Memory; m != nil && m.records != want {
		return fmt.Errorf("the node counts %d bytes of records, has %d", m.records, want)
	}
	return nil
}

// withMemory gives each replica of a rig a count of its own.
func withMemory(hard int) func(*Config) { return func(c *Config) { c.Memory = &Memory{Hard: hard} } }

func TestFullNodeRefusesGrowthAndServesTheRest(t *testing.T) {
	r := newRig(t, 0, withMemory(1<<20))
	m := r.cfg.Memory
	r.must(create("s", "a", "12345678"))
	r.must(create("t", "a", "x"))
	m.Hard = m.Used() + 1
	r.must(set("s", "a", "123456789")) // at the mark: one byte is left
	if m.Used() != m.Hard {
		t.Fatalf("%d bytes taken, want all %d", m.Used(), m.Hard)
	}
	for what, c := range map[string]*Commit{
		"create": create("new"), "growth": set("s", "a", "1234567890"), "another attribute": set("s", "b", ""),
		"renewal": {Key: key("s"), Renew: "s2"}, "unknown end": destroy("unknown"),
	} {
		if res := r.commit(c); res.Status != StatusOverCapacity || !strings.Contains(res.Detail, "add memory or a node") {
			t.Errorf("%s past the mark: %v %q, want ErrOverCapacity and what to do", what, res.Status, res.Detail)
		}
	}
	if res := r.load(&Load{Key: key("s")}); res.Status != StatusOK {
		t.Errorf("load: %v", res.Status)
	}
	r.must(set("s", "a", "987654321")) // no larger
	r.must(set("s", "a", "1"))
	if res := r.commit(create("new")); res.Status != StatusOK {
		t.Errorf("create after a session became smaller: %v", res.Status)
	}
	r.must(destroy("t"))
	m.Hard = m.Used()
	r.must(destroy("s")) // a logout needs no room
	if m.Used() >= m.Hard {
		t.Error("the end of a session freed nothing")
	}
}

func TestMemoryIsCountedExactly(t *testing.T) {
	r := newRig(t, 0, withMemory(0))
	s, value := r.primary(), strings.Repeat("v", 100)
	for i := range 50 {
		id := fmt.Sprint("s", i)
		r.must(&Commit{Key: key(id), Create: true, Idle: time.Minute, Changes: []Change{{Name: "a", Value: []byte(value)}}})
		switch i % 4 {
		case 1:
			r.must(set(id, "b", value))
		case 2:
			r.must(destroy(id))
		case 3:
			r.must(&Commit{Key: key(id), Renew: id + "-new"})
		}
		if err := checkMemory(s); err != nil {
			t.Fatalf("session %d: %v", i, err)
		}
	}
	before := s.bytes
	r.pass(3 * time.Minute)
	if err := checkMemory(s); err != nil {
		t.Fatal(err)
	}
	if s.bytes >= before {
		t.Errorf("%d bytes when all have expired, %d before", s.bytes, before)
	}
	s.forget(s.records.find(key("s0")))
	if err := checkMemory(s); err != nil {
		t.Fatalf("after a record was forgotten: %v", err)
	}
	s.Drop()
	if s.bytes != 0 || r.cfg.Memory.records != 0 {
		t.Errorf("%d bytes of nothing, %d of the node", s.bytes, r.cfg.Memory.records)
	}
}

// What is counted is the heap in use, by a factor of two at most either way, whatever sessions look like.
func TestMemoryCountedIsTheHeapInUse(t *testing.T) {
	const bytesEach = 16 << 20
	for _, shape := range []struct{ attrs, bytes int }{{0, 0}, {1, 8}, {4, 64}, {16, 200}, {1, 4096}, {2, 65536}} {
		t.Run(fmt.Sprintf("%dx%d", shape.attrs, shape.bytes), func(t *testing.T) {
			memory := &Memory{}
			limits := Limits{SessionsMax: 1 << 20, RequestsMax: 1 << 20}.WithDefaults()
			s := NewSlot(0, &Config{Slots: 1, MinCopies: 1, Limits: limits, Clock: &Clock{Boot: 1}, Memory: memory})
			now, fx := Instant{Mono: time.Hour, Wall: testWall}, &Effects{}
			s.Lead(now, Claim{Epoch: 1, Primary: 1}, nil, fx)
			before := heapInUse()
			for i := 0; memory.Used() < bytesEach; i++ {
				c := &Commit{Key: key(fmt.Sprintf("session-%020d", i)), Create: true, Request: RequestID{1, uint64(i)}, NotAfter: testWall + 1000}
				for a := range shape.attrs {
					c.Changes = append(c.Changes, Change{Name: fmt.Sprint("attribute-", a), Value: make([]byte, shape.bytes)})
				}
				s.Commit(now, Token(i+1), c, fx)
				fx.Reset()
				if i%100 == 0 {
					_, rest := s.Memory()
					memory.Count(rest)
				}
			}
			_, rest := s.Memory()
			memory.Count(rest)
			used, sessions := heapInUse()-before, s.records.len()
			t.Logf("%d sessions: %d KiB counted, %d KiB of heap", sessions, memory.Used()>>10, used>>10)
			if ratio := float64(memory.Used()) / float64(used); ratio < 0.5 || ratio > 2 {
				t.Errorf("counted is %.2f times the heap in use", ratio)
			}
			runtime.KeepAlive(s)
		})
	}
}

func heapInUse() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
