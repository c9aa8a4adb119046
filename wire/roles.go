package wire

import "fmt"

// roles is a set of them.
type roles uint8

func of(list ...Role) (set roles) {
	for _, r := range list {
		set |= 1 << r
	}
	return set
}

func (s roles) has(r Role) bool { return s&(1<<r) != 0 }

// sending says who may send a frame.
type sending struct {
	may roles
	// refused are the roles that get an answer which says no. All others that may not lose the connection.
	refused roles
}

var (
	nodes     = sending{may: of(RoleNode)}
	everybody = sending{may: of(RoleNode, RoleClient, RoleAdmin)}
	admins    = sending{may: of(RoleAdmin, RoleNode), refused: of(RoleClient)}
)

// mayBeSent is all that roles allow, for each type of frame. Whose sessions a Request may be about, when the client is bound
// to an application, Peer.Opens tells.
var mayBeSent = map[uint64]sending{
	typeHello:          nodes,
	typeHeartbeat:      nodes,
	typeHeartbeatReply: nodes,
	typeClaims:         nodes,
	typeClaimsWanted:   nodes,
	typeAsk:            nodes,
	typeAnswer:         nodes,
	typeLeaving:        nodes,
	typeCandidacy:      nodes,
	typeVote:           nodes,
	typeFounded:        nodes,
	typeReleased:       nodes,
	typeGivenUp:        nodes,
	typeUpdate:         nodes,
	typeAck:            nodes,
	typeFenced:         nodes,
	typePull:           nodes,
	typeTail:           nodes,
	typeSnapshot:       nodes,
	typeSnapshotReply:  nodes,
	typeOffer:          nodes,
	typeOfferReply:     nodes,
	typeHandOff:        nodes,
	typeFetch:          nodes,
	typeFetched:        nodes,
	typeCheck:          nodes,
	typeRequest:        everybody,
	typeReply:          nodes,
	typeLayoutWanted:   everybody,
	typeLayout:         nodes,
	typeAdminRequest:   admins,
	typeAdminReply:     nodes,
}

// Administers reports whether the peer may give a node commands.
func (p Peer) Administers() bool { return mayBeSent[typeAdminRequest].may.has(p.Role) }

// Opens reports whether the peer may see and change the sessions of an application.
func (p Peer) Opens(app string) bool {
	return mayBeSent[typeRequest].may.has(p.Role) && (p.App == "" || p.App == app)
}

// maySend refuses a frame that the peer's role forbids, unless there is an answer that says no. A type that is unknown here
// is of a later version and skipped, whoever sends it.
func (p Peer) maySend(frameType uint64) error {
	rule, known := mayBeSent[frameType]
	if !known && typeNames[frameType] == "" || rule.may.has(p.Role) || rule.refused.has(p.Role) {
		return nil
	}
	return fmt.Errorf("%w: %s from a %v", ErrRole, typeNames[frameType], p.Role)
}
