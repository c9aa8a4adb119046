package replica

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// Digest tells apart what readers see of two versions of one session. Stamps alone do not: when a split heals, an attribute
// that the other side wrote or deleted earlier comes in, and the newest stamp stays what it was. Values need not be looked
// at, because a stamp says for good what was written with it; docs/PROTOCOL.md has the bytes that are hashed.
//
// It is made of a sum over the attributes, so that a version with one other attribute need not look at the rest.
func (s *Session) Digest() uint64 {
	seen := s.summary.seen
	if !s.summary.made() {
		for _, a := range s.Attrs {
			seen += a.seen()
		}
	}
	var space [40]byte
	return xxhash.Sum64(binary.LittleEndian.AppendUint64(s.Settings.Stamp.append(s.Born.append(space[:0])), seen))
}

// seen tells an attribute apart from others and from earlier values; zero for a deleted one, since readers that deleted it and
// readers that never had it see the same.
func (a *Attr) seen() uint64 {
	if a.Deleted {
		return 0
	}
	var space [128]byte
	return xxhash.Sum64(append(a.Stamp.append(space[:0]), a.Name...))
}

// answer is what the asker of l gets of s, and the digest of all of s if that is only what has changed.
func (l *Load) answer(s *Session) (lacks *Session, whole uint64) {
	if l.Known == s.Stamp && l.KnownDigest == 0 {
		return nil, 0
	}
	if l.KnownDigest == 0 {
		return s.Visible(), 0
	}
	digest := s.Digest()
	switch {
	case l.Known == s.Stamp && l.KnownDigest == digest:
		return nil, 0
	case !l.Since.IsZero():
		if changed := s.since(l.Since); changed != nil {
			return changed, digest
		}
	}
	return s.Visible(), 0
}

// since is what was written to s after a stamp; nil if that is not much less than all of it.
func (s *Session) since(stamp Stamp) *Session {
	count, changedBytes, allBytes := 0, 0, 0
	for _, a := range s.Attrs {
		n := len(a.Name) + len(a.Value) + stampBytes
		allBytes += n
		if stamp.Less(a.Stamp) {
			changedBytes += n
			count++
		}
	}
	if 2*changedBytes > allBytes {
		return nil
	}
	changed := make([]*Attr, 0, count)
	for _, a := range s.Attrs {
		if stamp.Less(a.Stamp) {
			changed = append(changed, a)
		}
	}
	return s.holding(changed)
}

// stampBytes is what a stamp takes on the wire, about.
const stampBytes = 16
