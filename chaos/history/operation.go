package history

import "time"

// Kind is what an operation does.
type Kind string

// The kinds. Writers write each value of an attribute once in a run, so that a value names its write.
const (
	Create    Kind = "create"    // a session; Idle and Lifetime as asked for. With Attr it writes that attribute too.
	Destroy   Kind = "destroy"   // a logout
	Load      Kind = "load"      // the session: Seen is all of it
	Touch     Kind = "touch"     // slides the idle time-out
	Configure Kind = "configure" // sets Idle and Lifetime anew
	List      Kind = "list"      // sessions: Listed
	Add       Kind = "add"       // the element Attr, a name used once, to the set that a session's attributes are
	Increment Kind = "increment" // the counter Attr by one; Output: what it is then, in decimal
	Read      Kind = "read"      // the attribute Attr: Output, empty if there is none
	Write     Kind = "write"     // the attribute Attr: Input
	Lock      Kind = "lock"      // of a session; Granted is the fencing token
	Unlock    Kind = "unlock"    // of the lock Token. Refused: it was lost before.
	Use       Kind = "use"       // of the resource outside that a session's lock protects, with Token. Refused: it saw a later one.
)

var kinds = []Kind{Create, Destroy, Load, Touch, Configure, List, Add, Increment, Read, Write, Lock, Unlock, Use}

// Outcome is what is known of an operation's effect.
type Outcome string

// The outcomes.
const (
	OK      Outcome = "ok"      // acknowledged
	Refused Outcome = "refused" // answered with a no, for what was asked: nothing took effect
	Failed  Outcome = "failed"  // could not be served, and for certain nothing took effect
	Unknown Outcome = "unknown" // no answer: it may have taken effect, or may still until NotAfter
)

var outcomes = []Outcome{OK, Refused, Failed, Unknown}

// Gone is the answer that there is no session.
type Gone string

// The ways to be gone.
const (
	Here      Gone = ""          // nothing of the kind was said
	NotFound  Gone = "not found" // it never was, or expired
	Destroyed Gone = "destroyed" // a logout ended it
)

var goings = []Gone{Here, NotFound, Destroyed}

// Call is what a client asks for.
type Call struct {
	Client   string `json:"client"`
	Workload string `json:"workload"`
	Kind     Kind   `json:"kind"`
	Session  string `json:"session,omitempty"` // application and id: app/id; none for a List
	Attr     string `json:"attr,omitempty"`
	Input    string `json:"input,omitempty"`
	// Token is the fencing token that the call names. Tokens compare as text: a later one is the greater.
	Token    string        `json:"token,omitempty"`
	Idle     time.Duration `json:"idle,omitempty"`     // time-out asked for; zero: none
	Lifetime time.Duration `json:"lifetime,omitempty"` // asked for; zero: longer than the run
	Peek     bool          `json:"peek,omitempty"`     // a load or read that is no access
	// NotAfter is when at the latest the call can take effect, clock skew included, since the run began; zero: not known.
	NotAfter time.Duration `json:"not_after,omitempty"`
}

// Answer is what became of a call.
type Answer struct {
	Outcome Outcome           `json:"outcome"`
	Error   string            `json:"error,omitempty"` // for a reader
	Gone    Gone              `json:"gone,omitempty"`  // of a read it is an answer like any other: OK
	Output  string            `json:"output,omitempty"`
	Seen    map[string]string `json:"seen,omitempty"`   // attributes of the session loaded
	Listed  []string          `json:"listed,omitempty"` // sessions
	Granted string            `json:"granted,omitempty"`
	Stamp   string            `json:"stamp,omitempty"`  // of the commit, as conflicts name it
	Copies  int               `json:"copies,omitempty"` // nodes that held the commit when it was acknowledged
	Node    string            `json:"node,omitempty"`   // that answered, if known
}

// Operation is one call and its answer. The times count from the beginning of the run, on a monotonic clock.
type Operation struct {
	ID int `json:"id"` // from 1, in the order of Invoked
	Call
	Answer
	Invoked  time.Duration `json:"invoked"`  // not after it was sent
	Returned time.Duration `json:"returned"` // not before the answer came. Invariant: Invoked <= Returned.
}

// Reads reports whether the operation asks and changes nothing but the time of the last access.
func (o *Operation) Reads() bool { return o.Kind == Load || o.Kind == Read || o.Kind == List }

// Writes reports whether the operation sets the attribute Attr.
func (o *Operation) Writes() bool {
	return o.Kind == Add || o.Kind == Increment || o.Kind == Write || o.Kind == Create && o.Attr != ""
}

// MayCount reports whether the operation took effect or may have.
func (o *Operation) MayCount() bool { return o.Outcome == OK || o.Outcome == Unknown }

// Answered reports whether the store served the operation, be it with a no.
func (o *Operation) Answered() bool { return o.Outcome == OK || o.Outcome == Refused }
