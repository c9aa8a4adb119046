package replica

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// asks is one who asks for locks.
type asks struct {
	r     *rig
	seq   uint64
	owner uint64
}

// ask sends a Lock that asks.
func (a *asks) ask(id string, wait time.Duration) (Token, *Lock) {
	a.seq++
	m := &Lock{Key: key(id), Wait: wait, Lease: 10 * time.Second, Holder: "app1", Request: RequestID{7, a.seq}, Owner: a.owner}
	return a.send(m), m
}

func (a *asks) send(m *Lock) Token {
	if m.NotAfter == 0 && m.Held.IsZero() {
		m.NotAfter = a.r.now.Wall + 30_000
	}
	return a.r.request(&Request{Lock: m})
}

// get asks for a lock that is free.
func (a *asks) get(id string) (Result, *Lock) {
	a.r.t.Helper()
	t, m := a.ask(id, 0)
	a.r.run()
	a.r.wantStatus(t, StatusOK)
	return a.r.result(t), m
}

func (a *asks) release(id string, token Stamp) Token {
	return a.send(&Lock{Key: key(id), Held: token, Release: true})
}

func (r *rig) request(m *Request) Token {
	r.token++
	t := r.token
	r.step(r.claim.Primary, func(s *Slot, fx *Effects) { s.Request(r.now, t, m, fx) })
	return t
}

func locked(t *testing.T, backups int) (*rig, *asks) {
	r := newRig(t, backups, nil)
	r.must(create("s", "n", "1"))
	return r, &asks{r: r}
}

// TestLockIsGrantedInOrder: one holds, the others get it in the order in which they asked, each with a later token and
// the session as it is then.
func TestLockIsGrantedInOrder(t *testing.T) {
	r, a := locked(t, 1)
	held, _ := a.get("s")
	if v, _ := held.Session.Get("n"); string(v) != "1" {
		t.Errorf("the grant brings n = %q, want 1", v)
	}
	var waiting []Token
	for range 3 {
		w, _ := a.ask("s", LockWaitMax)
		r.pending(w)
		waiting = append(waiting, w)
	}
	for i, w := range waiting {
		r.must(&Commit{Key: key("s"), Lock: held.Stamp, Changes: []Change{{Name: "n", Value: fmt.Append(nil, i+2)}}})
		a.release("s", held.Stamp)
		r.run()
		got := r.result(w)
		if got.Status != StatusOK || !held.Stamp.Less(got.Stamp) {
			t.Fatalf("waiter %d got %+v after token %v", i, got, held.Stamp)
		}
		if v, _ := got.Session.Get("n"); string(v) != fmt.Sprint(i+2) {
			t.Errorf("waiter %d sees n = %q, want %d", i, v, i+2)
		}
		held = got
	}
	a.release("s", held.Stamp)
	if n := len(r.primary().locks); n != 0 {
		t.Errorf("%d locks are kept that nobody wants", n)
	}
}

// TestGrantIsOnAllBackups: a token that only one node knows of could be given again.
func TestGrantIsOnAllBackups(t *testing.T) {
	r, a := locked(t, 2)
	w, _ := a.ask("s", 0)
	r.lose(3)
	r.pending(w)
}

// TestLockRefusesAtOnce: who does not want to wait is told who holds it.
func TestLockRefusesAtOnce(t *testing.T) {
	r, a := locked(t, 1)
	a.get("s")
	w, _ := a.ask("s", 0)
	if got := r.result(w); got.Status != StatusLocked || got.Detail != "app1" {
		t.Errorf("got %+v, want locked by app1", got)
	}
	if n := len(r.primary().locks[key("s")].queue); n != 0 {
		t.Errorf("%d stand in the queue", n)
	}
}

// TestWaiterKeepsItsPlace: a wait that is over is answered, and who asks again soon stands where it stood.
func TestWaiterKeepsItsPlace(t *testing.T) {
	r, a := locked(t, 1)
	held, _ := a.get("s")
	first, m := a.ask("s", 100*time.Millisecond)
	second, _ := a.ask("s", LockWaitMax)
	r.pass(150 * time.Millisecond)
	r.wantStatus(first, StatusLocked)
	again := a.send(m)
	a.release("s", held.Stamp)
	r.run()
	r.wantStatus(again, StatusOK)
	r.pending(second)
	r.pass(placeFor / 2)
	r.wantStatus(second, StatusLocked)
	if n := len(r.primary().locks[key("s")].queue); n != 1 {
		t.Fatalf("%d stand in the queue, want 1", n)
	}
	r.pass(placeFor)
	if n := len(r.primary().locks[key("s")].queue); n != 0 {
		t.Errorf("a place is kept for one who does not come back")
	}
}

