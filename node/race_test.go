//go:build race

package node_test

// underRace: virtual time passes many times more slowly.
const underRace = true
