package wire

import (
	"fmt"
	"io"
)

// Every stream begins with four bytes: kind, lane number, number of lanes, zero. The last three are zero where they
// mean nothing; the last is not looked at. The acceptor of a connection answers lane 0 with the header it has read:
// only then does the dialer know that it was let in.

// headerSize is the length of a stream's header in bytes.
const headerSize = 4

// lanesMax is the largest number of lanes of a connection.
const lanesMax = 16

// streamKind says what a stream is for. 2 was a kind once and is never used again.
type streamKind uint8

const (
	kindLane   streamKind = 1 // bidirectional, opened by the dialer of the connection
	kindGossip streamKind = 3 // bidirectional, opened by either side, between nodes only
)

// header is what stands at the beginning of a stream.
type header struct {
	kind  streamKind
	lane  int // 0 <= lane < lanes, for kindLane
	lanes int // 1 <= lanes <= lanesMax, for kindLane
}

// encode returns the header's bytes.
func (h header) encode() []byte {
	return []byte{byte(h.kind), byte(h.lane), byte(h.lanes), 0}
}

// parseHeader is the inverse of encode. The error is ErrProtocol.
func parseHeader(b [headerSize]byte) (header, error) {
	h := header{kind: streamKind(b[0]), lane: int(b[1]), lanes: int(b[2])}
	switch {
	case h.kind == kindGossip:
		return header{kind: kindGossip}, nil
	case h.kind != kindLane:
		return header{}, fmt.Errorf("%w: stream of unknown kind %d", ErrProtocol, b[0])
	case h.lanes > lanesMax || h.lane >= h.lanes:
		return header{}, fmt.Errorf("%w: lane %d of %d, at most %d are allowed", ErrProtocol, h.lane, h.lanes, lanesMax)
	}
	return h, nil
}

// readHeader reads a stream's first bytes and no more.
func readHeader(r io.Reader) (header, error) {
	var b [headerSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return header{}, fmt.Errorf("read stream header: %w", err)
	}
	return parseHeader(b)
}
