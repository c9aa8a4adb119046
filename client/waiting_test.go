package client

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// TestWithoutWaiting: how long it takes to fail, or to find the primary after all.
func TestWithoutWaiting(t *testing.T) {
	unavailable := func(epoch uint64, primary int, f *fakeCluster) func(*wire.Conn, *replica.Request) *replica.Reply {
		return status(replica.StatusUnavailable, f.claim(epoch, primary))
	}
	tests := []struct {
		name    string
		scripts func(f *fakeCluster) (first, second func(*wire.Conn, *replica.Request) *replica.Reply)
		ok      bool
		within  time.Duration
	}{
		{"the primary serves", func(f *fakeCluster) (a, b func(*wire.Conn, *replica.Request) *replica.Reply) {
			return ok, silent
		}, true, 5 * time.Millisecond},
		{"the primary does not serve yet", func(f *fakeCluster) (a, b func(*wire.Conn, *replica.Request) *replica.Reply) {
			return unavailable(1, 1, f), unavailable(1, 1, f)
		}, false, 5 * time.Millisecond},
		{"the primary has changed", func(f *fakeCluster) (a, b func(*wire.Conn, *replica.Request) *replica.Reply) {
			return status(replica.StatusNotPrimary, f.claim(2, 2)), ok
		}, true, 10 * time.Millisecond},
		{"the primary steps down", func(f *fakeCluster) (a, b func(*wire.Conn, *replica.Request) *replica.Reply) {
			return unavailable(2, 2, f), ok
		}, true, 10 * time.Millisecond},
		{"the next primary does not serve yet", func(f *fakeCluster) (a, b func(*wire.Conn, *replica.Request) *replica.Reply) {
			return status(replica.StatusNotPrimary, f.claim(2, 2)), unavailable(2, 2, f)
		}, false, 10 * time.Millisecond},
		{"nobody is primary", func(f *fakeCluster) (a, b func(*wire.Conn, *replica.Request) *replica.Reply) {
			return status(replica.StatusNotPrimary, f.claim(1, 1)), status(replica.StatusNotPrimary, f.claim(1, 1))
		}, false, 10 * time.Millisecond},
		{"an overload passes", func(f *fakeCluster) (a, b func(*wire.Conn, *replica.Request) *replica.Reply) {
			return inTurn(status(replica.StatusOverloaded, replica.Claim{}), ok), ok
		}, true, 30 * time.Millisecond},
		{"the primary is silent", func(f *fakeCluster) (a, b func(*wire.Conn, *replica.Request) *replica.Reply) {
			return silent, ok
		}, false, 310 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
				a, b := test.scripts(f)
				f.nodes[0].says(a)
				f.nodes[1].says(b)
				c := f.dial(f.config())
				defer c.Close()
				since := time.Now()
				_, err := c.Load(WithoutWaiting(context.Background()), &replica.Load{Key: testKey})
				if took := time.Since(since); took > test.within {
					t.Errorf("%v after %v, want it within %v", err, took, test.within)
				}
				if test.ok != (err == nil) || err != nil && (!errors.Is(err, replica.ErrUnavailable) || !Unreachable(err)) {
					t.Errorf("load = %v", err)
				}
			})
		})
	}
}

// TestWithoutWaitingWhenAllAreGone: a client without any connection fails at once; a commit that was sent says that it may
// have taken effect.
func TestWithoutWaitingWhenAllAreGone(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(silent)
		c := f.dial(f.config())
		defer c.Close()
		ctx := WithoutWaiting(context.Background())
		_, err := c.Commit(ctx, &replica.Commit{Key: testKey})
		if !errors.Is(err, replica.ErrUnavailable) || !errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("commit = %v", err)
		}
		f.nodes[0].kill()
		time.Sleep(time.Minute)
		since := time.Now()
		_, err = c.Commit(ctx, &replica.Commit{Key: testKey})
		if took := time.Since(since); took > 0 || !errors.Is(err, replica.ErrUnavailable) || errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("commit = %v after %v", err, took)
		}
		f.nodes[0].start(wire.DevelopmentKey())
	})
}

// TestLockWithoutWaiting: who does not wait for a primary may wait for another holder.
func TestLockWithoutWaiting(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(func(conn *wire.Conn, req *replica.Request) *replica.Reply {
			if req.Lock.Wait == 0 {
				return status(replica.StatusUnavailable, f.claim(1, 1))(conn, req)
			}
			return inTurn(silent)(conn, req)
		})
		c := f.dial(f.config())
		defer c.Close()
		ctx, cancel := context.WithTimeout(WithoutWaiting(context.Background()), time.Second)
		defer cancel()
		since := time.Now()
		_, err := c.Lock(ctx, &replica.Lock{Key: testKey, Wait: time.Second})
		if took := time.Since(since); took < time.Second {
			t.Errorf("lock = %v after %v", err, took)
		}
		since = time.Now()
		_, err = c.Lock(WithoutWaiting(context.Background()), &replica.Lock{Key: testKey})
		if took := time.Since(since); took > 5*time.Millisecond || !errors.Is(err, replica.ErrUnavailable) {
			t.Errorf("lock = %v after %v", err, took)
		}
	})
}
