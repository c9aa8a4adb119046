// Package failover decides who holds each slot and keeps it so through crashes: one node's share of it, as a pure state
// machine.
//
// A [Core] is told the time, who is a member, what arrived and what clients want; it leaves messages and answers as
// values in replica.Effects. It owns the node's slots (package replica), the claims that it knows, the leases that it
// holds and grants, and the rounds of questions it asks before it deposes anybody. There is no coordinator: the acting
// primary alone drives its slot, and whoever wants to replace it asks every member first.
//
// What it guarantees: outside a split a slot has one serving primary at a time, because a primary serves only under a
// lease that its backups grant, a backup asks for the slot only when the lease that it granted has run out, and every
// live member that is asked either promises to fence what is lower or says why not. Inside a split each side goes on
// with what it holds.
//
// Changes go a little at a time: missing copies first, then what draining members hold, then slots that home wants
// elsewhere, within limits on bytes and slots, and not while membership or requests are unsteady; [Core.Progress] says
// what holds the next step back.
//
// What it does not do: talk to a network, keep time, or compute where slots should be (package ring does; see
// [Core.SetHome]).
package failover
