package node

import "time"

// Status is what a node sees of itself and the cluster, as an operator reads it. Its JSON form is what `sessnode
// status -json` prints.
type Status struct {
	Node    string `json:"node"`
	Boot    string `json:"boot"`
	Address string `json:"address"`
	Cluster string `json:"cluster"` // empty: belongs to none yet
	Ready   bool   `json:"ready"`
	Reason  string `json:"reason,omitempty"` // why it is not ready
	Admin   string `json:"admin,omitempty"`  // where its admin listener is; empty: it has none
	Version string `json:"version"`          // of the module, as the go command recorded it

	Clock time.Time `json:"clock"` // its time of day
	// ClockAheadMS is by how many milliseconds that is ahead of what most members agree on, or, if they do not, of the clock
	// that differs most; negative: behind.
	ClockAheadMS int64 `json:"clock_ahead_ms"`
	// ClockState is what follows from it: ClockOff, ClocksDiffer, or empty if nothing does.
	ClockState string `json:"clock_state,omitempty"`

	Members []MemberStatus  `json:"members"` // in the order of names, this node included
	Missing []MissingStatus `json:"missing"` // in the order of names; never nil
	Slots   SlotStatus      `json:"slots"`
	Held    HeldStatus      `json:"held"`

	Draining bool           `json:"draining"` // it hands over what it holds, and leaves then
	Progress ProgressStatus `json:"progress"`

	Backups    int          `json:"backups"`               // copies of each session besides the primary, as configured
	Split      string       `json:"split"`                 // the policy, see Config.Split
	MinMembers int          `json:"min_members,omitempty"` // that must be alive to take commits
	Memory     MemoryStatus `json:"memory"`
	Conflicts  uint64       `json:"conflicts"` // acknowledged writes given up in merges since the start

	// Warnings is what an operator should know of or do something about, each with what to do; never nil.
	Warnings []string `json:"warnings"`
	// Events counts what happened on this node since its start, by the name under which it is logged.
	Events map[string]uint64 `json:"events"`
}

// MemoryStatus is what the sessions on this node take, see Config.MemoryBytes.
type MemoryStatus struct {
	UsedBytes  int `json:"used_bytes"`
	LimitBytes int `json:"limit_bytes,omitempty"` // 0: none
}

// MemberStatus is one member believed alive.
type MemberStatus struct {
	Name      string `json:"name"`
	Boot      string `json:"boot"`
	Address   string `json:"address"`
	Zone      string `json:"zone,omitempty"`
	Version   string `json:"version,omitempty"`   // of the module; empty: it is too old to tell
	Primary   int    `json:"primary"`             // slots of which it is acting primary
	Backup    int    `json:"backup"`              // slots of which it is acting backup
	Connected bool   `json:"connected"`           // this node has a connection to it, or is it
	Draining  bool   `json:"draining"`            // it hands over what it holds, and leaves then
	ClockOff  bool   `json:"clock_off,omitempty"` // its clock is off: it leads no slot
}

// The values of Status.ClockState besides the empty one.
const (
	ClockOff     = "off"    // most members agree on another time: the node leads no slot until it is right
	ClocksDiffer = "differ" // nobody can say whose is wrong: less than three clocks, or no majority
)

// MissingStatus is a member that did not leave in good order and is not alive: this node goes on looking for it.
type MissingStatus struct {
	Name    string    `json:"name"`
	Address string    `json:"address"`
	Since   time.Time `json:"since,omitzero"` // when it was seen last; zero: unknown
}

// ProgressStatus is what changes of membership still ask of the node itself, see failover.Progress.
type ProgressStatus struct {
	Restoring int `json:"restoring"` // copies that are missing and that it makes now
	Moving    int `json:"moving"`    // slots that it moves home now
	Left      int `json:"left"`      // slots that it still has to restore or move, those under way included
	LeftBytes int `json:"left_bytes"`
	// LeastSeconds is how long what is under way takes at least, at the byte budget.
	LeastSeconds float64 `json:"least_seconds"`
	SentBytes    uint64  `json:"sent_bytes"`        // since the start
	Waiting      string  `json:"waiting,omitempty"` // why the next step is not taken now
	Pauses       int     `json:"pauses"`            // hand-offs that the next two are of
	PauseP50MS   float64 `json:"pause_p50_ms"`      // how long a slot was served by nobody while it was handed over
	PauseP99MS   float64 `json:"pause_p99_ms"`
}

// SlotStatus counts the cluster's slots as this node knows them.
type SlotStatus struct {
	Total     int `json:"total"`
	Unclaimed int `json:"unclaimed"`
	// Short counts those with fewer backups than there should be: as configured, or as many as members that do not drain
	// leave room for.
	Short   int `json:"short"`
	Dead    int `json:"dead"`    // whose primary is no living member
	Sole    int `json:"sole"`    // of which one living node holds the only copy
	Reduced int `json:"reduced"` // with fewer backups than configured, however many members there are
	Home    int `json:"home"`    // whose primary and backups are those that the ring computes
}

// HeldStatus is what this node itself holds.
type HeldStatus struct {
	Primary  int `json:"primary"` // slots, by role
	Backup   int `json:"backup"`
	Learner  int `json:"learner"`
	Holder   int `json:"holder"`
	Sessions int `json:"sessions"` // live ones, in all slots that it holds
	Bytes    int `json:"bytes"`    // of their attributes
}
