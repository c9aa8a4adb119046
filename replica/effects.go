package replica

// Token names a request inside the node that answers it; the node chooses it and gets it back with the answer.
type Token uint64

// Envelope is a message on its way to a member.
type Envelope struct {
	To  Boot
	Msg Message
}

// Done is an answered request.
type Done struct {
	Token  Token
	Result Result
}

// Effects is what must happen outside after a step: the caller sends the messages in their order, without blocking,
// and hands the results to whoever waits. A message that cannot be queued may be dropped: every one is either sent
// again or missed by nobody.
type Effects struct {
	Send   []Envelope
	Done   []Done
	Events []Event
	// Conflicts is what merges after a split gave up; the same one may come again.
	Conflicts []Conflict
}

// Event is something that an operator may want to know.
type Event struct {
	Kind  EventKind
	Slot  uint32
	Epoch uint64
	Peer  Boot
	Key   Key    // zero, or the session concerned
	Count uint64 // what the kind says
}

// EventKind names an event.
type EventKind string

// The kinds that a slot reports by itself.
const (
	EventExpired EventKind = "session expired"
	EventMerged  EventKind = "sessions merged" // Count of them, offered by Peer
)

// Reset empties e and keeps its memory.
func (e *Effects) Reset() {
	clear(e.Send)
	clear(e.Done)
	clear(e.Events)
	clear(e.Conflicts)
	e.Send, e.Done, e.Events, e.Conflicts = e.Send[:0], e.Done[:0], e.Events[:0], e.Conflicts[:0]
}

func (e *Effects) send(to Boot, m Message) { e.Send = append(e.Send, Envelope{to, m}) }

func (e *Effects) done(t Token, r Result) { e.Done = append(e.Done, Done{t, r}) }

func (e *Effects) refuse(t Token, s Status, detail string) {
	e.done(t, Result{Status: s, Detail: detail})
}
