package client

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// LockOptions say how to lock a session. The zero value waits as long as the context allows.
type LockOptions struct {
	// Wait is how long to wait for others; zero: until the context ends; negative: not at all.
	Wait time.Duration
	// Lease is how long the lock holds when this process cannot renew it any more; default 10 s, 1 s to 1 min.
	Lease time.Duration
	// Holder says who asks, for the others: the text of their ErrLocked ends with it. An address to redirect to, say.
	Holder string
}

const (
	lockLeaseDefault = 10 * time.Second
	lockLeaseMin     = time.Second
)

func (o LockOptions) lease() (time.Duration, error) {
	lease := cmp.Or(o.Lease, lockLeaseDefault)
	if lease < lockLeaseMin || lease > replica.LockLeaseMax {
		return 0, fmt.Errorf("%w: lease of %v; choose %v to %v", replica.ErrBadRequest, lease, lockLeaseMin, replica.LockLeaseMax)
	}
	return lease, nil
}

// Lock is the lock of a session, held by this process and renewed in the background until it is released or lost. It is
// safe for concurrent use.
type Lock struct {
	store   Locker
	token   replica.Stamp
	session *replica.Session
	lease   time.Duration

	lost chan struct{} // closed by the keeper
	stop context.CancelFunc
	kept sync.WaitGroup // the keeper; Release joins it
	once sync.Once
	err  error // of Release; guarded by once

	mu       sync.Mutex // guards the rest
	key      replica.Key
	moving   bool // a commit is under way that gives the session another id
	released bool
}

// LockedError is the replica.ErrLocked of [Acquire].
type LockedError struct {
	Holder string // what the holder called itself, see LockOptions; "" if nothing
	cause  error
}

// Error says who holds the lock.
func (e *LockedError) Error() string { return e.cause.Error() }

// Unwrap is replica.ErrLocked with the holder's name.
func (e *LockedError) Unwrap() error { return e.cause }

// Acquire locks a session, waiting for its turn: those who wait get the lock in the order in which they asked. The caller
// releases it. The lock keeps out others who lock, not commits that do not name it; a commit that does
// (replica.Commit.Lock) fails with ErrLockLost once it is lost. In handlers [Session.Lock] is easier. Errors: a
// [*LockedError] when the lock was not to be had for as long as Wait says; the context's when it ended before that; errors.ErrUnsupported for a store without locks; otherwise those of [Store].
func Acquire(ctx context.Context, store Store, key replica.Key, o LockOptions) (*Lock, error) {
	locker, ok := store.(Locker)
	if !ok {
		return nil, fmt.Errorf("lock session: %w by %T", errors.ErrUnsupported, store)
	}
	lease, err := o.lease()
	if err != nil {
		return nil, err
	}
	ask := replica.Lock{Key: key, Lease: lease, Holder: o.Holder}
	until := time.Now().Add(o.Wait)
	for {
		ask.Wait = replica.LockWaitMax
		if o.Wait != 0 {
			ask.Wait = max(0, min(ask.Wait, time.Until(until)))
		}
		if ask.Request.IsZero() {
			if ask.Request, err = replica.NewRequestID(rand.Reader); err != nil {
				return nil, err
			}
		}
		sent := time.Now()
		res, err := answer(locker.Lock(ctx, &ask))
		switch {
		case err == nil:
			return keep(locker, &ask, res, sent), nil
		case errors.Is(err, replica.ErrLockLost): // granted, and lost with its primary before the answer came
			ask.Request = replica.RequestID{}
		case !errors.Is(err, replica.ErrLocked) || ask.Wait == 0 || ctx.Err() != nil:
			leave(ctx, locker, &ask)
			if errors.Is(err, replica.ErrLocked) {
				err = &LockedError{Holder: res.Detail, cause: err}
			}
			return nil, fmt.Errorf("lock session %s: %w", replica.ShortID(key.ID), cmp.Or(ctx.Err(), err))
		}
	}
}

