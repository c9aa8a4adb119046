package load

import (
	"sync/atomic"
)

// Turn says which generator makes a session's next request.
type Turn string

// The turns.
const (
	Alternate Turn = "alternate" // each time another one than the last time
	Sticky    Turn = "sticky"    // always the same one
	Routed    Turn = "routed"    // the one that is the session's home
)

// rota is the sessions of one generator in a run, in a circle.
type rota struct {
	board    *Board
	sessions []int32
	turns    bool // to take turns with the other generators
	index    uint64
	count    uint64 // of generators
	cursor   atomic.Uint64
}

func newRota(pool *Pool, turn Turn, index, count int, home func(id string) int) *rota {
	r := &rota{board: pool.Board, turns: turn == Alternate, index: uint64(index), count: uint64(count)}
	for i, id := range pool.IDs {
		if turn == Alternate || turn == Sticky && i%count == index || turn == Routed && home(id) == index {
			r.sessions = append(r.sessions, int32(i))
		}
	}
	// Generators that go round in step would meet at the same sessions.
	r.cursor.Store(uint64(len(r.sessions) * index / count))
	return r
}

// next is the next session in the circle.
func (r *rota) next() int {
	return int(r.sessions[r.cursor.Add(1)%uint64(len(r.sessions))])
}

// lookMax is how many sessions a claim looks at.
const lookMax = 64

// claim takes the next session that this generator may change; ok is false when there is none among those that it looks at. When
// one generator stands still for a while the others run out of sessions: were they to look at all of them again and again, they
// would keep the processor from the one that has to catch up, and from the servers.
func (r *rota) claim() (session int, version uint64, ok bool) {
	for range min(lookMax, len(r.sessions)) {
		session = r.next()
		if version, ok = r.board.claim(session, r.isMine); ok {
			return session, version, true
		}
	}
	return 0, 0, false
}

func (r *rota) isMine(version uint64) bool { return !r.turns || version%r.count == r.index }
