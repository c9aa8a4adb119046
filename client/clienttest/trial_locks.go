package clienttest

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// locks: one holds, others wait in turn or are refused; the session comes with the lock; a commit under a lock that is
// lost does nothing.
func locks(tr *trial) {
	key, _ := tr.create("a", "1")
	held := tr.lock(key, client.LockOptions{Holder: "me"})
	if v, _ := held.Session().Get("a"); string(v) != "1" {
		tr.Errorf("the lock brings a = %q, want 1", v)
	}
	_, err := client.Acquire(tr.Context(), tr.store, key, client.LockOptions{Wait: -1})
	if !errors.Is(err, replica.ErrLocked) {
		tr.Errorf("a second lock = %v, want %v", err, replica.ErrLocked)
	}
	began := time.Now()
	_, err = client.Acquire(tr.Context(), tr.store, key, client.LockOptions{Wait: 300 * time.Millisecond})
	if took := time.Since(began); !errors.Is(err, replica.ErrLocked) || took < 300*time.Millisecond {
		tr.Errorf("after %v: %v, want %v", took, err, replica.ErrLocked)
	}
	tr.do(replica.Commit{Key: key, Lock: held.Token(), Changes: set("a", "2")})
	var second *client.Lock
	var waiting sync.WaitGroup
	waiting.Go(func() { second, err = client.Acquire(tr.Context(), tr.store, key, client.LockOptions{}) })
	if released := held.Release(tr.Context()); released != nil {
		tr.Errorf("release: %v", released)
	}
	if waiting.Wait(); err != nil {
		tr.Fatalf("lock: %v", err)
	}
	if v, _ := second.Session().Get("a"); string(v) != "2" || second.Fence() <= held.Fence() {
		tr.Errorf("the next has a = %q under %d after %d", v, second.Fence(), held.Fence())
	}
	tr.refused(replica.Commit{Key: key, Lock: held.Token(), Changes: set("a", "3")}, replica.ErrLockLost)
	if err := second.Release(tr.Context()); err != nil {
		tr.Errorf("release: %v", err)
	}
	tr.refused(replica.Commit{Key: key, Lock: second.Token(), Changes: set("a", "3")}, replica.ErrLockLost)
	tr.holds(key, "a", "2")
}

// locksRefused: what cannot be locked.
func locksRefused(tr *trial) {
	dead, _ := tr.create("a", "1")
	tr.do(replica.Commit{Key: dead, Destroy: true})
	for want, key := range map[error]replica.Key{
		replica.ErrNotFound: tr.key(), replica.ErrDestroyed: dead, replica.ErrBadRequest: {App: suiteApp},
	} {
		if _, err := client.Acquire(tr.Context(), tr.store, key, client.LockOptions{}); !errors.Is(err, want) {
			tr.Errorf("lock = %v, want %v", err, want)
		}
	}
	key, _ := tr.create("a", "1")
	if _, err := client.Acquire(tr.Context(), tr.store, key, client.LockOptions{Lease: time.Millisecond}); !errors.Is(err, replica.ErrBadRequest) {
		tr.Errorf("lock for a millisecond = %v, want %v", err, replica.ErrBadRequest)
	}
}

// lockedCounter: a hundred at once count exactly.
func lockedCounter(tr *trial) {
	key, _ := tr.create("n", "0")
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if err := tr.countLocked(key); err != nil {
				tr.Error(err)
			}
		})
	}
	all.Wait()
	tr.holds(key, "n", "100")
}

func (tr *trial) countLocked(key replica.Key) error {
	held, err := client.Acquire(tr.Context(), tr.store, key, client.LockOptions{})
	if err != nil {
		return err
	}
	v, _ := held.Session().Get("n")
	n, _ := strconv.Atoi(string(v))
	_, err = tr.commit(replica.Commit{Key: key, Lock: held.Token(), Changes: set("n", strconv.Itoa(n+1))})
	return errors.Join(err, held.Release(tr.Context()))
}

// lock waits for a lock, which must come.
func (tr *trial) lock(key replica.Key, o client.LockOptions) *client.Lock {
	tr.Helper()
	held, err := client.Acquire(tr.Context(), tr.store, key, o)
	if err != nil {
		tr.Fatalf("lock: %v", err)
	}
	return held
}

// lists: live sessions by application and principal.
func lists(tr *trial) {
	var want []string
	for i := range 20 {
		key, _ := tr.create(replica.AttrPrincipal, "list-"+strconv.Itoa(i%2))
		switch {
		case i%2 == 0:
		case i < 5:
			tr.do(replica.Commit{Key: key, Destroy: true})
		case i < 9:
			tr.do(replica.Commit{Key: key, Changes: []replica.Change{{Name: replica.AttrPrincipal, Delete: true}}})
		default:
			want = append(want, key.ID)
		}
	}
	slices.Sort(want)
	got, err := client.Sessions(tr.Context(), tr.store, suiteApp, "list-1")
	if err != nil || !slices.Equal(got, want) {
		tr.Errorf("%d sessions, %v, want %d", len(got), err, len(want))
	}
	all, err := client.Sessions(tr.Context(), tr.store, suiteApp, "")
	if err != nil || len(all) < 15 || !slices.Contains(all, want[0]) {
		tr.Errorf("%d sessions of anybody, %v, want at least 15", len(all), err)
	}
	if none, err := client.Sessions(tr.Context(), tr.store, suiteApp2, "list-1"); err != nil || len(none) > 0 {
		tr.Errorf("%d sessions of another application, %v", len(none), err)
	}
}
