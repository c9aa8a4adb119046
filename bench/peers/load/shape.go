package load

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Idle is how long sessions live without access, in every product.
const Idle = 30 * time.Minute

// Shape is what a session consists of: Attributes of together Bytes, one of which, of Changed bytes, requests change.
type Shape struct {
	Attributes int
	Bytes      int
	Changed    int // at least 8
}

// The shapes of the workloads.
var (
	Cart   = Shape{Attributes: 10, Bytes: 4096, Changed: 64}
	Chatty = Shape{Attributes: 10, Bytes: 1024, Changed: 8}
)

// ChangedName is the attribute that requests read and change.
const ChangedName = "a0"

// Names are those of all attributes, ChangedName first, ascending.
func (s Shape) Names() []string {
	names := make([]string, s.Attributes)
	for i := range names {
		names[i] = fmt.Sprintf("a%d", i)
	}
	return names
}

// Value is a new value of ChangedName: the version, and filling.
func (s Shape) Value(version uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, s.Changed), version)[:s.Changed]
}

// Fill is the value of each of the other attributes. Nothing in it repeats, so that compression would not help.
func (s Shape) Fill(attribute int) []byte {
	fill := make([]byte, (s.Bytes-s.Changed)/max(s.Attributes-1, 1))
	x := uint64(attribute)*0x9e3779b97f4a7c15 + 1
	for i := range fill { // xorshift64, by G. Marsaglia
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		fill[i] = byte(x)
	}
	return fill
}

// Version is what Value put into a value.
func Version(value []byte) (uint64, error) {
	if len(value) < 8 {
		return 0, fmt.Errorf("%w: a value of %d bytes", ErrWrong, len(value))
	}
	return binary.BigEndian.Uint64(value), nil
}
