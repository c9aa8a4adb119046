package node_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
)

var (
	_ client.Locker = (*node.Node)(nil)
	_ client.Lister = (*node.Node)(nil)
)

// TestLockEndsWithItsConnection: the holder's process is gone; the next gets the lock long before the lease is over, and
// the session as the holder left it.
func TestLockEndsWithItsConnection(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(10 * time.Second)
		a, b := c.dial("10.0.1.1"), c.dial("10.0.1.2")
		defer b.Close()
		id := write(t, a, 1)[0]
		held := lock(t, a, id, client.LockOptions{Holder: "app-a"})
		_, err := client.Acquire(context.Background(), b, keyOf(id), client.LockOptions{Wait: -1})
		if !errors.Is(err, replica.ErrLocked) || err.Error() != "lock session "+replica.ShortID(id)+": session is locked by another: app-a" {
			t.Errorf("got %v, want locked by app-a", err)
		}
		change(t, a, id, "n", "1", held.Token())
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		since := time.Now()
		next := lock(t, b, id, client.LockOptions{})
		if took := time.Since(since); took > time.Second {
			t.Errorf("the next waited %v", took)
		}
		if v, _ := next.Session().Get("n"); string(v) != "1" || next.Fence() <= held.Fence() {
			t.Errorf("n = %q under %d after %d", v, next.Fence(), held.Fence())
		}
		<-held.Lost() // its renewal finds the client closed until the lease is over
		if err := next.Release(context.Background()); err != nil {
			t.Error(err)
		}
		_ = held.Release(context.Background())
	})
}

// TestLockIsRenewed: a handler may hold a lock for much longer than the lease.
func TestLockIsRenewed(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(10 * time.Second)
		a := c.dial("10.0.1.1")
		defer a.Close()
		id := write(t, a, 1)[0]
		held := lock(t, a, id, client.LockOptions{Lease: time.Second})
		time.Sleep(30 * time.Second)
		change(t, a, id, "n", "1", held.Token())
		if err := held.Release(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// TestLockedCounterIsExact: two clients and the embedded node count in one session, 100 times at once, while its primary
// dies and comes back.
func TestLockedCounterIsExact(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(10 * time.Second)
		a, b := c.dial("10.0.1.1"), c.dial("10.0.1.2")
		defer a.Close()
		defer b.Close()
		id := write(t, a, 1)[0]
		victim := c.primaryOf(id)
		stores := []client.Store{a, b, c.nodes[(victim+1)%3].node}
		var done sync.WaitGroup
		var counted, lost atomic.Int64
		for i := range 100 {
			done.Go(func() {
				switch err := countUnderLock(stores[i%3], id); {
				case err == nil:
					counted.Add(1)
				case errors.Is(err, replica.ErrLockLost):
					lost.Add(1)
				default:
					t.Errorf("increment %d: %v", i, err)
				}
			})
		}
		time.Sleep(30 * time.Millisecond)
		c.kill(victim)
		done.Wait()
		res, err := a.Load(context.Background(), &replica.Load{Key: keyOf(id)})
		if err != nil {
			t.Fatal(err)
		}
		if v, _ := res.Session.Get("n"); string(v) != fmt.Sprint(counted.Load()) || lost.Load() > 1 {
			t.Errorf("n = %s after %d increments; %d locks were lost", v, counted.Load(), lost.Load())
		}
	})
}

// TestSessionsOfAPrincipal: those of one user, whoever holds them, also after a death; logged out, they are gone.
func TestSessionsOfAPrincipal(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(10 * time.Second)
		a := c.dial("10.0.1.1")
		defer a.Close()
		ids := write(t, a, 40)
		for i, id := range ids {
			change(t, a, id, replica.AttrPrincipal, fmt.Sprintf("user-%d", i%2), replica.Stamp{})
		}
		var want []string
		for i := 1; i < len(ids); i += 2 {
			want = append(want, ids[i])
		}
		slices.Sort(want)
		list := func(s client.Store) []string {
			got, err := client.Sessions(context.Background(), s, "test", "user-1")
			if err != nil {
				t.Error(err)
			}
			return got
		}
		c.kill(0)
		for _, s := range []client.Store{a, c.nodes[1].node} {
			if got := list(s); !slices.Equal(got, want) {
				t.Errorf("%T: %d sessions, want %d", s, len(got), len(want))
			}
		}
		for _, id := range want[:10] {
			if _, err := a.Commit(context.Background(), &replica.Commit{Key: keyOf(id), Destroy: true}); err != nil {
				t.Error(err)
			}
		}
		if got := list(a); !slices.Equal(got, want[10:]) {
			t.Errorf("%d sessions after logging 10 out, want %d", len(got), len(want)-10)
		}
	})
}

func keyOf(id string) replica.Key { return replica.Key{App: "test", ID: id} }

func lock(t *testing.T, s client.Store, id string, o client.LockOptions) *client.Lock {
	t.Helper()
	l, err := client.Acquire(context.Background(), s, keyOf(id), o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// change sets one attribute, under a lock unless the token is zero.
func change(t *testing.T, s client.Store, id, name, value string, token replica.Stamp) {
	t.Helper()
	if _, err := s.Commit(context.Background(), set(id, name, value, token)); err != nil {
		t.Fatal(err)
	}
}

func set(id, name, value string, token replica.Stamp) *replica.Commit {
	return &replica.Commit{Key: keyOf(id), Lock: token, Changes: []replica.Change{{Name: name, Value: []byte(value)}}}
}

// countUnderLock adds one to n.
func countUnderLock(s client.Store, id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l, err := client.Acquire(ctx, s, keyOf(id), client.LockOptions{})
	if err != nil {
		return err
	}
	defer l.Release(ctx)
	v, _ := l.Session().Get("n")
	n, _ := strconv.Atoi(string(v))
	_, err = s.Commit(ctx, set(id, "n", fmt.Sprint(n+1), l.Token()))
	return err
}

// primaryOf is the place of the node that is primary of a session.
func (c *cluster) primaryOf(id string) int {
	for i, m := range c.nodes {
		if m.node == nil {
			continue
		}
		if where, _ := m.node.Locate(context.Background(), id); where.Primary.Name == fmt.Sprintf("n%d", i+1) {
			return i
		}
	}
	c.t.Fatal("nobody is primary")
	return -1
}
