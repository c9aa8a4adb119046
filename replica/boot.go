package replica

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Boot identifies one run of a node: random, never zero, new at each start. Memory dies with it, so nobody serves, or
// counts as a copy, in the place of another boot.
type Boot uint64

// NewBoot draws a boot from random, which must be unpredictable (crypto/rand) outside tests.
func NewBoot(random io.Reader) (Boot, error) {
	var b [8]byte
	for {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return 0, fmt.Errorf("draw a boot: %w", err)
		}
		if n := binary.LittleEndian.Uint64(b[:]); n != 0 {
			return Boot(n), nil
		}
	}
}

// String is the boot as 16 hexadecimal digits.
func (b Boot) String() string { return fmt.Sprintf("%016x", uint64(b)) }

// Member is one boot as others see it: where it listens and which copies it should hold.
type Member struct {
	Boot Boot
	Name string // the operator's name for the node; the same over all its boots
	Addr string // host:port of its QUIC endpoint
	Zone string // failure domain; empty when none was given
	// Draining: the node is handing over what it holds, and no slot's home any more.
	Draining bool
}

// String is name#boot, the form in logs.
func (m Member) String() string { return m.Name + "#" + m.Boot.String() }