// TestQueueIsBounded: beyond the limit an asker is refused at once.
func TestQueueIsBounded(t *testing.T) {
	r := newRig(t, 0, func(c *Config) { c.Limits.LockWaitersMax = 2 })
	r.must(create("s"))
	a := &asks{r: r}
	a.get("s")
	a.ask("s", LockWaitMax)
	a.ask("s", LockWaitMax)
	w, _ := a.ask("s", LockWaitMax)
	r.wantStatus(w, StatusOverloaded)
}

// TestLeaseEndsTheLock: what is not renewed is given to the next, and the holder's commits fail from then on.
func TestLeaseEndsTheLock(t *testing.T) {
	r, a := locked(t, 1)
	held, m := a.get("s")
	renew := func() Token {
		return a.send(&Lock{Key: m.Key, Held: held.Stamp, Lease: 10 * time.Second})
	}
	r.pass(8 * time.Second)
	r.wantStatus(renew(), StatusOK)
	r.pass(8 * time.Second)
	change := &Commit{Key: m.Key, Lock: held.Stamp, Changes: []Change{{Name: "n", Value: []byte("2")}}}
	r.must(change)
	r.sleep(3 * time.Second)
	if got := r.commit(&Commit{Key: m.Key, Lock: held.Stamp, Changes: change.Changes}); got.Status != StatusLockLost {
		t.Errorf("a commit under a lapsed lock: %v", got.Status)
	}
	r.wantStatus(renew(), StatusLockLost)
	r.wantStatus(a.release("s", held.Stamp), StatusLockLost)
	r.wantStatus(a.send(m), StatusLockLost) // the asking itself, late: it was granted once
	r.tick()
	if next, _ := a.get("s"); !held.Stamp.Less(next.Stamp) {
		t.Errorf("token %v after %v", next.Stamp, held.Stamp)
	}
}

// TestRetriedAskIsTheSameLock: an answer that was lost is given again.
func TestRetriedAskIsTheSameLock(t *testing.T) {
	r, a := locked(t, 1)
	first, m := a.ask("s", 0)
	second := a.send(m) // while the grant is on its way to the backup
	r.pending(second)
	r.run()
	third := a.send(m)
	for _, w := range []Token{second, third} {
		if got := r.result(w); got.Status != StatusOK || got.Stamp != r.result(first).Stamp {
			t.Errorf("got %+v, want %+v", got, r.result(first))
		}
	}
}

// TestLockDiesWithItsPrimary: the backup that takes over grants it anew, with a later token, and the holder's commits
// fail.
func TestLockDiesWithItsPrimary(t *testing.T) {
	r, a := locked(t, 1)
	held, m := a.get("s")
	waiting, _ := a.ask("s", LockWaitMax)
	r.reclaim(2)
	next, _ := a.get("s")
	if !held.Stamp.Less(next.Stamp) {
		t.Errorf("token %v after %v", next.Stamp, held.Stamp)
	}
	if got := r.commit(&Commit{Key: m.Key, Lock: held.Stamp}); got.Status != StatusLockLost {
		t.Errorf("a commit under the lock of the dead: %v", got.Status)
	}
	r.step(1, func(s *Slot, fx *Effects) { s.Retire(r.claim, fx) })
	r.wantStatus(waiting, StatusUnavailable)
}

// TestLockEndsWithTheConnection: the locks and the waiting of one that is gone.
func TestLockEndsWithTheConnection(t *testing.T) {
	r, gone := locked(t, 1)
	gone.owner = 5
	held, m := gone.get("s")
	other := &asks{r: r, seq: 100, owner: 6}
	gone.ask("s", LockWaitMax)
	w, _ := other.ask("s", LockWaitMax)
	r.step(1, func(s *Slot, fx *Effects) { s.Disown(r.now, 5, fx) })
	r.run()
	r.wantStatus(w, StatusOK)
	if got := r.commit(&Commit{Key: m.Key, Lock: held.Stamp}); got.Status != StatusLockLost {
		t.Errorf("a commit of the holder that is gone: %v", got.Status)
	}
}