// leaveFor bounds how long giving up keeps the caller: the place in the queue is lost soon in any case.
const leaveFor = 300 * time.Millisecond

// leave gives up the place in the queue, and the lock if it was granted meanwhile.
func leave(ctx context.Context, locker Locker, ask *replica.Lock) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveFor)
	defer cancel()
	_, _ = locker.Lock(ctx, &replica.Lock{Key: ask.Key, Release: true, Request: ask.Request})
}

// keep starts to renew a lock that was asked for at sent.
func keep(locker Locker, ask *replica.Lock, res replica.Result, sent time.Time) *Lock {
	l := &Lock{
		store: locker, key: ask.Key, token: res.Stamp, session: res.Session, lease: ask.Lease, lost: make(chan struct{}),
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.kept.Go(func() { l.renew(ctx, sent) })
	return l
}

// renew keeps the lock until ctx ends or it is lost, also by not hearing from the store for as long as the lease.
func (l *Lock) renew(ctx context.Context, sent time.Time) {
	next, until := sent.Add(l.lease/3), sent.Add(l.lease)
	for {
		timer := time.NewTimer(time.Until(next))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		now, key := time.Now(), l.where()
		trying, cancel := context.WithDeadline(ctx, until)
		_, err := answer(l.store.Lock(trying, &replica.Lock{Key: key, Held: l.token, Lease: l.lease}))
		cancel()
		lost := errors.Is(err, replica.ErrLockLost) && l.isAt(key)
		switch {
		case err == nil:
			next, until = now.Add(l.lease/3), now.Add(l.lease)
		case ctx.Err() != nil:
			return
		case lost || !time.Now().Add(renewAgain).Before(until):
			close(l.lost)
			return
		default:
			next = time.Now().Add(renewAgain)
		}
	}
}

// where is the session that is locked.
func (l *Lock) where() replica.Key {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.key
}

// isAt reports whether key is where the session is, for sure.
func (l *Lock) isAt(key replica.Key) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.key == key && !l.moving
}

// move tells that a commit which gives the session another id is on its way.
func (l *Lock) move() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.moving = true
}

// moved tells that the commit has ended, and the id under which the session goes on.
func (l *Lock) moved(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.key.ID, l.moving = id, false
}

// isReleased reports whether Release was called.
func (l *Lock) isReleased() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.released
}

// renewAgain is the pause after a renewal that failed for another reason than that the lock is lost.
const renewAgain = 100 * time.Millisecond

// Token is the stamp of the grant, for replica.Commit.Lock.
func (l *Lock) Token() replica.Stamp { return l.token }

// Fence is a number that rises with every grant of the session's lock: a resource outside that refuses a lower one than
// it has seen is safe from a holder that lost the lock and does not know it yet.
func (l *Lock) Fence() uint64 { return l.token.Clock }

// Session is the session as it was when the lock was granted; it must not be modified.
func (l *Lock) Session() *replica.Session { return l.session }

// Lost is closed when the lock is known to be lost: its primary died, or could not be reached for as long as the lease.
func (l *Lock) Lost() <-chan struct{} { return l.lost }

// Release gives the lock to the next who waits and returns when the background work has ended. Only the first call does
// something. ErrLockLost says that the lock was lost before; or that the store, asked twice, had released it already.
func (l *Lock) Release(ctx context.Context) error {
	l.once.Do(func() {
		l.mu.Lock()
		l.released = true
		key := l.key
		l.mu.Unlock()
		l.stop()
		l.kept.Wait()
		select {
		case <-l.lost:
			l.err = fmt.Errorf("release session %s: %w", replica.ShortID(key.ID), replica.ErrLockLost)
			return
		default:
		}
		_, err := answer(l.store.Lock(ctx, &replica.Lock{Key: key, Held: l.token, Release: true}))
		if err != nil {
			l.err = fmt.Errorf("release session %s: %w", replica.ShortID(key.ID), err)
		}
	})
	return l.err
}
