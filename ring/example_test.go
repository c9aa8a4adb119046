package ring_test

import (
	"fmt"
	"log"

	"github.com/sessnode/sessnode/ring"
)

func Example() {
	cfg := ring.Config{Backups: 1}
	before, err := ring.Compute(cfg, []ring.Member{{Name: "ash"}, {Name: "birch"}, {Name: "cedar"}, {Name: "elm"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("home of slot 7:", before.Replicas(7))

	after, err := ring.Compute(cfg, []ring.Member{{Name: "ash"}, {Name: "birch"}, {Name: "cedar"}})
	if err != nil {
		log.Fatal(err)
	}
	change := ring.Compare(before, after)
	fmt.Printf("without elm: %d copies move, at least %d must\n", change.CopiesMoved, change.CopiesMovedMinimum)
	fmt.Printf("new primaries that hold a copy already: %.0f %%\n", 100*change.HeirsWithCopy)
	// Output:
	// home of slot 7: [cedar ash]
	// without elm: 507 copies move, at least 507 must
	// new primaries that hold a copy already: 100 %
}

func ExamplePreview() {
	change, err := ring.Preview(ring.Config{Backups: 2}, ring.Scenario{Members: 12, Leave: "node-03"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d copies move, at least %d must\n", change.CopiesMoved, change.CopiesMovedMinimum)
	for _, m := range change.Members[:4] {
		fmt.Printf("%s: primaries %d -> %d, copies %d -> %d\n",
			m.Name, m.PrimariesBefore, m.PrimariesAfter, m.CopiesBefore, m.CopiesAfter)
	}
	// Output:
	// 252 copies move, at least 252 must
	// node-01: primaries 90 -> 103, copies 269 -> 298
	// node-02: primaries 98 -> 107, copies 253 -> 273
	// node-03: primaries 75 -> 0, copies 252 -> 0
	// node-04: primaries 89 -> 95, copies 268 -> 284
}
