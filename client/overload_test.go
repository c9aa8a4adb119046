package client

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

func TestBudgetIsAReserveAndAShare(t *testing.T) {
	var b budget
	for i := range resendsReserve {
		if !b.spend() {
			t.Fatalf("resend %d of %d was refused", i+1, resendsReserve)
		}
	}
	if b.spend() {
		t.Fatal("one more than the reserve was allowed")
	}
	for range resendsPer - 1 {
		b.earn()
	}
	if b.spend() {
		t.Errorf("allowed after %d requests", resendsPer-1)
	}
	b.earn()
	if !b.spend() || b.spend() {
		t.Errorf("want exactly one after %d requests", resendsPer)
	}
	for range 10 * resendsPer * resendsReserve {
		b.earn()
	}
	for range resendsReserve {
		b.spend()
	}
	if b.spend() {
		t.Error("the reserve grew beyond its size")
	}
}

// windowAt drives a window in which every answer of an interval takes as long as given.
type windowAt struct {
	*window
	now time.Duration
}

func (w *windowAt) answer(took ...time.Duration) {
	for _, d := range took {
		w.leave(w.enter(&call{}), w.now+windowLook/2, d)
	}
	w.now += windowLook
	w.leave(w.enter(&call{}), w.now, 0)
}

func TestWindowFollowsMostAnswers(t *testing.T) {
	fast, slow := 2*time.Millisecond, 2*windowQueue
	w := &windowAt{window: newWindow(1000)}
	w.answer()
	for range 10 {
		w.answer(fast, slow, fast, slow) // some slots fail over, the others do not
	}
	if w.size != 1000 {
		t.Errorf("a few slow answers made the window %v", w.size)
	}
	w.answer(slow, slow, fast)
	if w.size != 1000 {
		t.Errorf("one slow look made the window %v", w.size)
	}
	w.answer(slow, slow, fast)
	if w.size != windowMin {
		t.Errorf("a queue at the node with little under way left the window at %v, want %d", w.size, windowMin)
	}
	before := w.size
	w.answer(fast)
	if w.size != before {
		t.Errorf("a window that nobody needs grew to %v", w.size)
	}
	w.full = true
	w.answer(fast)
	if w.size <= before {
		t.Errorf("a full window of fast answers stayed at %v", w.size)
	}
	w.narrow()
	for w.full = true; w.size < 1000; w.full = true {
		w.answer(fast)
	}
}

func TestWindowQueuesAndThenRefuses(t *testing.T) {
	w := newWindow(2)
	calls := [5]*call{}
	var tickets [5]*ticket
	for i := range calls {
		calls[i] = &call{wake: make(chan struct{}, 1)}
		tickets[i] = w.enter(calls[i])
	}
	if !w.holds(tickets[0]) || !w.holds(tickets[1]) || w.holds(tickets[2]) || tickets[3] == nil {
		t.Fatal("want two in the window and two in its queue")
	}
	if tickets[4] != nil {
		t.Error("the queue took more than a window")
	}
	w.leave(tickets[2], 0, 0) // gives up
	w.leave(tickets[0], 0, 0)
	if !w.holds(tickets[3]) || len(calls[3].wake) != 1 || len(calls[2].wake) != 0 {
		t.Error("the place was not given to the next that waits")
	}
	w.leave(tickets[1], 0, 0)
	w.leave(tickets[3], 0, 0)
	if w.used != 0 || len(w.waiting) != 0 {
		t.Errorf("%d used and %d waiting at the end", w.used, len(w.waiting))
	}
}

// overloadedFor is a node that refuses for its load.
func overloadedFor(after time.Duration) func(*wire.Conn, *replica.Request) *replica.Reply {
	return func(*wire.Conn, *replica.Request) *replica.Reply {
		return &replica.Reply{Result: replica.Result{Status: replica.StatusOverloaded, RetryAfter: after}}
	}
}

func TestBacksOffAsTold(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(inTurn(overloadedFor(time.Second), ok))
		c := f.dial(f.config())
		defer c.Close()
		if _, took, err := commit(t, c); err != nil || took < time.Second || took > 1600*time.Millisecond {
			t.Errorf("commit = %v in %v, want a pause of 1 to 1.5 s", err, took)
		}
		if n := len(f.nodes[1].requests()); n != 0 {
			t.Errorf("another node got %d requests", n)
		}
		f.nodes[0].says(overloadedFor(10 * time.Second)) // longer than the request has
		if _, took, err := commit(t, c); !errors.Is(err, ErrOverloaded) || took > 2*othersFor {
			t.Errorf("commit = %v in %v, want ErrOverloaded soon", err, took)
		}
	})
}

