package node

import (
	"github.com/sessnode/sessnode/cache"
	"github.com/sessnode/sessnode/replica"
)

// MarkDraining makes the node tell the others that it drains, without handing anything over or leaving.
func (n *Node) MarkDraining() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.draining = true
	n.gossip.wake()
}

// Seeking lists the addresses that the node looks for.
func (n *Node) Seeking() []string { return n.missing() }

// HomeOf is the name of a slot's home primary, for the members that the core was told.
func (n *Node) HomeOf(slot uint32) string {
	n.mu.Lock()
	members := n.members
	n.mu.Unlock()
	home, err := n.homeOf(members)
	if err != nil {
		panic(err)
	}
	return home.Replicas(int(slot))[0]
}

// CacheStats says what the node's own requests saved.
func (n *Node) CacheStats() cache.Stats { return n.cache.Stats() }

// GiveUp has the node list a write as given up.
func (n *Node) GiveUp(c replica.Conflict) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.noteConflicts([]replica.Conflict{c})
}

// ConsoleAnew is Console when nobody has looked for a while.
func ConsoleAnew(n *Node) {
	n.console.mu.Lock()
	n.console.shown = nil
	n.console.mu.Unlock()
	n.Console()
}

// Greeting is what the node says to whom it connects.
func (n *Node) Greeting() replica.Message {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.helloMessage()
}
