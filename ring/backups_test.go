package ring

import (
	"slices"
	"testing"
)

// TestBackupsAreHeirs takes a slot's replicas away one after the other: each time the next is the new primary. With fewer
// zones than replicas that is promised of the first only.
func TestBackupsAreHeirs(t *testing.T) {
	for _, test := range []struct{ members, zones, goneMax int }{{2, 0, 2}, {3, 0, 2}, {10, 0, 2}, {30, 0, 2}, {6, 2, 1}, {6, 1, 1}} {
		list := members(test.members, test.zones)
		table := mustCompute(t, Config{Backups: 2}, list)
		for slot := 0; slot < table.Slots(); slot += 100 {
			replicas := table.Replicas(slot)
			for gone := 1; gone <= min(test.goneMax, len(replicas)-1); gone++ {
				after := mustCompute(t, Config{}, without(list, replicas[:gone]...))
				if got, want := after.Replicas(slot)[0], replicas[gone]; got != want {
					t.Fatalf("%+v, slot %d of %q: with %q gone the primary is %q", test, slot, replicas, replicas[:gone], got)
				}
			}
		}
	}
}

// TestZoneDies takes a whole zone away: each slot that it led has a new primary that holds a copy.
func TestZoneDies(t *testing.T) {
	for _, zones := range []int{2, 3, 5} {
		for _, backups := range []int{1, 2} {
			cfg := Config{Backups: backups}
			list := members(10, zones)
			before := mustCompute(t, cfg, list)
			for zone := range zones {
				gone := slices.DeleteFunc(slices.Clone(list), func(m Member) bool { return m.Zone != list[zone].Zone })
				var names []string
				for _, m := range gone {
					names = append(names, m.Name)
				}
				change := Compare(before, mustCompute(t, cfg, without(list, names...)))
				// With a spare copy beyond the zones the first backup may be in the zone that dies.
				if change.HeirsWithCopy != 1 && 1+backups <= zones {
					t.Errorf("%d zones, %d backups, without %s: heirs with copy %.3f",
						zones, backups, list[zone].Zone, change.HeirsWithCopy)
				}
			}
		}
	}
}

// TestBackupsSpread looks at the members that back up the primaries of one: none has so many that its load would double.
func TestBackupsSpread(t *testing.T) {
	for _, test := range []struct {
		members, zones int
		shareMax       float64 // Of one member's slots, backed up first by one other.
	}{{5, 0, 0.45}, {10, 0, 0.30}, {30, 0, 0.25}, {9, 3, 0.35}, {30, 3, 0.25}} {
		table := mustCompute(t, Config{Backups: 1}, members(test.members, test.zones))
		primaries, pairs := make(map[string]int), make(map[[2]string]int)
		for slot := range table.Slots() {
			replicas := table.Replicas(slot)
			primaries[replicas[0]]++
			pairs[[2]string{replicas[0], replicas[1]}]++
		}
		for pair, count := range pairs {
			if share := float64(count) / float64(primaries[pair[0]]); share > test.shareMax {
				t.Errorf("%d members, %d zones: %s backs up %.0f %% of the slots of %s, want at most %.0f %%",
					test.members, test.zones, pair[1], 100*share, pair[0], 100*test.shareMax)
			}
		}
	}
}
