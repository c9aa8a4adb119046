package replica

import "fmt"

// Memory counts what all slots of a node keep, in bytes, and says when that is too much. It belongs to whoever steps the
// slots. What it counts is an estimate of the heap that is in use, see [Slot.Memory]; the process takes more, as the
// collector needs room.
type Memory struct {
	// Soft is the mark from which on the node takes no slots in; Hard the one from which on nothing may grow. Zero: none.
	Soft, Hard int

	records int // sessions and ended ones, always exact
	rest    int // remembered requests and tails, as of the last Count
}

// What things take beside their contents, in bytes.
const (
	recordBytes  = 180 // a record that rests, its block, and its places in the index and the heap
	attrBytes    = 8
	awakeBytes   = 450 // what a record that is in use takes more
	requestBytes = 144 // a remembered request in its place, the index and its batch
	loggedBytes  = 512 // an entry of a tail, beside what Entry.size counts
)

// Used is the bytes that are taken.
func (m *Memory) Used() int { return m.records + m.rest }

// Count takes in what is counted from time to time: remembered requests and tails.
func (m *Memory) Count(rest int) { m.rest = rest }

// Short reports whether the node should take nothing in that others can hold.
func (m *Memory) Short() bool { return m.Soft > 0 && m.Used() >= m.Soft }

// full reports whether nothing may grow; nil is never full.
func (m *Memory) full() bool { return m != nil && m.Hard > 0 && m.Used() >= m.Hard }

// refuse says why something may not grow.
func (m *Memory) refuse() error {
	return fmt.Errorf("%w: sessions take %d MiB of the %d MiB that they may: let sessions end, or add memory or a node",
		ErrOverCapacity, m.Used()>>20, m.Hard>>20)
}

// Memory is the bytes that the slot takes on this node: its sessions and ended ones as they rest, and the rest, which is what those
// in use take more, remembered requests, and the tail of its log.
func (s *Slot) Memory() (records, rest int) {
	return s.bytes, len(s.awake)*awakeBytes + s.requests.byID.len()*requestBytes + s.requests.overBytes +
		s.tail.sizeBytes + len(s.tail.items)*loggedBytes
}

// charge counts what a record takes now. It is called whenever its newest version has changed; versions that are still
// pending are counted with the tail.
func (s *Slot) charge(r *record) {
	key := r.newest.Key
	s.recharge(r, recordBytes+len(key.App)+len(key.ID)+r.newest.weight(), live(r.newest))
}

// recharge replaces what a record was counted for.
func (s *Slot) recharge(r *record, sizeBytes int, lives bool) {
	before, sessions := int(r.charged), 0
	if before < 0 {
		before, sessions = -before, -1
	}
	if r.charged = int32(sizeBytes); lives {
		r.charged = -r.charged
		sessions++
	}
	grown := sizeBytes - before
	s.bytes += grown
	if s.cfg.Quotas != nil {
		s.account(r.key().App, usage{sessions, grown})
	}
	if s.cfg.Memory != nil {
		s.cfg.Memory.records += grown
	}
}

// release ends the counting of a slot that is forgotten.
func (s *Slot) release() {
	if s.cfg.Memory != nil {
		s.cfg.Memory.records -= s.bytes
	}
}

// weight is what a version's attributes take, in bytes.
func (s *Session) weight() int {
	if s == nil {
		return 0
	}
	n := s.counts()
	return attrBytes*len(s.Attrs) + int(n.liveBytes) + int(n.deadBytes)
}

// affords refuses what grows while memory is full: a new session, one that gets larger or another id, and the end of one that
// nobody knows, which would have to be remembered.
func (s *Slot) affords(grows bool) error {
	if m := s.cfg.Memory; grows && m.full() {
		return m.refuse()
	}
	return nil
}
