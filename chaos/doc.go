// Package chaos breaks a real cluster and has the history judge it: `sessnode chaos run`. Or it keeps one up for somebody to break
// by hand: `sessnode chaos lab`.
//
// [Run] starts serve processes with default settings in a network of package chaos/lab, lets clients in places of their own
// work on sessions, does the faults of a [Schedule] to nodes and network meanwhile, heals everything, reads every session
// once more through each node, and has package chaos/check judge what was recorded. [Draw] makes a schedule from a seed,
// [ParseSchedule] reads one.
//
// [Keep] starts a cluster in the same way and does what [Give] asks of it, with the same faults; nobody judges.
//
// What it guarantees: an operation is in the history before it is sent; an answer that is not one is recorded as unknown,
// never as a refusal. A fault of a run that loses a node begins only when every slot has its copies again. What it started is gone
// when Run or Keep returns, also when the context ends early; then what there is of a run is judged. Run returns even if it hangs,
// some time after the load, with ErrHung.
//
// What it owns: the processes, the lab, the directory of the nodes' logs and state, and the goroutines of the load.
//
// What it does not do: decide what is a violation, or know how the store works. It asks nodes for their status to find out
// when they are one cluster again, and for their lists of conflicts, as an operator can.
package chaos
