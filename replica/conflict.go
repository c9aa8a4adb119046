package replica

import "math"

// Conflict is an acknowledged write that a merge after a split gave up: both sides wrote the same thing after they had
// parted.
type Conflict struct {
	Slot  uint32
	Key   Key
	Attr  string // empty for CauseSettings
	Cause Cause
	Lost  Stamp // of the write given up
	Kept  Stamp // of what stands in its place
	Found int64 // time of day, milliseconds since 1970, at which a node listed it; 0 before
}

// Cause says what a write was given up for.
type Cause uint8

// The causes.
const (
	CauseOverwritten Cause = 0 // the other side wrote the same attribute later
	CauseDestroyed   Cause = 1 // the other side ended the session by a logout
	CauseExpired     Cause = 2 // the session had expired on the other side, which saw the later access
	CauseSettings    Cause = 3 // the other side set the session's time-outs later
)

// String is the cause as an operator reads it.
func (c Cause) String() string {
	switch c {
	case CauseOverwritten:
		return "the other side wrote the attribute later"
	case CauseDestroyed:
		return "the other side destroyed the session"
	case CauseExpired:
		return "the session expired on the other side"
	}
	return "the other side set the session's times later"
}

// conflicts lists what is lost when two versions of a session are merged whose sides parted at the given clock: the
// earlier of two writes of the same thing, and the writes to a session that the other side ended.
func conflicts(slot uint32, a, b *Session, at uint64) []Conflict {
	if a == nil || b == nil || at == math.MaxUint64 {
		return nil
	}
	if a.ended() != b.ended() {
		return endedConflicts(slot, a, b, at)
	}
	if a.ended() {
		return nil
	}
	var lost []Conflict
	add := func(attr string, cause Cause, x, y Stamp) {
		if y.Less(x) {
			x, y = y, x
		}
		if x != y && x.Clock > at {
			lost = append(lost, Conflict{Slot: slot, Key: a.Key, Attr: attr, Cause: cause, Lost: x, Kept: y})
		}
	}
	for _, attr := range a.Attrs {
		if j, ok := b.find(attr.Name); ok {
			add(attr.Name, CauseOverwritten, attr.Stamp, b.Attrs[j].Stamp)
		}
	}
	add("", CauseSettings, a.Settings.Stamp, b.Settings.Stamp)
	return lost
}

// endedConflicts lists what one side wrote to a session that the other ended, if the end stands.
func endedConflicts(slot uint32, a, b *Session, at uint64) []Conflict {
	if b.ended() {
		a, b = b, a
	}
	if !Merge(a, b).ended() {
		return nil
	}
	cause := CauseDestroyed
	if a.Ending == Expired {
		cause = CauseExpired
	}
	var lost []Conflict
	for _, attr := range b.Attrs {
		if attr.Stamp.Clock > at {
			lost = append(lost, Conflict{Slot: slot, Key: a.Key, Attr: attr.Name, Cause: cause, Lost: attr.Stamp, Kept: a.Stamp})
		}
	}
	return lost
}
