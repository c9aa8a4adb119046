package node

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/ring"
	"github.com/sessnode/sessnode/wire"
)

// Bounds of what one fuzz input may cost.
const (
	fuzzFramesMax = 2000 // delivered
	fuzzQueueMax  = 400  // on their way; the oldest are lost
)

// fuzzed is a cluster of three cores whose frames the input changes, loses, repeats and invents.
type fuzzed struct {
	t      *testing.T
	now    replica.Instant
	cores  map[replica.Boot]*failover.Core
	queue  []fuzzedFrame
	token  replica.Token
	input  []byte
	frames int
}

type fuzzedFrame struct {
	from, to replica.Boot
	bytes    []byte
}

func newFuzzed(t *testing.T, input []byte) *fuzzed {
	f := &fuzzed{t: t, now: replica.Instant{Mono: time.Hour, Wall: 1_772_366_400_000}, cores: map[replica.Boot]*failover.Core{}, input: input}
	members := []replica.Member{{Boot: 1, Name: "a", Addr: "a:1"}, {Boot: 2, Name: "b", Addr: "b:1"}, {Boot: 3, Name: "c", Addr: "c:1"}}
	home, err := ring.Compute(ring.Config{Slots: 4, Backups: 1}, []ring.Member{{Name: "a"}, {Name: "b"}, {Name: "c"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range members {
		c := failover.New(failover.Config{
			Self: m, Slots: 4, Backups: 1, Expect: 3, Limits: replica.Limits{SessionsMax: 50, RequestsMax: 50, TailMax: 20},
			MemoryBytes: 1 << 20, Random: rand.New(rand.NewPCG(1, uint64(i))),
		}, f.now)
		c.SetMembers(f.now, append(members[:i:i], members[i+1:]...))
		c.SetHome(home)
		c.Belong(f.now, 7)
		f.cores[m.Boot] = c
	}
	for range 60 { // until slots are claimed, undisturbed
		f.tick(50 * time.Millisecond)
		for len(f.queue) > 0 {
			f.deliver(nil)
		}
	}
	return f
}

// next takes a byte of the input, zero when there is none left.
func (f *fuzzed) next() byte {
	if len(f.input) == 0 {
		return 0
	}
	b := f.input[0]
	f.input = f.input[1:]
	return b
}

func (f *fuzzed) boot() replica.Boot { return replica.Boot(1 + f.next()%3) }

// step has one core do something, and puts what it sends on its way.
func (f *fuzzed) step(boot replica.Boot, do func(c *failover.Core, fx *replica.Effects)) {
	fx := &replica.Effects{}
	do(f.cores[boot], fx)
	f.cores[boot].FlushAcks(fx)
	for _, e := range fx.Send {
		if f.cores[e.To] != nil && e.To != boot {
			f.queue = append(f.queue, fuzzedFrame{boot, e.To, wire.AppendMessage(nil, e.Msg, f.now.Mono)})
		}
	}
	if n := len(f.queue) - fuzzQueueMax; n > 0 {
		f.queue = f.queue[n:]
	}
}

func (f *fuzzed) tick(d time.Duration) {
	f.now.Mono += d
	f.now.Wall += d.Milliseconds()
	for b := range replica.Boot(3) {
		f.step(b+1, func(c *failover.Core, fx *replica.Effects) { c.Tick(f.now, fx) })
	}
}

// deliver hands the first frame over, changed as told.
func (f *fuzzed) deliver(change func(b []byte) []byte) {
	if len(f.queue) == 0 {
		return
	}
	first := f.queue[0]
	f.queue = f.queue[1:]
	if change != nil {
		first.bytes = change(first.bytes)
	}
	f.receive(first)
}

// receive does what a node does with a frame of another.
func (f *fuzzed) receive(in fuzzedFrame) {
	f.frames++
	frame, _, err := wire.ParseFrame(in.bytes, 1<<20)
	if err != nil {
		return
	}
	m, err := wire.Decode(frame, f.now.Mono)
	if err != nil || m == nil {
		return
	}
	f.step(in.to, func(c *failover.Core, fx *replica.Effects) {
		if r, ok := m.(*replica.Request); ok {
			f.ask(c, r, fx)
			return
		}
		c.Receive(f.now, in.from, m, fx)
	})
}

func (f *fuzzed) ask(c *failover.Core, m *replica.Request, fx *replica.Effects) {
	if m.Validate(4) != nil {
		return
	}
	f.token++
	c.Request(f.now, m.SlotOf(4), f.token, m, fx)
}

// commit is a request that an honest client could make.
func (f *fuzzed) commit() *replica.Commit {
	c := &replica.Commit{
		Key:     replica.Key{App: "shop", ID: fmt.Sprintf("tagtag.%022d", f.next()%8)},
		Request: replica.RequestID{Client: 1, Seq: uint64(f.next())}, NotAfter: f.now.Wall + 5_000,
	}
	switch f.next() % 4 {
	case 0:
		c.Create = true
	case 1:
		c.Destroy = true
		return c
	}
	c.Changes = []replica.Change{{Name: fmt.Sprint("a", f.next()%4), Value: make([]byte, f.next())}}
	return c
}

// FuzzFrames feeds nodes sequences of frames, honest, damaged and invented: nothing panics, and in the end what is left of the
// cluster goes on when it is let alone.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 5, 6, 1, 0, 0, 1, 2, 3, 4, 0, 0, 2, 7, 1, 0})
	f.Add([]byte("3\x00\x01\x21aaaaaaaaaaaaaaaa4\x01\x02\x29bbbbbbbbbbbbbb"))
	f.Fuzz(func(t *testing.T, input []byte) {
		w := newFuzzed(t, input)
		for len(w.input) > 0 && w.frames < fuzzFramesMax {
			switch w.next() % 8 {
			case 0:
				w.tick(time.Duration(1+w.next()) * 2 * time.Millisecond)
			case 1:
				c := w.commit()
				w.step(w.boot(), func(core *failover.Core, fx *replica.Effects) { w.ask(core, &replica.Request{Commit: c}, fx) })
			case 2: // damaged
				at, with := int(w.next()), w.next()
				w.deliver(func(b []byte) []byte {
					b[at%len(b)] ^= with
					return b
				})
			case 3: // invented
				kind, size := uint64(w.next()), min(int(w.next()), len(w.input))
				payload := w.input[:size]
				w.input = w.input[size:]
				frame := binary.AppendUvarint(binary.AppendUvarint(nil, kind), uint64(size))
				w.receive(fuzzedFrame{w.boot(), w.boot(), append(frame, payload...)})
			case 4: // repeated
				if len(w.queue) > 0 {
					w.queue = append(w.queue, w.queue[0])
				}
			case 5: // lost
				w.queue = w.queue[:max(0, len(w.queue)-1)]
			default:
				w.deliver(nil)
			}
		}
	})
}
