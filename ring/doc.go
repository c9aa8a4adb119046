// Package ring computes the home of every slot: which member should be its primary and which its backups.
//
// Compute is a pure function from a configuration and a set of members to a Table; every node computes the same table
// without asking anyone. Compare says what a change of membership moves, and Preview does so for members made up on the
// spot.
//
// # Rule
//
// Primaries come from consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam, 2016) in
// github.com/buraksezer/consistent over xxHash. The backups follow from one rule: each copy of a slot goes to its heir,
// the member that would own the slot in the ring without the members that hold the copies before it. As long as every
// copy still to be placed can have a zone of its own, the zones of those members are left out too. A member without a
// zone is a zone of its own.
//
// # Guarantees
//
//   - The table depends on nothing but the configuration and the set of members.
//   - A slot has min(1+Backups, members) different replicas, in as many different zones as there are, if fewer.
//   - No member is primary of more than ceil(Load × Slots / members) slots.
//   - Without zones: if a primary leaves, the slot's new primary is its first backup; if it leaves together with the first
//     backup, the second; and so on. With zones, and at least as many of them as replicas, the new primary holds a copy
//     when the primary's whole zone leaves. When one node of a zone leaves, the new primary may be in the same zone and
//     hold no copy yet: spreading the copies comes first. With equal zones about 1 of 2 new primaries hold one with 2 zones,
//     2 of 3 with 3, 5 of 6 with 5; with fewer zones than replicas, all.
//   - What a node leaves behind spreads over the others, for its primaries as for its copies.
//   - With 30 or more slots for each member, a member that leaves moves at most 1.2 times the copies that it must, and so
//     does a member that joins, but for the few that the hash gives far more than their fair share. This is measured, not
//     proved: see DefaultLoad.
//
// # Not here
//
// The slot of a session is computed in package replica. Home is where slots should be; who holds them at the moment is a
// matter of claims, in the packages replica and failover. This package starts no goroutine, reads no clock and keeps no
// state; it owns nothing but the tables it returns.
package ring
