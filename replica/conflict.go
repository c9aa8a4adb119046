package replica

// Conflict is an acknowledged write that a merge after a split gave up: both sides wrote the same thing after their
// claims had parted.
type Conflict struct {
	Slot  uint32
	Key   Key
	Attr  string // empty: not an attribute, see Cause
	Cause Cause
	Lost  Stamp // of the write given up
	Kept  Stamp // of what stands
}

// Cause says what a write was given up for.
type Cause uint8

// The causes.
const (
	CauseOverwritten Cause = 0 // the other side wrote the same attribute later
	CauseDestroyed   Cause = 1 // the other side ended the session for good: a logout
	CauseExpired     Cause = 2 // the session expired on the other side
	CauseSettings    Cause = 3 // the other side set the session's times later
)

var causeText = map[Cause]string{
	CauseOverwritten: "the other side wrote the attribute later",
	CauseDestroyed:   "the other side destroyed the session",
	CauseExpired:     "the session expired on the other side",
	CauseSettings:    "the other side set the session's times later",
}

// String is the cause as an operator reads it.
func (c Cause) String() string {
	if text, ok := causeText[c]; ok {
		return text
	}
	return "unknown"
}
