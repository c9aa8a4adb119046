package replica

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// RequestID names a client's request over all its retries.
type RequestID struct {
	Client uint64 // random per client
	Seq    uint64
}

// NewRequestID makes an id for a request of nobody in particular, from random, which must be crypto/rand's reader outside
// tests.
func NewRequestID(random io.Reader) (RequestID, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return RequestID{}, fmt.Errorf("make a request id: %w", err)
	}
	return RequestID{Client: binary.LittleEndian.Uint64(b[:]), Seq: binary.LittleEndian.Uint64(b[8:])}, nil
}

// IsZero reports whether the request has no id, and so may take effect more than once.
func (r RequestID) IsZero() bool { return r == RequestID{} }

// String is the id as logs show it.
func (r RequestID) String() string { return fmt.Sprintf("%016x-%d", r.Client, r.Seq) }

// Durability says how many copies a commit waits for.
type Durability uint8

// The durabilities.
const (
	DurableAll  Durability = 0 // every backup of the slot
	DurableOne  Durability = 1 // the first backup to answer
	DurableNone Durability = 2 // the primary alone
)

// Change sets or deletes one attribute.
type Change struct {
	Name   string
	Value  []byte // owned by the commit; nil when Delete
	Delete bool
}

// Commit is a client's change to one session: applied whole or not at all. The zero value of each field asks for
// nothing. A commit that asks for nothing but has a key is a touch: it slides the idle time-out.
type Commit struct {
	Key     Key
	Create  bool     // the session must not exist; without it, it must
	Destroy bool     // end the session for good; allowed for an unknown id; excludes all other changes and If
	Changes []Change // no name twice
	// Renew, when not empty, is the id under which the session goes on; its slot must be that of Key.ID. The old id is
	// dead from the same moment.
	Renew string

	// Configure says whether Idle and Lifetime are to be set; creating sets them always.
	Configure bool
	Idle      time.Duration // see Settings.Idle
	// Lifetime is from now to the absolute deadline, which lies no later than Limits.LifetimeMax after the birth of the
	// id; zero means that long.
	Lifetime time.Duration

	// If, when not zero, is the stamp that the session must have. A session that is being created has none.
	If Stamp
	// Lock, when not zero, is the token of the session's lock, which must still be held, see [Lock]. A renewal that names
	// it takes it along.
	Lock Stamp

	Request    RequestID
	NotAfter   int64 // time of day, milliseconds since 1970, after which the commit must not take effect; required
	Durability Durability
}

// Touch reports whether c changes nothing but the time of the last access.
func (c *Commit) Touch() bool {
	return !c.Create && !c.Destroy && len(c.Changes) == 0 && c.Renew == "" && !c.Configure
}

// Load asks for a session as of its last durable commit.
type Load struct {
	Key Key
	// Known, when not zero, is the stamp of the version that the asker holds; when it is still the newest the answer
	// comes without the session.
	Known Stamp
	// KnownDigest, when not zero, is the Digest of that version, which must be the same too. Without it an asker that holds
	// its version across the end of a split may be told that it is the newest and miss what the other side had written.
	KnownDigest uint64
	// Since, when not zero, is a stamp up to which the asker knows every write, so that what was written later is answer
	// enough. It needs KnownDigest.
	Since Stamp
	// Peek reads without counting as an access.
	Peek bool
	// NotAfter, when not zero, is the time of day, in milliseconds since 1970, after which the load is refused: nobody waits
	// for its answer any more, and a copy that waited on its way for long must not count as an access.
	NotAfter int64
}

// Result answers a Load, a Commit, a Lock or a List.
type Result struct {
	Status Status
	Detail string // completes the status for a reader: the limit that was passed, who holds the lock
	// Unsure, with a status that is Retryable, says that the request may have taken effect or may still; without it, that
	// nothing came of this sending.
	Unsure bool
	// RetryAfter, with StatusOverloaded, is how long to wait before the request is sent again; zero: the asker chooses.
	RetryAfter time.Duration
	Stamp      Stamp // of the session after the request; of a granted lock, its token
	Copies     int   // nodes known to hold the commit, the primary included; zero for a load
	// Session is the answer to a Load whose Known was not the newest, or comes with a lock; nil otherwise. Ended and deleted things are left
	// out. It must not be modified.
	Session *Session
	// Whole, when not zero, says that Session holds only what was written after a Load's Since, deletions among it: merged
	// into what the asker knows, and without what is deleted, it is the version with this Digest. If it is not, as may be
	// after a split, the asker must load the session whole.
	Whole uint64
	IDs   []string // the answer to a List
}

// Err is nil for StatusOK, else an error that [errors.Is] finds the status in.
func (r *Result) Err() error {
	switch {
	case r.Status == StatusOK:
		return nil
	case r.Detail == "":
		return r.Status
	}
	return &detailedError{r.Status, r.Detail}
}

// detailedError is a status with the text that came with it.
type detailedError struct {
	status Status
	detail string
}

// Error is the status and what completes it.
func (e *detailedError) Error() string { return e.status.Error() + ": " + e.detail }

// Unwrap is the status.
func (e *detailedError) Unwrap() error { return e.status }

// RetryAfterMax is the longest Result.RetryAfter.
const RetryAfterMax = 10 * time.Second
