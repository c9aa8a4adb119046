//go:build race

package node_test

// underRace: virtual time passes many times more slowly.
const underRace = true

// longBubble is why a test of hours, or of many nodes for minutes, does not run under the race detector: a bubble runs its
// timers on one goroutine, and the detector's own record of that goroutine's calls grows until the detector crashes, in
// StackDepot (golang.org/issue/78156, Go 1.26). The tests run without it, and shorter ones run the same code with it.
const longBubble = "the race detector crashes in a bubble that runs for long: golang.org/issue/78156"
