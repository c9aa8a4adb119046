package node

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sessnode/sessnode/replica"
)

// Forgotten answers the command "forget".
type Forgotten struct {
	Node string `json:"node"`
	Name string `json:"name"` // of the member that is gone
	Knew bool   `json:"knew"` // this node looked for it until now
}

// Forget makes this node look no more for a member that will never return; other members have to be told as well. It
// reports whether the node looked for it; a living member is an error. A member that returns all the same is let in.
func (n *Node) Forget(name string) (knew bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	doc, refused := n.forget(name)
	return doc.Knew, refused.Err()
}

// forget is Forget with the node's mutex held.
func (n *Node) forget(name string) (Forgotten, replica.Result) {
	doc := Forgotten{Node: n.self.Name, Name: name}
	if i := slices.IndexFunc(n.members, func(m replica.Member) bool { return m.Name == name }); i >= 0 {
		return doc, replica.Result{Status: replica.StatusBadRequest, Detail: fmt.Sprintf(
			"%s is alive at %s: drain it instead", name, n.members[i].Addr)}
	}
	a, knew := n.known[name]
	if doc.Knew = knew; knew {
		delete(n.known, name)
		n.forgotten[a.addr] = true
		n.unsaved = true
		n.gossip.wake() // follow writes it down
		n.log.Info("member forgotten: nobody looks for it any more", "member", name, "address", a.addr)
	}
	return doc, replica.Result{}
}

// isUnsaved reports whether known is to be written down.
func (n *Node) isUnsaved() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.unsaved
}

// missed notes, when the members become those given, who is gone since when. Who left in good order is looked for no
// more. The node's mutex is held.
func (n *Node) missed(members []replica.Member) {
	for _, m := range n.members {
		stays := slices.ContainsFunc(members, func(s replica.Member) bool { return s.Name == m.Name })
		switch a, known := n.known[m.Name]; {
		case n.core.HasLeft(m.Boot):
			delete(n.known, m.Name)
		case known && !stays:
			n.known[m.Name] = acquaintance{a.addr, n.cfg.Clock().Wall}
		}
	}
}

// absent lists the members that are known and not alive. The node's mutex is held.
func (n *Node) absent() []MissingStatus {
	gone := []MissingStatus{}
	for name, a := range n.known {
		if slices.ContainsFunc(n.members, func(m replica.Member) bool { return m.Name == name }) {
			continue
		}
		m := MissingStatus{Name: name, Address: a.addr}
		if a.since != 0 {
			m.Since = timeOf(a.since)
		}
		gone = append(gone, m)
	}
	slices.SortFunc(gone, func(a, b MissingStatus) int { return strings.Compare(a.Name, b.Name) })
	return gone
}
