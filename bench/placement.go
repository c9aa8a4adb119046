package bench

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// watchEvery is how precisely the watch knows when a slot moved.
const watchEvery = 5 * time.Millisecond

// placement is who holds a slot, as a client knows it.
type placement struct {
	epoch   uint64
	primary replica.Member
	backups []replica.Member
}

// holds reports whether a node of that name is a replica.
func (p placement) holds(name string) bool {
	return p.primary.Name == name || slices.ContainsFunc(p.backups, func(m replica.Member) bool { return m.Name == name })
}

// gained counts the replicas of p that were none before.
func (p placement) gained(before placement) int {
	had := func(m replica.Member) bool {
		return before.primary.Boot == m.Boot || slices.ContainsFunc(before.backups, func(b replica.Member) bool { return b.Boot == m.Boot })
	}
	gained := 0
	for _, m := range append([]replica.Member{p.primary}, p.backups...) {
		if m.Boot != 0 && !had(m) {
			gained++
		}
	}
	return gained
}

// change is a claim that a client learnt of.
type change struct {
	at            time.Time
	slot          uint32
	before, after placement
}

// watch follows the layout as a client library sees it. One goroutine runs it; stop joins it.
type watch struct {
	client *client.Client
	ids    []string // of each slot a session id
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex // guards the rest
	now     []placement
	changes []change
}

func newWatch(c *client.Client, ids []string) *watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{client: c, ids: ids, cancel: cancel, done: make(chan struct{}), now: make([]placement, len(ids))}
	w.look(time.Now())
	w.changes = nil
	go func() {
		defer close(w.done)
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				w.look(now)
			}
		}
	}()
	return w
}

func (w *watch) stop() {
	w.cancel()
	<-w.done
}

func (w *watch) look(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for slot, id := range w.ids {
		loc, err := w.client.Locate(context.Background(), id)
		if err != nil || loc.Epoch == w.now[slot].epoch {
			continue
		}
		before := w.now[slot]
		w.now[slot] = placement{loc.Epoch, loc.Primary, loc.Backups}
		w.changes = append(w.changes, change{now, uint32(slot), before, w.now[slot]})
	}
}

// placements is who holds each slot now. The slice is the caller's.
func (w *watch) placements() []placement {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.now)
}

// since is what changed from a moment on, oldest first.
func (w *watch) since(t time.Time) []change {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.changes, func(c change) bool { return !c.at.Before(t) })
	if i < 0 {
		return nil
	}
	return slices.Clone(w.changes[i:])
}

// ofPrimary lists the slots whose primary has a name.
func ofPrimary(placements []placement, name string) []uint32 {
	var slots []uint32
	for slot, p := range placements {
		if p.primary.Name == name {
			slots = append(slots, uint32(slot))
		}
	}
	return slots
}

// promoted is when each of the slots first had another primary than dead; slots that still have none are left out.
func promoted(changes []change, slots []uint32, dead string) map[uint32]time.Time {
	orphan := make(map[uint32]bool, len(slots))
	for _, slot := range slots {
		orphan[slot] = true
	}
	at := make(map[uint32]time.Time, len(slots))
	for _, c := range changes {
		if orphan[c.slot] && c.after.primary.Name != dead && c.after.primary.Boot != 0 {
			orphan[c.slot], at[c.slot] = false, c.at
		}
	}
	return at
}
