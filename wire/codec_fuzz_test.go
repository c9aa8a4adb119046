package wire

import (
	"errors"
	"runtime"
	"testing"
)

// allocatedMax is how many bytes Decode may allocate per byte of payload: a message's smallest element, the zero claim,
// is one byte on the wire and 56 in memory.
const allocatedMax = 64

// FuzzDecode checks that whatever arrives is refused or says something: what was decoded is encoded and decoded to the
// same, and takes memory in proportion to the payload.
func FuzzDecode(f *testing.F) {
	for _, s := range samples() {
		frame := encode(f, s.message, sampleNow)
		f.Add(frame.Type, frame.Payload)
	}
	f.Fuzz(func(t *testing.T, frameType uint64, payload []byte) {
		first, err := Decode(Frame{frameType, payload}, sampleNow)
		switch {
		case err != nil && (first != nil || !errors.Is(err, ErrMalformed)):
			t.Fatalf("message %v with error %v", first, err)
		case err != nil:
			return
		case first == nil:
			if name, known := typeNames[frameType]; known {
				t.Fatalf("no message and no error for %s", name)
			}
			return
		}
		second, err := Decode(encode(t, first, sampleNow), sampleNow)
		if err != nil {
			t.Fatalf("decode again: %v", err)
		}
		if d := diff(first, second); d != "" {
			t.Fatalf("decoded again differs (-first +second):\n%s", d)
		}
		if got, limit := decodeBytes(Frame{frameType, payload}), uint64(allocatedMax*len(payload)+16<<10); got > limit {
			t.Fatalf("decoding %d bytes allocates %d, more than %d", len(payload), got, limit)
		}
	})
}

// decodeBytes is how much Decode allocates; the least of three tries, as other goroutines allocate too.
func decodeBytes(f Frame) uint64 {
	var before, after runtime.MemStats
	least := ^uint64(0)
	for range 3 {
		runtime.ReadMemStats(&before)
		_, _ = Decode(f, sampleNow)
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

func TestDecodeMemoryIsProportional(t *testing.T) {
	for name, payload := range map[string][]byte{
		"zero claims":    append([]byte{0, 0x80, 0x80, 0x04}, make([]byte, 1<<16)...),
		"count too high": {0, 0x80, 0x80, 0x04},
	} {
		f := Frame{Type: typeClaims, Payload: payload}
		if got, limit := decodeBytes(f), uint64(allocatedMax*len(payload)+16<<10); got > limit {
			t.Errorf("%s: decoding %d bytes allocates %d, more than %d", name, len(payload), got, limit)
		}
	}
}
