package wire

import (
	"errors"
	"fmt"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// ErrMalformed means that a frame of a known type does not hold that message. The error around it names the message and
// the field. Whoever sent the frame is not to be trusted with another: close the connection.
var ErrMalformed = errors.New("wire: message is malformed")

// What one message may count at most, whatever its size. The sizes that replica.Limits allows by default stay far below.
const (
	attrsMax   = 1 << 16 // of one session, or changes of one commit
	partsMax   = 1 << 16 // of one entry, snapshot or offer
	entriesMax = 1 << 16 // of one tail
	requestMax = 1 << 17 // remembered requests of one snapshot
	claimsMax  = 1 << 16 // of one message; slots asked or answered likewise
	bootsMax   = 1 << 16 // different boots in the claims of one message
	membersMax = 1 << 12
	backupsMax = 1 << 4 // of one claim
)

// AppendMessage appends m to b as one whole frame and returns the longer slice; it allocates nothing else. now is the
// sender's Instant.Mono at this moment: the last access of a session travels as an age. It does not look at the frame's
// size; the sender keeps it under FrameSizeMax.
func AppendMessage(b []byte, m replica.Message, now time.Duration) []byte {
	b, mark := BeginFrame(b, typeOf(m))
	switch m := m.(type) {
	case *replica.Update:
		b = appendUpdate(b, m, now)
	case *replica.Ack:
		b = appendAck(b, m)
	case *replica.HandOff:
		b = appendHandOff(b, m)
	case *replica.Fenced:
		b = appendFenced(b, m)
	case *replica.Pull:
		b = appendPull(b, m)
	case *replica.Tail:
		b = appendTail(b, m, now)
	case *replica.Snapshot:
		b = appendSnapshot(b, m, now)
	case *replica.SnapshotReply:
		b = appendChunkReply(b, chunkReply(*m))
	case *replica.Offer:
		b = appendOffer(b, m, now)
	case *replica.OfferReply:
		b = appendOfferReply(b, m)
	case *replica.Fetch:
		b = appendFetch(b, m)
	case *replica.Fetched:
		b = appendFetched(b, m, now)
	case *replica.Check:
		b = appendCheck(b, m)
	case *replica.Request:
		b = appendRequest(b, m)
	case *replica.Reply:
		b = appendReply(b, m, now)
	case *replica.Layout:
		b = appendLayout(b, m)
	case *replica.AdminRequest:
		b = appendAdminRequest(b, m)
	case *replica.AdminReply:
		b = appendAdminReply(b, m)
	default:
		b = appendControl(b, m)
	}
	return EndFrame(b, mark)
}

// Decode is the message in f, or nil without an error when its type is unknown here: a newer peer's, to be skipped. now
// is the receiver's Instant.Mono, see AppendMessage. The message holds nothing of f.Payload, which may be overwritten
// afterwards. Empty lists and values arrive as nil. The only error is ErrMalformed, wrapped.
//
// Decode checks what merging relies on: attributes sorted, no name twice, no stamp later than the session's. It leaves
// to package replica what a limit or a rule of the product says: the length of names and ids, the sense of a commit.
func Decode(f Frame, now time.Duration) (replica.Message, error) {
	r := reader{rest: f.Payload, now: now}
	m := r.message(f.Type)
	if err := r.malformed(f.Type); err != nil {
		return nil, err
	}
	return m, nil
}

// DecodeReply is Decode into m of what clients are sent most, and false if something else is in f.
func DecodeReply(f Frame, now time.Duration, m *replica.Reply) (bool, error) {
	if f.Type != typeReply {
		return false, nil
	}
	r := reader{rest: f.Payload, now: now}
	readReply(&r, m)
	return true, r.malformed(f.Type)
}

// malformed is what was wrong with a frame of a type, or nil.
func (r *reader) malformed(frameType uint64) error {
	if !r.failed() {
		return nil
	}
	return fmt.Errorf("%w: %s: %s: %s", ErrMalformed, typeNames[frameType], r.field, r.cause)
}

// message reads the messages about sessions itself and leaves the others to control.
func (r *reader) message(frameType uint64) replica.Message {
	switch frameType {
	case typeUpdate:
		return readUpdate(r)
	case typeAck:
		return readAck(r)
	case typeHandOff:
		return readHandOff(r)
	case typeFenced:
		return readFenced(r)
	case typePull:
		return readPull(r)
	case typeTail:
		return readTail(r)
	case typeSnapshot:
		return readSnapshot(r)
	case typeSnapshotReply:
		m := replica.SnapshotReply(readChunkReply(r))
		return &m
	case typeOffer:
		return readOffer(r)
	case typeOfferReply:
		return readOfferReply(r)
	case typeFetch:
		return readFetch(r)
	case typeFetched:
		return readFetched(r)
	case typeCheck:
		return readCheck(r)
	case typeRequest:
		return readRequest(r)
	case typeReply:
		m := &replica.Reply{}
		readReply(r, m)
		return m
	case typeLayoutWanted:
		return &replica.LayoutWanted{}
	case typeLayout:
		return readLayout(r)
	case typeAdminRequest:
		return readAdminRequest(r)
	case typeAdminReply:
		return readAdminReply(r)
	}
	return readControl(r, frameType)
}
