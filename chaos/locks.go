package chaos

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// resource is what lies outside the store and a session's lock protects: it refuses who comes with a lower number than it
// has seen.
type resource struct {
	mu   sync.Mutex // guards seen
	seen map[string]uint64
}

// use reports whether the resource of a session took a fencing number.
func (o *resource) use(id string, fence uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if fence < o.seen[id] {
		return false
	}
	o.seen[id] = fence
	return true
}

// lockWork has clients hold a session's lock by turns, use a resource outside with its number, and commit under it. Some
// dawdle, so that they come to the resource after they have lost the lock.
func lockWork() func(context.Context, *load, *rand.Rand) {
	const name = "lock"
	pool := newSessions(3, 100)
	outside := &resource{seen: make(map[string]uint64)}
	return func(ctx context.Context, l *load, r *rand.Rand) {
		a := l.anyone(r)
		id, ok := pool.pick(r, func(id string) history.Answer { return a.create(name, id, 0) })
		if !ok {
			return
		}
		lock, _ := a.acquire(ctx, name, id, 3*time.Second)
		if lock == nil {
			return
		}
		longest := 150 * time.Millisecond
		if r.IntN(10) == 0 {
			longest = time.Second
		}
		for range 1 + r.IntN(3) {
			wait(ctx, between(r, 0, longest))
			a.do(history.Call{Workload: name, Kind: history.Use, Token: tokenOf(lock.Token())}, id, func() history.Answer {
				if outside.use(id, lock.Fence()) {
					return history.Answer{Outcome: history.OK}
				}
				return history.Answer{Outcome: history.Refused, Error: "a later holder was here"}
			})
			if r.IntN(2) == 0 {
				a.write(name, id, "held", l.value("h"), 0, lock.Token())
			}
		}
		a.release(name, id, lock)
	}
}
