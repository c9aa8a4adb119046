package simnet

import (
	"fmt"
	"net/netip"
	"time"
)

// Any stands for every host, those that appear later included.
const Any = "*"

// Cut drops every packet between a and b, both ways, those under way included. Senders see no error.
func (n *Network) Cut(a, b string) {
	n.setCuts(true, mustRoute(a, b), mustRoute(b, a))
}

// CutOneWay drops every packet from one host to another, those under way included; the way back stays open.
func (n *Network) CutOneWay(from, to string) {
	n.setCuts(true, mustRoute(from, to))
}

// Uncut opens both ways between a and b again. Uncut(host, Any) brings an isolated host back.
func (n *Network) Uncut(a, b string) {
	n.setCuts(false, mustRoute(a, b), mustRoute(b, a))
}

// UncutOneWay opens the way from one host to another again.
func (n *Network) UncutOneWay(from, to string) {
	n.setCuts(false, mustRoute(from, to))
}

// Isolate cuts a host off from all others, both ways: the pulled cord.
func (n *Network) Isolate(host string) {
	n.Cut(host, Any)
}

// Partition cuts every host of one group off from those of all other groups and joins those of its own. Hosts named in
// no group keep the links that they have, to all sides.
func (n *Network) Partition(groups ...[]string) {
	var apart, together []route
	for i, group := range groups {
		for j, other := range groups {
			if i == j {
				together = append(together, routes(group, other)...)
			} else {
				apart = append(apart, routes(group, other)...)
			}
		}
	}
	n.setCuts(true, apart...)
	n.setCuts(false, together...)
}

// Heal undoes every cut, isolation and partition. Latency, loss and the like stay.
func (n *Network) Heal() {
	n.setCuts(false, route{})
}

// SetLatency makes packets from one host to another take latency and up to jitter more. Packets under way keep the
// delay that they left with, so faster ones may overtake them.
func (n *Network) SetLatency(from, to string, latency, jitter time.Duration) {
	if latency < 0 || jitter < 0 {
		panic(fmt.Sprintf("simnet: latency %v with jitter %v, want 0 or more", latency, jitter))
	}
	set(n, n.delays, delay{latency, jitter}, mustRoute(from, to))
}

// SetLoss makes packets from one host to another vanish with probability p.
func (n *Network) SetLoss(from, to string, p float64) {
	set(n, n.losses, mustProbability(p), mustRoute(from, to))
}

// SetDuplicate makes packets from one host to another arrive twice with probability p.
func (n *Network) SetDuplicate(from, to string, p float64) {
	set(n, n.duplicates, mustProbability(p), mustRoute(from, to))
}

// SetReorder makes packets from one host to another be overtaken by later ones with probability p.
func (n *Network) SetReorder(from, to string, p float64) {
	set(n, n.reorders, mustProbability(p), mustRoute(from, to))
}

func (n *Network) setCuts(cut bool, patterns ...route) {
	set(n, n.cuts, cut, patterns...)
}

// set changes one setting for all patterns in one step.
func set[T any](n *Network, r *rules[T], value T, patterns ...route) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, pattern := range patterns {
		r.set(pattern, value)
	}
	n.generation++
}

// routes returns the routes from each of one list to each of another.
func routes(from, to []string) []route {
	var all []route
	for _, f := range from {
		for _, t := range to {
			all = append(all, mustRoute(f, t))
		}
	}
	return all
}

func mustRoute(from, to string) route {
	return route{mustHost(from), mustHost(to)}
}

func mustHost(host string) netip.Addr {
	if host == Any {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		panic(fmt.Sprintf("simnet: host %q is no IP address", host))
	}
	return addr.Unmap()
}

func mustProbability(p float64) float64 {
	if !isProbability(p) {
		panic(fmt.Sprintf("simnet: %v is no probability", p))
	}
	return p
}
