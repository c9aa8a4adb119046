// Package check judges the history of a chaos run (package chaos/history) by what sessnode promises, and by nothing else:
// it knows operations, faults and splits, not slots, claims or leases.
//
// A [Judge] looks at one history. Each of its methods is one checker and returns one [Verdict]:
//
//	Lost          G1  what was acknowledged is there at the end
//	Resurrected   G2  a destroyed session stays destroyed
//	Locks         G3  fencing tokens rise, and nobody holds a lock with another
//	Stale         G4  a read returns no less than was acknowledged or read before
//	Linearizable  G4  each register behaves like one variable
//	Healed        G5  what a merge gave up is in the list of conflicts, and nothing else is
//	Counters      G6  an increment takes effect once
//	Expiry        G9  sessions expire neither early nor late
//	Converged     G12 after the last heal every node gives the same answers
//	Available         limits on how long a session went without an answer, if there are any
//
// How a checker decides where the clients do not know: what may be so is never a violation. An operation takes effect at
// some moment between its call and its answer; with an unknown outcome it may do so, once, until its NotAfter or the end.
// Between two operations of which one lies in a split nothing is asked but that the same side goes on with what it
// acknowledged itself. A split counts until the nodes were seen to be one cluster again. What was acknowledged with c
// copies may be missing after c crashes between which redundancy had no time to be restored; this is counted as excused. A
// read may also miss what lies on processes that stand still, until they go on; at the end it has to be there.
//
// What it guarantees: "ok" means that every operation that the checker is about was looked at. Where there was none, or
// where time or information did not suffice, the verdict says that instead.
//
// What it does not do: run anything, look at a clock (porcupine, which searches for linearizations, does, and starts
// goroutines that end with the search), or change the history.
package check
