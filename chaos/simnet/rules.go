package simnet

import "net/netip"

// route is one direction between two hosts. In a pattern, a zero address stands for every host.
type route struct {
	from, to netip.Addr
}

// rules holds one setting of all links. The pattern set last wins, however wide it is.
type rules[T any] struct {
	byPattern map[route]rule[T] // Invariant: holds the pattern for every route.
	last      uint64
}

type rule[T any] struct {
	value T
	seq   uint64
}

func newRules[T any](initial T) *rules[T] {
	r := &rules[T]{byPattern: make(map[route]rule[T])}
	r.set(route{}, initial)
	return r
}

func (r *rules[T]) set(pattern route, value T) {
	if pattern == (route{}) {
		clear(r.byPattern) // nothing set before can win again
	}
	r.last++
	r.byPattern[pattern] = rule[T]{value, r.last}
}

func (r *rules[T]) get(rt route) T {
	var newest rule[T]
	for _, pattern := range [...]route{rt, {from: rt.from}, {to: rt.to}, {}} {
		if found := r.byPattern[pattern]; found.seq > newest.seq {
			newest = found
		}
	}
	return newest.value
}

// matches reports whether a pattern covers a route.
func (pattern route) matches(rt route) bool {
	return (!pattern.from.IsValid() || pattern.from == rt.from) && (!pattern.to.IsValid() || pattern.to == rt.to)
}
