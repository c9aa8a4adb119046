// Package bench measures a cluster of real processes on loopback while something happens to it: a node dies, one joins,
// every one restarts. `sessnode bench` runs its scenarios, docs/BENCHMARKS.md shows what came out.
//
// A scenario starts `sessnode serve` processes with default settings and drives an open-loop load through the client
// library: requests are due at a fixed rate whatever became of those before, and a latency counts from when the request was
// due. Each request reads a session's counter, checks it, and commits one more; what was ever acknowledged must be read
// from then on. Scenarios return their figures beside the targets; see [Scenarios] and [Result].
//
// It owns the processes that it starts, by their ids; all are dead when a scenario returns, whatever ended it. What it does
// not do: compare with other products, or judge a history beyond counters; package chaos does that.
package bench
