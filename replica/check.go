package replica

import (
	"encoding/binary"
	"time"

	"github.com/cespare/xxhash/v2"
)

// checkMargin is how long, in milliseconds, before it is forgotten an ended session takes no part in a comparison: the
// nodes forget it at different moments.
const checkMargin = int64(time.Minute / time.Millisecond)

// EventDiffers reports that this backup differs from its primary, which it must not.
const EventDiffers EventKind = "copy differs"

// Check asks every backup that has been sent everything to compare what it holds with what the primary has. It visits
// every session of the slot.
func (s *Slot) Check(now Instant, fx *Effects) {
	if s.role != Primary || len(s.claim.Backups) == 0 || !s.Serving() {
		return
	}
	cut := now.Wall + checkMargin
	m := &Check{Slot: s.num, Epoch: s.claim.Epoch, Seq: s.tail.head, Cut: cut, Digest: s.digest(cut)}
	for _, f := range s.followers {
		if !f.learning() && f.sent == s.tail.head {
			fx.send(f.boot, m)
		}
	}
}

// Checked compares. A backup that holds another prefix of the log than the check was made for leaves it to the next.
func (s *Slot) Checked(m *Check, fx *Effects) {
	if s.role != Backup || s.differs || m.Epoch != s.claim.Epoch || m.Seq != s.tail.head || m.Digest == s.digest(m.Cut) {
		return
	}
	s.differs, s.offering = true, offering{}
	fx.Events = append(fx.Events, Event{Kind: EventDiffers, Slot: s.num, Epoch: s.claim.Epoch, Peer: s.claim.Primary, Count: 1})
}

// digest is a fingerprint of everything that the slot holds and that will not be forgotten by the time of day cut.
func (s *Slot) digest(cut int64) uint64 {
	var sum uint64
	var space Session
	for r := range s.records.all() {
		if v := r.viewIn(&space); !v.ended() || v.Until > cut {
			sum ^= v.fingerprint()
		}
	}
	return sum
}

// fingerprint tells versions apart: two are the same if all that merging looks at is the same.
func (s *Session) fingerprint() uint64 {
	var space [512]byte
	b := append(space[:0], s.Key.App...)
	b = append(append(b, 0), s.Key.ID...)
	b = append(b, 0, byte(s.Ending))
	for _, v := range []Stamp{s.Stamp, s.Touched, s.Settings.Stamp} {
		b = v.append(b)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(s.Until))
	h := xxhash.Sum64(b)
	for _, a := range s.Attrs {
		b = append(space[:0], a.Name...)
		b = append(b, 0)
		if a.Deleted {
			b = append(b, 1)
		}
		b = a.Stamp.append(b)
		b = binary.LittleEndian.AppendUint64(b, h)
		h = xxhash.Sum64(b)
	}
	return h
}

// append adds the stamp's bytes to b.
func (s Stamp) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, s.Clock)
	return binary.LittleEndian.AppendUint64(b, uint64(s.Boot))
}
