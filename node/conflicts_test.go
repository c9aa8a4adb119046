package node

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
)

// noting is a node that does nothing but note what steps find.
func noting() (*Node, *bytes.Buffer) {
	var log bytes.Buffer
	clock := func() replica.Instant { return replica.Instant{Wall: 1_772_366_400_000} }
	return &Node{cfg: Config{Clock: clock}, core: new(failover.Core), log: slog.New(slog.NewTextHandler(&log, nil))}, &log
}

func conflict(i int) replica.Conflict {
	return replica.Conflict{
		Slot: 7, Key: replica.Key{App: "shop", ID: "tagtag.0123456789012345678901"}, Attr: fmt.Sprintf("a%d", i),
		Lost: replica.Stamp{Clock: 1000 << 16, Boot: 1}, Kept: replica.Stamp{Clock: 2000<<16 | 1, Boot: 2},
	}
}

func TestConflictsAreListedOnce(t *testing.T) {
	n, log := noting()
	for range 2 {
		n.effects.Conflicts = append(n.effects.Conflicts, conflict(1), conflict(2), conflict(1))
		n.dispatch(n.cfg.Clock())
		if len(n.effects.Conflicts) > 0 {
			t.Fatal("the effects were not reset")
		}
	}
	got := n.Conflicts()
	if got.Total != 2 || len(got.Kept) != 2 {
		t.Fatalf("conflicts are %+v", got)
	}
	want := ConflictStatus{
		Found: time.UnixMilli(1_772_366_400_000).UTC(), Slot: 7, App: "shop", Session: "tagtag.0…", Attribute: "a1",
		Lost: "0000000003e80000-0000000000000001", LostWritten: time.UnixMilli(1000).UTC(),
		Kept: "0000000007d00001-0000000000000002", KeptWritten: time.UnixMilli(2000).UTC(),
		Why: "the other side wrote the attribute later",
	}
	if got.Kept[0] != want {
		t.Errorf("conflict is\n%+v, want\n%+v", got.Kept[0], want)
	}
	text := log.String()
	if strings.Count(text, "level=WARN") != 2 || !strings.Contains(text, "session=shop/tagtag.0…") || strings.Contains(text, "0123456789") {
		t.Errorf("the log is\n%s", text)
	}
}

// The list is bounded, the count is not; what went out of the list is news when it comes again.
func TestConflictsAreBounded(t *testing.T) {
	n, _ := noting()
	for i := range conflictsMax + 5 {
		n.effects.Conflicts = append(n.effects.Conflicts, conflict(i))
	}
	n.dispatch(n.cfg.Clock())
	got := n.Conflicts()
	if got.Total != conflictsMax+5 || len(got.Kept) != conflictsMax || got.Kept[0].Attribute != "a5" {
		t.Fatalf("%d of %d kept, from %s", len(got.Kept), got.Total, got.Kept[0].Attribute)
	}
	if len(n.conflicts.lost) != conflictsMax {
		t.Errorf("%d writes are remembered", len(n.conflicts.lost))
	}
	n.effects.Conflicts = append(n.effects.Conflicts, conflict(0), conflict(1000))
	n.dispatch(n.cfg.Clock())
	if total := n.Conflicts().Total; total != conflictsMax+6 {
		t.Errorf("total is %d", total)
	}
}
