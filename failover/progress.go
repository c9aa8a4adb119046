package failover

import (
	"time"

	"github.com/sessnode/sessnode/replica"
)

// Progress is what changes of membership still ask of a node, and what holds the next step back.
type Progress struct {
	Restoring int // learners that this node fills because a copy is missing
	Moving    int // slots that this node is moving home: learners, hand-offs and surplus backups
	Left      int // slots of this node that are short of a copy or not at home, those under way included
	LeftBytes int // of the sessions that are still to be sent for the learners under way; an estimate

	// Waiting is why the next step is not taken now, as an operator reads it, such as "settling 6 s" or "byte budget";
	// empty when nothing waits.
	Waiting string

	SentBytes uint64          // of sessions to learners and acting primaries, since the start
	Pauses    []time.Duration // of the last hand-offs given by this node, oldest first: from surrender to the next claim
}

// Progress is how far the node is with what it has to move.
func (c *Core) Progress(now replica.Instant) Progress { return Progress{} }

// Drain makes the node hand over everything that it holds. The caller tells the others by gossip, so that nobody counts
// it in when home is computed; it goes on serving what it still holds.
func (c *Core) Drain(now replica.Instant) {}

// Drained reports whether a draining node has nothing left to hand over: no claim names it, or there is nobody to take
// what it has.
func (c *Core) Drained(now replica.Instant) bool { return true }

// Observe tells how long a request took that this node answered as primary. Moves pause while requests take much longer
// than they usually do.
func (c *Core) Observe(now replica.Instant, took time.Duration) {}
