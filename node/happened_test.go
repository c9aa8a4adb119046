package node

import (
	"testing"
	"time"
)

// What happens again within two seconds is added to what happened; the rest is kept in order, 200 at most.
func TestHappeningsAreBounded(t *testing.T) {
	var h happenings
	now := time.UnixMilli(0)
	h.add(now, "slot promoted", "n1", 3)
	h.add(now, "slot promoted", "n2", 1)
	h.add(now.Add(time.Second), "slot promoted", "n1", 4)
	if len(h.kept) != 2 || h.kept[1].Count != 7 || h.kept[1].ID != 1 || h.kept[1].Number != 3 {
		t.Errorf("kept are %+v", h.kept)
	}
	for i := range 1000 {
		h.add(now.Add(time.Duration(i)*time.Minute), happenedDown, "n3", 1)
	}
	if len(h.kept) != 200 || h.kept[199].Number != 1003 || h.kept[0].Number != 804 || !h.kept[0].Grave {
		t.Errorf("%d are kept, %+v to %+v", len(h.kept), h.kept[0], h.kept[len(h.kept)-1])
	}
}

// Who does not read is not waited for and costs no more than one token.
func TestHappeningsWake(t *testing.T) {
	w := make(chan struct{}, 1)
	h := happenings{wakers: map[chan struct{}]bool{w: true}}
	for range 10 {
		h.add(time.UnixMilli(0), happenedUp, "n1", 1)
	}
	if len(w) != 1 {
		t.Errorf("%d tokens", len(w))
	}
}
