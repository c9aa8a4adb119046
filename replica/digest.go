package replica

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// Digest tells apart what readers see of two versions of one session. Stamps alone do not: when a split heals, an attribute
// that the other side wrote or deleted earlier comes in, and the newest stamp stays what it was. Values need not be looked
// at, because a stamp says for good what was written with it; docs/PROTOCOL.md has the bytes that are hashed.
func (s *Session) Digest() uint64 {
	var space [256]byte
	var d xxhash.Digest
	d.Reset()
	b := s.Settings.Stamp.append(s.Born.append(space[:0]))
	for i := range s.Attrs {
		a := &s.Attrs[i]
		if a.Deleted {
			continue // readers that deleted it and readers that never had it see the same
		}
		b = binary.LittleEndian.AppendUint64(b, uint64(len(a.Name)))
		_, _ = d.Write(append(b, a.Name...)) // it never fails
		b = a.Stamp.append(space[:0])
	}
	_, _ = d.Write(b)
	return d.Sum64()
}

// knows reports whether the asker of l holds what a reader of s would get.
func (l *Load) knows(s *Session) bool {
	return l.Known == s.Stamp && (l.KnownDigest == 0 || l.KnownDigest == s.Digest())
}
