package ring

import (
	"fmt"
	"testing"
)

// BenchmarkCompute measures a table of the default size with two backups. Wanted: under 30 ms for 10 members, 1 s for 100.
func BenchmarkCompute(b *testing.B) {
	for _, count := range []int{3, 10, 100} {
		b.Run(fmt.Sprintf("members=%d", count), func(b *testing.B) {
			list := members(count, 0)
			for b.Loop() {
				mustCompute(b, Config{Backups: 2}, list)
			}
		})
	}
}

// BenchmarkReplicas measures a look-up.
func BenchmarkReplicas(b *testing.B) {
	table := mustCompute(b, Config{Backups: 2}, members(10, 0))
	slot := 0
	for b.Loop() {
		_ = table.Replicas(slot % DefaultSlots)
		slot++
	}
}
