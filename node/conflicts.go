package node

import (
	"cmp"
	"slices"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// conflictsMax bounds the conflicts that are kept; the oldest goes first.
const conflictsMax = 1000

// Conflicts is the writes that a node gave up when it merged the sides of a split, or that a member gave up which has left and
// handed its list over: those found last, and how many there were since its start. Its JSON form answers the command "conflicts".
type Conflicts struct {
	Node  string           `json:"node"`
	Total uint64           `json:"total"`
	Kept  []ConflictStatus `json:"kept"` // oldest first, 1,000 at most; never nil
}

// ConflictStatus is one acknowledged write that was given up.
type ConflictStatus struct {
	Found       time.Time `json:"found"`
	Slot        uint32    `json:"slot"`
	App         string    `json:"app"`
	Session     string    `json:"session"`             // its id, shortened
	Attribute   string    `json:"attribute,omitempty"` // none: the session as a whole, or its settings
	Lost        string    `json:"lost"`                // stamp of the write given up
	LostWritten time.Time `json:"lost_written"`
	Kept        string    `json:"kept"` // stamp of what stands
	KeptWritten time.Time `json:"kept_written"`
	Why         string    `json:"why"`
}

// conflicts keeps what Conflicts tells. The node's mutex guards it.
type conflicts struct {
	kept  []replica.Conflict // oldest first. Invariant: no lost write twice.
	lost  map[lostWrite]bool // the writes of kept
	total uint64
}

// lostWrite names a write that was given up. A holder offers again what was not confirmed, and the merge finds it again.
type lostWrite struct {
	key   replica.Key
	attr  string
	stamp replica.Stamp
}

func writeOf(c *replica.Conflict) lostWrite { return lostWrite{c.Key, c.Attr, c.Lost} }

// add keeps a conflict and reports true, unless it is one of those kept already.
func (c *conflicts) add(found replica.Conflict) bool {
	if c.lost[writeOf(&found)] {
		return false
	}
	if c.lost == nil {
		c.lost = map[lostWrite]bool{}
	}
	if len(c.kept) == conflictsMax {
		delete(c.lost, writeOf(&c.kept[0]))
		c.kept = append(c.kept[:0], c.kept[1:]...)
	}
	c.kept = append(c.kept, found)
	c.lost[writeOf(&found)] = true
	c.total++
	return true
}

func (c *conflicts) describe(node string) Conflicts {
	all := Conflicts{Node: node, Total: c.total, Kept: []ConflictStatus{}}
	for _, k := range c.kept {
		all.Kept = append(all.Kept, ConflictStatus{
			Found: timeOf(k.Found), Slot: k.Slot, App: k.Key.App, Session: replica.ShortID(k.Key.ID), Attribute: k.Attr,
			Lost: k.Lost.String(), LostWritten: timeOf(k.Lost.Wall()),
			Kept: k.Kept.String(), KeptWritten: timeOf(k.Kept.Wall()), Why: k.Cause.String(),
		})
	}
	return all
}

// Conflicts is the writes that this node gave up in merges since its start.
func (n *Node) Conflicts() Conflicts {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.conflicts.describe(n.self.Name)
}

// noteConflicts keeps and logs the conflicts of one step. The node's mutex is held.
func (n *Node) noteConflicts(found []replica.Conflict) {
	for _, c := range found {
		c.Found = n.cfg.Clock().Wall
		if !n.conflicts.add(c) {
			continue
		}
		args := []any{"slot", c.Slot, "session", c.Key.String(), "lost", c.Lost.String(), "kept", c.Kept.String(), "why", c.Cause.String()}
		if c.Attr != "" {
			args = append(args, "attribute", c.Attr)
		}
		n.log.Warn(happenedConflict, args...)
		n.happen(happenedConflict, 0, 1)
	}
}

// bequeath hands the list to a member that stays, if there is one: this node is about to leave. The node's mutex is held.
func (n *Node) bequeath() {
	if n.conflicts.total == 0 {
		return
	}
	for _, m := range n.core.Members() {
		if m.Boot == n.self.Boot || m.Draining || n.conns.to(m.Boot) == nil {
			continue
		}
		n.effects.Send = append(n.effects.Send, replica.Envelope{To: m.Boot, Msg: &replica.GivenUp{
			Conflicts: n.conflicts.kept, Older: n.conflicts.total - uint64(len(n.conflicts.kept)),
		}})
		return
	}
	n.log.Warn("no member takes over the list of writes given up in merges", "listed", len(n.conflicts.kept))
}

// inherit takes the list of a member that leaves. The node's mutex is held.
func (n *Node) inherit(m *replica.GivenUp) {
	for _, c := range m.Conflicts {
		n.conflicts.add(c)
	}
	slices.SortStableFunc(n.conflicts.kept, func(a, b replica.Conflict) int { return cmp.Compare(a.Found, b.Found) })
	n.conflicts.total += m.Older
}

func timeOf(wall int64) time.Time { return time.UnixMilli(wall).UTC() }
