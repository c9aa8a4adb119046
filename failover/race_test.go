//go:build race

package failover_test

// underRace: the simulator runs on one goroutine, where the race detector finds nothing and costs ten times the time.
const underRace = true
