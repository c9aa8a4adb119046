// Package simnet is a UDP network in memory: hosts with addresses of their own, links with latency and loss, cuts and
// splits, for ordinary tests and for testing/synctest bubbles.
//
// A host is an IP address. [Network.Listen] opens a socket on it, a [net.PacketConn] that also serves as the Conn of a
// quic.Transport. Closing the socket is the host's sudden death as far as others can see: packets to it vanish without
// an error, and a later Listen on the same address is the restart.
//
// The methods that set faults take hosts as IP addresses without a port, or [Any]. Where two settings touch the same
// link, the one made last holds. They panic on anything else, for a fault that never bites makes a test pass that
// should not.
//
// What it guarantees: a packet arrives whole, unchanged and never before its link's latency; packets of one link keep
// their order unless Reorder picks them or SetLatency makes later ones faster; once a cut returns, nothing crosses it,
// packets under way included; every packet is counted exactly once in [Stats], so that a test can show that its fault
// bit. A host reaches itself at once, whatever the faults, so give each simulated machine its own address.
//
// What it does not do: bandwidth, congestion, ICMP, ECN, fragmentation, DNS. The dice come from a seed, but goroutines
// throw them in the scheduler's order: assert invariants, not traces.
//
// A Network owns one goroutine, which Close joins. In a bubble, create, use and close it inside the bubble.
package simnet
