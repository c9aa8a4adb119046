package replica_test

import (
	"fmt"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// A primary with one backup: a commit is answered, and visible, when the backup has it.
func Example() {
	newSlot := func(boot replica.Boot) *replica.Slot {
		return replica.NewSlot(0, &replica.Config{
			Slots: 1, Limits: replica.Limits{}.WithDefaults(), MinCopies: 2, Clock: &replica.Clock{Boot: boot},
		})
	}
	primary, backup := newSlot(1), newSlot(2)
	now := replica.Instant{Mono: time.Hour, Wall: 1_700_000_000_000}
	claim := replica.Claim{Epoch: 1, Primary: 1, Backups: []replica.Boot{2}}
	var fx replica.Effects
	backup.Follow(claim, &fx)
	primary.Lead(now, claim, []uint64{0}, &fx)

	key := replica.Key{App: "shop", ID: "an-id"}
	primary.Commit(now, 1, &replica.Commit{
		Key: key, Create: true, NotAfter: now.Wall + 5_000,
		Changes: []replica.Change{{Name: "items", Value: []byte("3")}},
	}, &fx)
	primary.Load(now, 2, &replica.Load{Key: key}, &fx)
	fmt.Println("before:", fx.Done[0].Result.Err())

	update := fx.Send[0].Msg.(*replica.Update) // what travels to the backup
	fx.Reset()
	backup.Update(now, update)
	backup.FlushAck(&fx)
	ack := fx.Send[0].Msg.(*replica.Ack) // and back
	primary.Ack(now, 2, ack, &fx)
	fmt.Println("commit:", fx.Done[0].Result.Copies, "copies")

	primary.Load(now, 3, &replica.Load{Key: key}, &fx)
	items, _ := fx.Done[1].Result.Session.Get("items")
	fmt.Printf("after: items=%s\n", items)
	// Output:
	// before: no such session
	// commit: 2 copies
	// after: items=3
}
