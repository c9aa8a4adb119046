package ring

import (
	"strings"
	"testing"
)

// FuzzCompute computes tables for whatever configuration and names: an error or a table that keeps its promises, never a
// panic.
func FuzzCompute(f *testing.F) {
	f.Add(0, 1, 0, 0.0, "a,b,c", "")
	f.Add(16, 2, 3, 1.0, "a,b,c,d,e,f", "x,x,y,y,z,")
	f.Add(7, 4, 1, 1e308, "\xff,\x00, ,ä", "x")
	f.Add(-1, -1, -1, -1.0, "a,a,", "")
	f.Add(1, 0, 1, 1.5, "a", "x")
	a, b := collidingNames()
	f.Add(4, 1, 1, 1.0, a+","+b, "")
	f.Fuzz(func(t *testing.T, slots, backups, virtualNodes int, load float64, names, zones string) {
		if slots > 512 || virtualNodes > 50 || len(names) > 1000 {
			t.Skip("valid, but slow")
		}
		cfg := Config{Slots: slots, Backups: backups, VirtualNodes: virtualNodes, Load: load}
		var list []Member
		zoneList := strings.Split(zones, ",")
		for i, name := range strings.Split(names, ",") {
			list = append(list, Member{Name: name, Zone: zoneList[i%len(zoneList)]})
		}
		table, err := Compute(cfg, list)
		if (err == nil) != (table != nil) {
			t.Fatalf("table %v, error %v", table, err)
		}
		if err != nil {
			return
		}
		checkTable(t, cfg, list, table)
		scenario := Scenario{Members: len(list), Leave: "node-01", Join: names}
		if _, err := Preview(cfg, scenario); err != nil && len(names) <= MaxNameBytes && !strings.HasPrefix(names, "node-") {
			t.Fatalf("Preview(%+v): %v", scenario, err)
		}
	})
}
