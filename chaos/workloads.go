package chaos

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
	"github.com/sessnode/sessnode/replica"
)

// expiryName is the workload whose sessions expire.
const expiryName = "expiry"

// workloads are all of them. The shares are those of actions; some actions are several operations.
func workloads() []workload {
	return []workload{
		{"set", 30, setWork()},
		{"counter", 20, counterWork()},
		{"register", 30, registerWork("register", 6, 3, []int{0})},
		{"sizes", 4, registerWork("sizes", 4, 1, []int{100, 4 << 10, 64 << 10, 256 << 10})},
		{"lock", 4, lockWork()},
		{"login", 2, login},
		{"list", 0.2, func(_ context.Context, l *load, r *rand.Rand) { l.anyone(r).list("login") }},
		{expiryName, 1, expiry},
	}
}

// setWork has parallel writers add elements, each once, to sets that others load.
func setWork() func(context.Context, *load, *rand.Rand) {
	const name = "set"
	pool := newSessions(8, 100)
	return func(_ context.Context, l *load, r *rand.Rand) {
		a := l.anyone(r)
		id, ok := pool.pick(r, func(id string) history.Answer { return a.create(name, id, 0) })
		switch {
		case !ok:
		case r.IntN(10) < 6:
			a.add(name, id, l.value("e"))
		default:
			a.load(name, id, r.IntN(4) == 0)
		}
	}
}

// counterWork has parallel clients raise counters, by client.Session.Update or by commits of their own.
func counterWork() func(context.Context, *load, *rand.Rand) {
	const name = "counter"
	pool := newSessions(5, 150)
	return func(ctx context.Context, l *load, r *rand.Rand) {
		a, attr := l.anyone(r), "n"+strconv.Itoa(1+r.IntN(2))
		id, ok := pool.pick(r, func(id string) history.Answer { return a.create(name, id, 0) })
		switch {
		case !ok:
		case r.IntN(10) < 4:
			a.update(ctx, name, id, attr)
		case r.IntN(2) == 0:
			a.increment(ctx, name, id, attr)
		default:
			a.read(name, id, attr)
		}
	}
}

// registerWork has parallel clients read and write attributes, each value once, stored in one of the sizes.
func registerWork(name string, count, attrs int, sizes []int) func(context.Context, *load, *rand.Rand) {
	pool := newSessions(count, 150)
	return func(_ context.Context, l *load, r *rand.Rand) {
		a, size := l.anyone(r), sizes[r.IntN(len(sizes))]
		attr := "r" + strconv.Itoa(1+r.IntN(attrs))
		if len(sizes) > 1 {
			attr = "bytes" + strconv.Itoa(size)
		}
		id, ok := pool.pick(r, func(id string) history.Answer { return a.create(name, id, 0) })
		switch {
		case !ok:
		case r.IntN(2) == 0:
			a.write(name, id, attr, l.value("v"), size, replica.Stamp{})
		default:
			a.read(name, id, attr)
		}
	}
}

// login creates a session, has several clients use it, and ends it while requests that know nothing of that are on their
// way; others come later.
func login(ctx context.Context, l *load, r *rand.Rand) {
	const name = "login"
	id, err := newID()
	if err != nil || l.anyone(r).create(name, id, 0).Outcome != history.OK {
		return
	}
	use := func(r *rand.Rand) {
		if a := l.anyone(r); r.IntN(2) == 0 {
			a.load(name, id, false)
		} else {
			a.add(name, id, l.value("e"))
		}
	}
	for range 2 + r.IntN(4) {
		use(r)
		if !wait(ctx, between(r, 0, 100*time.Millisecond)) {
			return
		}
	}
	for range 3 { // requests in flight while it ends
		own := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
		l.acts.Go(func() {
			for range 3 {
				use(own)
			}
		})
	}
	if l.anyone(r).destroy(name, id); r.IntN(4) == 0 {
		l.anyone(r).destroy(name, id) // logged out twice
	}
	for range 3 {
		if !wait(ctx, between(r, 0, 2*time.Second)) {
			return
		}
		use(r)
	}
}

// expiry uses a session with a short idle time-out for a while, leaves it alone, and asks whether it has gone.
func expiry(ctx context.Context, l *load, r *rand.Rand) {
	const name = expiryName
	idle := between(r, 2*time.Second, 5*time.Second)
	id, err := newID()
	if err != nil || l.anyone(r).create(name, id, idle).Outcome != history.OK {
		return
	}
	for range r.IntN(5) {
		if !wait(ctx, between(r, idle/10, idle*8/10)) {
			return
		}
		switch a := l.anyone(r); r.IntN(3) {
		case 0:
			a.touch(name, id)
		case 1:
			a.load(name, id, false)
		default:
			a.add(name, id, l.value("e"))
		}
	}
	if wait(ctx, idle*7/10) {
		l.anyone(r).load(name, id, true) // still there
	}
	if wait(ctx, idle*6/10+2500*time.Millisecond) {
		l.anyone(r).load(name, id, true) // gone
	}
}
