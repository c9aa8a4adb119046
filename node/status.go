package node

// Status is what a node sees of itself and the cluster, as an operator reads it. Its JSON form is what `sessnode
// status -json` prints.
type Status struct {
	Node    string         `json:"node"`
	Boot    string         `json:"boot"`
	Address string         `json:"address"`
	Cluster string         `json:"cluster"` // empty: belongs to none yet
	Ready   bool           `json:"ready"`
	Reason  string         `json:"reason,omitempty"` // why it is not ready
	Members []MemberStatus `json:"members"`          // in the order of names, this node included
	Slots   SlotStatus     `json:"slots"`
	Held    HeldStatus     `json:"held"`
	// Events counts what happened on this node since its start, by the name under which it is logged.
	Events map[string]uint64 `json:"events"`
}

// MemberStatus is one member believed alive.
type MemberStatus struct {
	Name      string `json:"name"`
	Boot      string `json:"boot"`
	Address   string `json:"address"`
	Zone      string `json:"zone,omitempty"`
	Primary   int    `json:"primary"`   // slots of which it is acting primary
	Backup    int    `json:"backup"`    // slots of which it is acting backup
	Connected bool   `json:"connected"` // this node has a connection to it, or is it
}

// SlotStatus counts the cluster's slots as this node knows them.
type SlotStatus struct {
	Total     int `json:"total"`
	Unclaimed int `json:"unclaimed"`
	Short     int `json:"short"` // with fewer backups than there should be
	Dead      int `json:"dead"`  // whose primary is no living member
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
