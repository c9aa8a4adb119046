package ring

import (
	"encoding/binary"

	"github.com/buraksezer/consistent"
	"github.com/cespare/xxhash/v2"
)

// primaries returns the primary of each slot as an index into the sorted members, as the consistent library assigns them.
// cfg is valid and complete, and newCircle has accepted the members: none of the library's panics can be reached.
func primaries(cfg Config, members []Member) []int {
	list := make([]consistent.Member, len(members))
	for i, m := range members {
		list[i] = libraryMember{name: m.Name, index: i}
	}
	library := consistent.New(list, consistent.Config{
		Hasher:            libraryHasher{},
		PartitionCount:    cfg.Slots,
		ReplicationFactor: cfg.VirtualNodes,
		Load:              cfg.Load,
		ReplicaKey:        pointKey,
	})
	owners := make([]int, cfg.Slots)
	for slot := range owners {
		owners[slot] = library.GetPartitionOwner(slot).(libraryMember).index
	}
	return owners
}

// libraryMember is a member as the library wants it.
type libraryMember struct {
	name  string
	index int // Into the sorted members.
}

// String returns the member's name.
func (m libraryMember) String() string { return m.name }

// libraryHasher places on the circle what the library asks it to: slots by slotHash, virtual nodes by xxHash.
type libraryHasher struct{}

// Sum64 returns the place for a key. The library's key of a slot is its number in 8 bytes, little endian; that of a virtual
// node is longer, because no name is empty.
func (libraryHasher) Sum64(key []byte) uint64 {
	if len(key) == 8 {
		return slotHash(int(binary.LittleEndian.Uint64(key)))
	}
	return xxhash.Sum64(key)
}