// TestGivingUpLeavesTheQueue, also when the lock was granted at that very moment.
func TestGivingUpLeavesTheQueue(t *testing.T) {
	r, a := locked(t, 1)
	held, _ := a.get("s")
	w, m := a.ask("s", LockWaitMax)
	a.send(&Lock{Key: m.Key, Release: true, Request: m.Request})
	r.wantStatus(w, StatusLocked)
	w, m = a.ask("s", LockWaitMax)
	a.release("s", held.Stamp)
	a.send(&Lock{Key: m.Key, Release: true, Request: m.Request})
	r.run()
	if n := len(r.primary().locks); n != 0 {
		t.Errorf("%d locks are held by one who gave up (answered %v)", n, r.result(w).Status)
	}
}

// TestDestroyEndsTheLock: who waits is told that there is nothing to lock.
func TestDestroyEndsTheLock(t *testing.T) {
	r, a := locked(t, 1)
	held, m := a.get("s")
	w, _ := a.ask("s", LockWaitMax)
	r.must(destroy("s"))
	r.tick()
	r.wantStatus(w, StatusDestroyed)
	if got := r.commit(&Commit{Key: m.Key, Lock: held.Stamp}); got.Status != StatusDestroyed {
		t.Errorf("a commit to the destroyed session: %v", got.Status)
	}
	if n := len(r.primary().locks); n != 0 {
		t.Errorf("%d locks are left", n)
	}
}

// TestLockEndsWithItsSession: in the very step in which the session ends. A release right after it gives nobody the lock
// of what is over, and an id that is used again begins without a lock.
func TestLockEndsWithItsSession(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(r *rig)
		want Status
	}{
		{"destroyed", func(r *rig) { r.must(destroy("s")) }, StatusDestroyed},
		{"found to be over", func(r *rig) {
			r.sleep(150 * time.Millisecond)
			r.load(&Load{Key: key("s")})
		}, StatusExpired},
		{"over", func(r *rig) { r.sleep(keepEvery) }, StatusExpired},
		{"created anew", func(r *rig) {
			r.sleep(150 * time.Millisecond)
			r.must(create("s"))
		}, StatusExpired},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, 1, nil)
			short := create("s", "n", "1")
			short.Idle = 2 * time.Second
			r.must(short)
			a := &asks{r: r}
			held, _ := a.get("s")
			r.pass(2400 * time.Millisecond) // with what is allowed for touches, it is over after 2.5 s
			w, _ := a.ask("s", LockWaitMax)
			test.end(r)
			a.release("s", held.Stamp)
			r.run()
			r.tick()
			r.run()
			r.wantStatus(w, test.want)
			if n := len(r.primary().locks); n != 0 {
				t.Errorf("%d locks are left", n)
			}
		})
	}
}

// TestTakenLocksAreOfLiveSessions: a hand-off cannot bring the lock of what this node does not have.
func TestTakenLocksAreOfLiveSessions(t *testing.T) {
	r, a := locked(t, 1)
	r.must(create("gone"))
	r.must(destroy("gone"))
	for id, want := range map[string]Status{"gone": StatusDestroyed, "never": StatusNotFound} {
		m := &Lock{Key: key(id), Lease: time.Second, Request: RequestID{9, 9}}
		r.step(1, func(s *Slot, _ *Effects) {
			s.TakeLocks(r.now, []HeldLock{{Key: m.Key, Token: Stamp{5, 5}, Request: m.Request, Left: 1 << 62}})
		})
		r.wantStatus(a.send(m), want)
	}
	if n := len(r.primary().locks); n != 0 {
		t.Errorf("%d locks of what does not live", n)
	}
}

// TestLockFollowsTheNewID: a login that renews the id under the lock keeps it.
func TestLockFollowsTheNewID(t *testing.T) {
	r, a := locked(t, 1)
	held, m := a.get("s")
	w, _ := a.ask("s", LockWaitMax)
	r.must(&Commit{Key: m.Key, Renew: "t", Lock: held.Stamp})
	r.wantStatus(w, StatusDestroyed)
	r.must(&Commit{Key: key("t"), Lock: held.Stamp, Changes: []Change{{Name: "n", Value: []byte("2")}}})
	refused, _ := a.ask("t", 0)
	r.wantStatus(refused, StatusLocked)
}

