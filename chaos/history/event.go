package history

import (
	"strings"
	"time"
)

// Run says what was run.
type Run struct {
	Version string        `json:"version,omitempty"` // of the program under test
	Seed    uint64        `json:"seed,omitempty"`
	Began   time.Time     `json:"began,omitzero"`  // the moment from which all times count
	Length  time.Duration `json:"length"`          // no event is later. Filled in by the recorder.
	Nodes   int           `json:"nodes,omitempty"` // in the cluster; zero: not known, and taken for many
	Copies  int           `json:"copies"`          // of a session while all nodes live: a primary and its backups
}

// Kinds of faults that checkers know; any other text is a fault as well.
const (
	Kill  = "kill"  // processes ended without a word; what they held is gone
	Pause = "pause" // processes stood still, and went on
	Cut   = "cut"   // nodes could not reach each other; a Split says who
)

// Fault is something that was done to the cluster, and how it bit.
type Fault struct {
	Kind     string        `json:"kind"`
	Whom     []string      `json:"whom,omitempty"` // nodes and clients; each of a Kill is one process
	From     time.Duration `json:"from"`
	Until    time.Duration `json:"until"`               // when it was mended; of a Kill, when the node was back. Zero: never.
	Dropped  int64         `json:"dropped,omitempty"`   // packets
	InFlight int           `json:"in_flight,omitempty"` // operations under way as it began
	Begun    int           `json:"begun,omitempty"`     // operations that began while it lasted
	Missed   bool          `json:"missed,omitempty"`    // it is known to have hurt nothing, whatever was under way
	Note     string        `json:"note,omitempty"`
}

// Bit reports whether the fault is known to have hurt anything.
func (f *Fault) Bit() bool { return !f.Missed && (f.Dropped > 0 || f.InFlight > 0 || f.Begun > 0) }

// Split is a time in which not everybody could reach everybody else. Splits may follow each other and overlap in time.
type Split struct {
	From time.Duration `json:"from"` // the first packet that may have been dropped
	// Parted is from when on every packet was dropped; zero: as soon as the first. Before, a write may reach both sides.
	Parted time.Duration `json:"parted,omitempty"`
	Until  time.Duration `json:"until"` // the heal: packets may pass again; zero: never
	// Merged is when the nodes were seen to be one cluster again, each slot with one primary; zero: nobody looked.
	Merged time.Duration `json:"merged,omitempty"`
	// Sides are the nodes and clients of each side. Who could reach several sides is in each of them; who is in none
	// may have been anywhere.
	Sides [][]string `json:"sides"`
}

// Conflict is a write that a merge gave up, as `sessnode conflicts` lists it.
type Conflict struct {
	Node    string        `json:"node"`    // that listed it
	Session string        `json:"session"` // app/id, the id whole or cut off with "…"
	Attr    string        `json:"attr,omitempty"`
	Lost    string        `json:"lost"` // stamp of the write given up
	Kept    string        `json:"kept"` // stamp of what stands
	Why     string        `json:"why,omitempty"`
	At      time.Duration `json:"at"` // when it was listed
}

// Names reports whether the conflict may be about a session: ids are cut off in lists.
func (c *Conflict) Names(session string) bool {
	head, cutOff := strings.CutSuffix(c.Session, "…")
	return c.Session == session || cutOff && strings.HasPrefix(session, head)
}

// Final is one session read after the load had ended, from one node whatever its slot's primary is. It may be read often,
// from every node. It is no access: it does not slide the session's idle time-out.
type Final struct {
	Session  string            `json:"session"`
	Node     string            `json:"node"`
	Error    string            `json:"error,omitempty"` // not answered; nothing else is known then
	Gone     Gone              `json:"gone,omitempty"`
	Attrs    map[string]string `json:"attrs,omitempty"`
	Invoked  time.Duration     `json:"invoked"`
	Returned time.Duration     `json:"returned"`
}
