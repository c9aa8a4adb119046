// Package node assembles a member of the cluster: gossip, connections, the failover core and the clock that drives it.
//
// [New] opens the socket, [Node.Run] joins or founds a cluster and serves until it is told to stop, then leaves in good
// order; [Node.Close] stops at once. A Node embeds in an application's process: its Load and Commit satisfy the
// client's Store, without a network for the slots whose primary is this node.
//
// One mutex guards the core (package failover). Whoever brings something, a connection's reader, the ticker or a caller
// of Load, steps the core under it, queues the messages that the step leaves, and never blocks on the network while
// holding it. The goroutines are: a reader and a writer per lane of each connection (package wire), one link per member
// with a higher boot, the ticker, the membership loop, the rejoin loop, the prober of silent members' ports, the acceptor,
// and memberlist's own.
//
// What it does not do: decide anything about slots (package failover), or know what a session is (package replica).
package node
