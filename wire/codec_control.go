package wire

import "github.com/sessnode/sessnode/replica"

// appendControl appends the payload of a message about membership and claims.
func appendControl(b []byte, m replica.Message) []byte {
	switch m := m.(type) {
	case *replica.Hello:
		return appendHello(b, m)
	case *replica.Heartbeat:
		b = appendFixed64(appendDuration(b, m.Sent), m.Digest)
		return append(b, bitIf(m.ClockOff, heartbeatClockOff))
	case *replica.HeartbeatReply:
		b = appendFixed64(appendDuration(b, m.Sent), m.Digest)
		b = append(b, bitIf(m.Granted, heartbeatGranted))
		return appendInt64(b, m.Wall)
	case *replica.Claims:
		return appendClaims(b, m.Claims)
	case *replica.Ask:
		return appendAsk(b, m)
	case *replica.Answer:
		return appendAnswer(b, m)
	case *replica.Candidacy:
		return appendUvarint(b, m.Round)
	case *replica.Vote:
		b = append(appendUvarint(b, m.Round), bitIf(m.Granted, voteGranted))
		return appendFixed64(b, m.Cluster)
	case *replica.Founded:
		return appendFixed64(b, m.Cluster)
	case *replica.Released:
		return appendReleased(b, m)
	case *replica.GivenUp:
		return appendGivenUp(b, m)
	}
	return b // ClaimsWanted, Leaving, LayoutWanted: the type says it all
}

// readControl is nil for a type that is unknown here.
func readControl(r *reader, frameType uint64) replica.Message {
	switch frameType {
	case typeHello:
		return readHello(r)
	case typeHeartbeat:
		return readHeartbeat(r)
	case typeHeartbeatReply:
		return readHeartbeatReply(r)
	case typeClaims:
		return &replica.Claims{Claims: readClaims(r)}
	case typeClaimsWanted:
		return &replica.ClaimsWanted{}
	case typeAsk:
		return readAsk(r)
	case typeAnswer:
		return readAnswer(r)
	case typeLeaving:
		return &replica.Leaving{}
	case typeCandidacy:
		return &replica.Candidacy{Round: r.uvarint("round")}
	case typeVote:
		return readVote(r)
	case typeReleased:
		return readReleased(r)
	case typeGivenUp:
		return readGivenUp(r)
	case typeFounded:
		return &replica.Founded{Cluster: r.fixed64("cluster")}
	}
	return nil
}

const (
	heartbeatClockOff = 1 << 0
	heartbeatGranted  = 1 << 0
	voteGranted       = 1 << 0
)

// The flags of a Heartbeat and the time of day in its answer came later than the rest.

func readHeartbeat(r *reader) *replica.Heartbeat {
	m := &replica.Heartbeat{Sent: r.duration("sent"), Digest: r.fixed64("digest")}
	if r.more() {
		m.ClockOff = r.byte("flags")&heartbeatClockOff != 0
	}
	return m
}

func readHeartbeatReply(r *reader) *replica.HeartbeatReply {
	m := &replica.HeartbeatReply{
		Sent:    r.duration("sent"),
		Digest:  r.fixed64("digest"),
		Granted: r.byte("flags")&heartbeatGranted != 0,
	}
	if r.more() {
		m.Wall = r.int64("time of day")
	}
	return m
}

func readVote(r *reader) *replica.Vote {
	return &replica.Vote{
		Round:   r.uvarint("round"),
		Granted: r.byte("flags")&voteGranted != 0,
		Cluster: r.fixed64("cluster"),
	}
}

func appendHello(b []byte, m *replica.Hello) []byte {
	b = appendFixed64(b, m.Cluster)
	b = appendMember(b, &m.Member)
	b = appendUint32(b, m.Slots)
	return appendFixed64(b, m.Limits)
}

func readHello(r *reader) *replica.Hello {
	return &replica.Hello{
		Cluster: r.fixed64("cluster"),
		Member:  readMember(r),
		Slots:   r.uint32("slots"),
		Limits:  r.fixed64("limits"),
	}
}

// memberSizeMin is the least size of a member's record, in bytes.
const memberSizeMin = 1 + 8 + 3 + 1

const memberDraining = 1 << 0

func appendMember(b []byte, m *replica.Member) []byte {
	b, mark := beginRecord(b)
	b = appendBoot(b, m.Boot)
	b = appendText(b, m.Name)
	b = appendText(b, m.Addr)
	b = appendText(b, m.Zone)
	b = append(b, bitIf(m.Draining, memberDraining))
	return endRecord(b, mark)
}

func readMember(r *reader) replica.Member {
	after := r.enter("member")
	defer r.leave(after)
	return replica.Member{
		Boot: r.boot("boot"), Name: r.text("name"), Addr: r.text("addr"), Zone: r.text("zone"),
		Draining: r.byte("flags")&memberDraining != 0,
	}
}

func readMembers(r *reader) []replica.Member {
	n := r.count("members", membersMax, memberSizeMin)
	if n == 0 {
		return nil
	}
	members := make([]replica.Member, n)
	for i := range members {
		members[i] = readMember(r)
		if r.failed() {
			return nil
		}
	}
	return members
}

func appendReleased(b []byte, m *replica.Released) []byte {
	b = appendCount(b, len(m.Slots))
	for _, slot := range m.Slots {
		b = appendUint32(b, slot)
	}
	return b
}

func readReleased(r *reader) *replica.Released {
	m := &replica.Released{}
	for range r.count("slots", claimsMax, 1) {
		m.Slots = append(m.Slots, r.uint32("slot"))
	}
	return m
}
