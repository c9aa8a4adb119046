package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A frame on a stream is its type, the length of its payload in bytes, and the payload; type and length are uvarints in
// their shortest or any longer form. A reader skips the types that it does not know.

// FrameSizeMax is the default limit, in bytes, of one frame's payload.
const FrameSizeMax = 2 << 20

// frameHeaderMax is the length of the longest type and length that ParseFrame accepts, in bytes.
const frameHeaderMax = 2 * binary.MaxVarintLen64

// Errors that ParseFrame returns; a connection on which ErrFrameTooLarge or ErrFrameMalformed is met is closed.
var (
	// ErrFrameShort means that the frame has not arrived whole: read more and parse again.
	ErrFrameShort = errors.New("wire: frame is not complete")
	// ErrFrameTooLarge means that a frame's payload is beyond the limit that it is read or written under.
	ErrFrameTooLarge = errors.New("wire: frame is larger than the limit")
	// ErrFrameMalformed means that a frame's type or length is no uvarint of 64 bits.
	ErrFrameMalformed = errors.New("wire: frame header is malformed")
)

// Frame is one message as it stands on a stream. Payload belongs to whoever handed out the frame, usually a reader's
// buffer, and is valid only as long as that one says.
type Frame struct {
	Type    uint64
	Payload []byte
}

// Appender is what can be sent: it appends itself as exactly one frame, made with BeginFrame and EndFrame, to b and
// returns the longer slice. It must not keep b and must not block: Conn.Send calls it with the lane's mutex held.
// Implement it on a pointer, so that handing it to Send allocates nothing.
type Appender interface {
	AppendFrame(b []byte) []byte
}

var _ Appender = (*Frame)(nil)

// AppendFrame appends f to b.
func (f *Frame) AppendFrame(b []byte) []byte {
	b = binary.AppendUvarint(b, f.Type)
	b = binary.AppendUvarint(b, uint64(len(f.Payload)))
	return append(b, f.Payload...)
}

// BeginFrame starts a frame of the given type at the end of b. The caller appends the payload to the slice returned and
// ends the frame with EndFrame, to which it hands mark unchanged.
func BeginFrame(b []byte, frameType uint64) (out []byte, mark int) {
	b = binary.AppendUvarint(b, frameType)
	return append(b, 0), len(b) + 1
}

// EndFrame writes the length of the frame that BeginFrame started: all that stands in b from mark on is its payload.
// Payloads of 128 bytes and more move by one to three bytes to make room.
func EndFrame(b []byte, mark int) []byte {
	sizeBytes := uint64(len(b) - mark)
	if sizeBytes < 0x80 {
		b[mark-1] = byte(sizeBytes)
		return b
	}
	var prefix [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(prefix[:], sizeBytes)
	b = append(b, prefix[1:n]...) // room only; the bytes are overwritten
	copy(b[mark-1+n:], b[mark:mark+int(sizeBytes)])
	copy(b[mark-1:], prefix[:n])
	return b
}

// ParseFrame takes the first frame off b; its payload aliases b. It allocates nothing, whatever length b declares.
// Errors: ErrFrameShort when b ends before the frame does, ErrFrameTooLarge when the payload declared is longer than
// sizeMax bytes, ErrFrameMalformed.
func ParseFrame(b []byte, sizeMax int) (f Frame, rest []byte, err error) {
	frameType, after, err := cutUvarint(b)
	if err != nil {
		return Frame{}, b, err
	}
	sizeBytes, after, err := cutUvarint(after)
	if err != nil {
		return Frame{}, b, err
	}
	if sizeBytes > uint64(sizeMax) {
		return Frame{}, b, fmt.Errorf("%w: type %d has %d bytes, the limit is %d", ErrFrameTooLarge, frameType, sizeBytes, sizeMax)
	}
	if uint64(len(after)) < sizeBytes {
		return Frame{}, b, ErrFrameShort
	}
	return Frame{Type: frameType, Payload: after[:sizeBytes:sizeBytes]}, after[sizeBytes:], nil
}

// cutUvarint takes a uvarint off the front of b.
func cutUvarint(b []byte) (v uint64, rest []byte, err error) {
	v, n := binary.Uvarint(b)
	switch {
	case n > 0:
		return v, b[n:], nil
	case n < 0:
		return 0, b, ErrFrameMalformed
	default:
		return 0, b, ErrFrameShort
	}
}
