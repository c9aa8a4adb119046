//go:build !race

package failover_test

const underRace = false