// TestLockStaysBehindWithoutItsHolder: a login beside the holder does not leave the new id locked by one who has never
// heard of it.
func TestLockStaysBehindWithoutItsHolder(t *testing.T) {
	r, a := locked(t, 1)
	held, m := a.get("s")
	r.must(&Commit{Key: m.Key, Renew: "t"})
	if got := r.commit(&Commit{Key: m.Key, Lock: held.Stamp}); got.Status != StatusDestroyed {
		t.Errorf("a commit of the holder: %v", got.Status)
	}
	a.get("t")
}

// TestLocksTravelWithAHandOff: the holder goes on at the new primary, and who waited keeps its place there.
func TestLocksTravelWithAHandOff(t *testing.T) {
	r, a := locked(t, 1)
	held, m := a.get("s")
	_, second := a.ask("s", LockWaitMax)
	locks := r.primary().Locks(r.now)
	r.reclaim(2, 1)
	r.step(2, func(s *Slot, _ *Effects) { s.TakeLocks(r.now, locks) })
	r.run()
	third, _ := a.ask("s", LockWaitMax)
	r.must(&Commit{Key: m.Key, Lock: held.Stamp, Changes: []Change{{Name: "n", Value: []byte("2")}}})
	again := a.send(second)
	r.wantStatus(a.release("s", held.Stamp), StatusOK)
	r.run()
	r.wantStatus(again, StatusOK)
	r.pending(third)
}

// TestHandOffFitsAFrame: more locks than a message takes are not passed on.
func TestHandOffFitsAFrame(t *testing.T) {
	r := newRig(t, 0, nil)
	a := &asks{r: r}
	for i := range locksMovedMax + 10 {
		id := fmt.Sprint(i)
		r.must(create(id))
		a.get(id)
	}
	if got := len(r.primary().Locks(r.now)); got != locksMovedMax {
		t.Errorf("%d locks in one message, limit %d", got, locksMovedMax)
	}
	for range 100 {
		for i := range 200 {
			a.ask(fmt.Sprint(i), LockWaitMax)
		}
	}
	places := 0
	for _, l := range r.primary().Locks(r.now) {
		places += len(l.Queue)
	}
	if places == 0 || places > placesMovedMax {
		t.Errorf("%d places in one message, limit %d", places, placesMovedMax)
	}
}

// TestListFindsThePrincipal: live sessions, of the application and principal, as of their last durable commits, in pages.
func TestListFindsThePrincipal(t *testing.T) {
	r := newRig(t, 1, nil)
	login := func(id, who string) {
		r.must(create(id, AttrPrincipal, who))
	}
	for i := range ListMax + 5 {
		login(fmt.Sprintf("s%05d", i), "zoe")
	}
	login("other", "adam")
	r.must(destroy("s00003"))
	r.must(&Commit{Key: Key{testApp, "s00004"}, Changes: []Change{{Name: AttrPrincipal, Delete: true}}})
	r.must(&Commit{Key: Key{"blog", "s00000"}, Create: true, Changes: []Change{{Name: AttrPrincipal, Value: []byte("zoe")}}})
	r.send(&Commit{Key: Key{testApp, "late"}, Create: true, Changes: []Change{{Name: AttrPrincipal, Value: []byte("zoe")}}}) // pending
	list := func(after, who string) []string {
		return r.result(r.request(&Request{List: &List{App: testApp, Principal: who, After: after}})).IDs
	}
	page := list("", "zoe")
	rest := list(page[len(page)-1], "zoe")
	all := slices.Concat(page, rest)
	if len(page) != ListMax || len(all) != ListMax+3 || !slices.IsSorted(all) || slices.Contains(all, "s00003") || slices.Contains(all, "s00004") {
		t.Errorf("pages of %d and %d ids, %v…", len(page), len(rest), all[:5])
	}
	if got := list("", "adam"); !slices.Equal(got, []string{"other"}) {
		t.Errorf("got %v, want other", got)
	}
	if got := list("s00998", ""); len(got) != 6 {
		t.Errorf("%d sessions after s00998, whoever's they are: %v", len(got), got)
	}
	r.wantStatus(r.request(&Request{List: &List{App: testApp, Slot: 3}}), StatusBadRequest)
}
