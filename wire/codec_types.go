package wire

import (
	"fmt"

	"github.com/sessnode/sessnode/replica"
)

// Frame types. The list is append-only: a number is never given to another message, not even after its message is gone.
// Numbers up to 127 take one byte. 0 is never a type.
const (
	// 1–31: between nodes, about membership and claims.
	typeHello          = 1 // 2 was Refusal, which is gone
	typeHeartbeat      = 3
	typeHeartbeatReply = 4
	typeClaims         = 5
	typeClaimsWanted   = 6
	typeAsk            = 7
	typeAnswer         = 8
	typeLeaving        = 9
	typeCandidacy      = 10
	typeVote           = 11
	typeFounded        = 12
	typeReleased       = 13
	typeGivenUp        = 14

	// 32–63: between nodes, about the contents of slots.
	typeUpdate        = 32
	typeAck           = 33
	typeFenced        = 34
	typePull          = 35
	typeTail          = 36
	typeSnapshot      = 37
	typeSnapshotReply = 38
	typeOffer         = 39
	typeOfferReply    = 40
	typeHandOff       = 41
	typeFetch         = 42
	typeFetched       = 43
	typeCheck         = 44

	// 64–95: between clients and nodes; nodes pass requests on with the same frames.
	typeRequest      = 64
	typeReply        = 65
	typeLayoutWanted = 66
	typeLayout       = 67
	typeAdminRequest = 68
	typeAdminReply   = 69
)

// typeNames is for errors and tests.
var typeNames = map[uint64]string{
	typeHello:          "Hello",
	typeHeartbeat:      "Heartbeat",
	typeHeartbeatReply: "HeartbeatReply",
	typeClaims:         "Claims",
	typeClaimsWanted:   "ClaimsWanted",
	typeAsk:            "Ask",
	typeAnswer:         "Answer",
	typeLeaving:        "Leaving",
	typeCandidacy:      "Candidacy",
	typeVote:           "Vote",
	typeFounded:        "Founded",
	typeReleased:       "Released",
	typeGivenUp:        "GivenUp",
	typeUpdate:         "Update",
	typeAck:            "Ack",
	typeFenced:         "Fenced",
	typePull:           "Pull",
	typeTail:           "Tail",
	typeSnapshot:       "Snapshot",
	typeSnapshotReply:  "SnapshotReply",
	typeOffer:          "Offer",
	typeOfferReply:     "OfferReply",
	typeHandOff:        "HandOff",
	typeFetch:          "Fetch",
	typeFetched:        "Fetched",
	typeCheck:          "Check",
	typeRequest:        "Request",
	typeReply:          "Reply",
	typeLayoutWanted:   "LayoutWanted",
	typeLayout:         "Layout",
	typeAdminRequest:   "AdminRequest",
	typeAdminReply:     "AdminReply",
}

// typeOf is the frame type of a message. It panics on a type that package replica does not list as a message.
func typeOf(m replica.Message) uint64 {
	switch m.(type) {
	case *replica.Hello:
		return typeHello
	case *replica.Heartbeat:
		return typeHeartbeat
	case *replica.HeartbeatReply:
		return typeHeartbeatReply
	case *replica.Claims:
		return typeClaims
	case *replica.ClaimsWanted:
		return typeClaimsWanted
	case *replica.Ask:
		return typeAsk
	case *replica.Answer:
		return typeAnswer
	case *replica.Leaving:
		return typeLeaving
	case *replica.Candidacy:
		return typeCandidacy
	case *replica.Vote:
		return typeVote
	case *replica.Founded:
		return typeFounded
	case *replica.Released:
		return typeReleased
	case *replica.GivenUp:
		return typeGivenUp
	}
	return typeOfData(m)
}

// typeOfData continues typeOf with the messages about sessions.
func typeOfData(m replica.Message) uint64 {
	switch m.(type) {
	case *replica.Update:
		return typeUpdate
	case *replica.Ack:
		return typeAck
	case *replica.Fenced:
		return typeFenced
	case *replica.Pull:
		return typePull
	case *replica.Tail:
		return typeTail
	case *replica.Snapshot:
		return typeSnapshot
	case *replica.SnapshotReply:
		return typeSnapshotReply
	case *replica.Offer:
		return typeOffer
	case *replica.OfferReply:
		return typeOfferReply
	case *replica.HandOff:
		return typeHandOff
	case *replica.Fetch:
		return typeFetch
	case *replica.Fetched:
		return typeFetched
	case *replica.Check:
		return typeCheck
	case *replica.Request:
		return typeRequest
	case *replica.Reply:
		return typeReply
	case *replica.LayoutWanted:
		return typeLayoutWanted
	case *replica.Layout:
		return typeLayout
	case *replica.AdminRequest:
		return typeAdminRequest
	case *replica.AdminReply:
		return typeAdminReply
	}
	panic(fmt.Sprintf("wire: BUG: no frame type for %T", m))
}