// Requests that a slow node keeps are sent again only as far as the budget goes, and what it refuses is not asked for ever.
func TestResendsDoNotMultiply(t *testing.T) {
	for name, script := range map[string]func(*wire.Conn, *replica.Request) *replica.Reply{
		"unanswered": silent, "refused": overloadedFor(20 * time.Millisecond),
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, 3, func(t *testing.T, f *fakeCluster) {
				for _, n := range f.nodes {
					n.says(script)
				}
				c := f.dial(f.config())
				defer c.Close()
				const asked = 1500
				var under sync.WaitGroup
				for range asked {
					under.Go(func() { _, _, _ = commit(t, c) })
				}
				under.Wait()
				sent := 0
				for _, n := range f.nodes {
					sent += len(n.requests())
				}
				if most := asked + asked/resendsPer + resendsReserve; sent > most || sent < asked/2 {
					t.Errorf("%d requests were sent %d times, want %d at most", asked, sent, most)
				}
			})
		})
	}
}

// What does not fit into a node's window waits for a place, as long as others do not wait already, and was not sent if it
// gets none.
func TestNodeGetsNoMoreThanItsWindow(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(silent)
		c := f.dial(f.config())
		defer c.Close()
		w := c.peers.get(f.nodes[0].member.Addr).window
		w.size = 2
		type outcome struct {
			took time.Duration
			err  error
		}
		outcomes := make(chan outcome, 5)
		for range 5 {
			go func() {
				_, took, err := commit(t, c)
				outcomes <- outcome{took, err}
			}()
		}
		synctest.Wait()
		time.Sleep(10 * time.Millisecond)
		if got := len(f.nodes[0].requests()); got != 2 {
			t.Errorf("the node got %d requests, want 2", got)
		}
		if o := <-outcomes; !errors.Is(o.err, ErrOverloaded) || o.took != 0 {
			t.Errorf("one more than window and queue take: %v after %v, want ErrOverloaded at once", o.err, o.took)
		}
		for range 2 {
			if o := <-outcomes; !errors.Is(o.err, ErrOverloaded) || errors.Is(o.err, ErrOutcomeUnknown) || o.took != windowWait {
				t.Errorf("in the queue: %v after %v, want ErrOverloaded after %v", o.err, o.took, windowWait)
			}
		}
		for range 2 {
			if o := <-outcomes; !errors.Is(o.err, ErrOutcomeUnknown) {
				t.Errorf("in the window: %v, want an unknown outcome", o.err)
			}
		}
		if w.used != 0 || len(w.waiting) != 0 {
			t.Errorf("%d used, %d waiting at the end", w.used, len(w.waiting))
		}
	})
}

// Those who wait for a lock take no places: with as many of them as the window has, its holder can still write and let it go.
func TestWaitingForLocksTakesNoPlace(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(func(conn *wire.Conn, req *replica.Request) *replica.Reply {
			if req.Lock != nil {
				return nil // held by another
			}
			return ok(conn, req)
		})
		c := f.dial(f.config())
		defer c.Close()
		w := c.peers.get(f.nodes[0].member.Addr).window
		w.size = 2
		ctx, stop := context.WithCancel(t.Context())
		var waiters sync.WaitGroup
		for range 5 {
			waiters.Go(func() {
				if _, err := Acquire(ctx, c, testKey, LockOptions{}); !errors.Is(err, context.Canceled) {
					t.Errorf("waiting for a lock: %v", err)
				}
			})
		}
		synctest.Wait()
		time.Sleep(10 * time.Millisecond)
		if got := len(f.nodes[0].requests()); got != 5 {
			t.Errorf("the node got %d requests, want 5", got)
		}
		if _, took, err := commit(t, c); err != nil || took > 5*time.Millisecond {
			t.Errorf("commit beside them: %v after %v", err, took)
		}
		stop()
		waiters.Wait()
		if w.used != 0 || len(w.waiting) != 0 {
			t.Errorf("%d used, %d waiting at the end", w.used, len(w.waiting))
		}
	})
}
