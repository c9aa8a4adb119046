package wire

import (
	"testing"

	"github.com/sessnode/sessnode/replica"
)

func TestLaneUsesItsBuffersAgain(t *testing.T) {
	l := newLane(1, nil, 1<<20, 1<<20)
	var frame Appender = encoded(AppendMessage(nil, &replica.Ack{Slot: 1, Head: 2}, 0))
	for _, during := range []int{0, 1, 3} { // frames that are sent while a batch is written
		allocations := testing.AllocsPerRun(100, func() {
			send := func() {
				if err := l.send(frame); err != nil {
					t.Fatal(err)
				}
			}
			send()
			for n := 0; ; n++ {
				batch, _ := l.take()
				if len(batch) == 0 {
					break
				}
				if n == 0 {
					for range during {
						send()
					}
				}
				l.release(batch)
			}
		})
		if allocations != 0 {
			t.Errorf("%d frames during a write: %v allocations", during, allocations)
		}
		if during == 0 && l.spare != nil {
			t.Error("a lane that is never ahead of its writer has two buffers")
		}
	}
}
