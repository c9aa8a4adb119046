// Package replica holds one slot's sessions on one node and keeps the copies of a slot equal.
//
// It is pure: every function is told the time, opens nothing, starts nothing, and leaves what must happen outside
// (messages to send, requests to answer) as values in [Effects]. The same code therefore runs in a node, in the replay
// tests and in an in-memory store.
//
// What it does: sessions as immutable versions that merge attribute by attribute ([Session], [Merge]); the commit path
// of a slot ([Slot]): the primary applies a commit to the newest version, keeps it pending and invisible until enough
// backups have it, and answers with the number of copies; a backup applies the same entries in the same order; request
// ids make a retry take effect once; idle and absolute expiry, by the primary only; tombstones.
//
// What it guarantees: a read never sees a commit that is not yet as durable as it was asked to be; entries are applied
// in order, without gaps, under the claim that the node knows to be the highest; merging is commutative, associative
// and idempotent; a destroyed session stays destroyed.
//
// What it does not do: decide who is primary (package failover), encode messages (package wire), or look at a clock.
package replica
