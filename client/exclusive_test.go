package client_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// TestLockedHandlersTakeTurns: a hundred requests of one visitor, over two application servers, each for itself.
func TestLockedHandlersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newSpyStore()
		servers := []*client.Manager{manager(t, client.ManagerConfig{Store: store}), manager(t, client.ManagerConfig{Store: store})}
		var visitor browser
		visitor.begin(t, servers[0], "n", 0)
		inside := 0
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				tab := visitor
				tab.visit(servers[i%2].Wrap, func(_ http.ResponseWriter, s *client.Session) {
					if _, err := s.Lock(context.Background(), client.LockOptions{}); err != nil {
						t.Error(err)
						return
					}
					if inside++; inside != 1 {
						t.Errorf("%d are inside", inside)
					}
					n, err := client.Get[int](s, "n")
					if err := errors.Join(err, client.Set(s, "n", n+1)); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Millisecond)
					inside--
				})
			})
		}
		all.Wait()
		visitor.visit(servers[0].Wrap, func(_ http.ResponseWriter, s *client.Session) {
			if n, err := client.Get[int](s, "n"); n != 100 || err != nil {
				t.Errorf("n = %d, %v after 100 requests", n, err)
			}
		})
	})
}

// TestLockBringsTheSessionUpToDate: what others committed before the lock came is seen, what this request wanted stays.
func TestLockBringsTheSessionUpToDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := manager(t, client.ManagerConfig{Store: newSpyStore()})
		var visitor browser
		visitor.begin(t, m, "n", 1)
		visitor.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
			n, _ := client.Get[int](s, "n")
			err := client.Set(s, "mine", "kept")
			visitor.visit(m.Wrap, func(_ http.ResponseWriter, other *client.Session) { _ = client.Set(other, "n", 2) })
			held, lockErr := s.Lock(context.Background(), client.LockOptions{})
			after, getErr := client.Get[int](s, "n")
			mine, _ := client.Get[string](s, "mine")
			if err := errors.Join(err, lockErr, getErr); err != nil || n != 1 || after != 2 || mine != "kept" {
				t.Errorf("n = %d, then %d; mine = %q; %v", n, after, mine, err)
			}
			if again, err := s.Lock(context.Background(), client.LockOptions{}); again != held || err != nil {
				t.Errorf("locking again = %p, %v, want %p", again, err, held)
			}
		})
	})
}

// TestLockKeepsWhatWasChangedAfterGet: also what only following a value would have found.
func TestLockKeepsWhatWasChangedAfterGet(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store, Tracking: client.TrackGet})
	var visitor browser
	id := visitor.begin(t, m, "cart", map[string]int{"x": 1})
	visitor.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		c, err := client.Get[map[string]int](s, "cart")
		c["y"] = 2
		_, lockErr := s.Lock(context.Background(), client.LockOptions{})
		must(t, errors.Join(err, lockErr))
	})
	if got, want := store.attr(t, id, "cart"), `{"x":1,"y":2}`; got != want {
		t.Errorf("cart = %s, want %s", got, want)
	}
}

// TestCommitUnderALostLockFails: the visitor is told, and nothing is changed.
func TestCommitUnderALostLockFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newSpyStore()
		m := manager(t, client.ManagerConfig{Store: store})
		var visitor browser
		visitor.begin(t, m, "n", 1)
		res := visitor.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
			held, err := s.Lock(context.Background(), client.LockOptions{})
			if err == nil {
				err = client.Set(s, "n", 2)
			}
			if err != nil {
				t.Fatal(err)
			}
			// As the death of the primary would do it.
			if _, err := store.Lock(context.Background(), &replica.Lock{Key: held.Session().Key, Held: held.Token(), Release: true}); err != nil {
				t.Error(err)
			}
		})
		if res.StatusCode != http.StatusConflict {
			t.Errorf("answered %d, want %d", res.StatusCode, http.StatusConflict)
		}
		visitor.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
			if n, _ := client.Get[int](s, "n"); n != 1 {
				t.Errorf("n = %d under a lost lock", n)
			}
		})
	})
}

// TestLockAcrossANewIDAndADestroy: a login keeps its lock under the new id; a logout and a session begun after it need
// none.
func TestLockAcrossANewIDAndADestroy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := manager(t, client.ManagerConfig{Store: newSpyStore()})
		var visitor browser
		visitor.begin(t, m, "n", 1)
		res := visitor.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
			held, err := s.Lock(context.Background(), client.LockOptions{Lease: time.Second})
			if err := errors.Join(err, s.RenewID()); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Commit(context.Background()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second) // it is renewed under the new id
			select {
			case <-held.Lost():
				t.Error("lost")
			default:
			}
			if err := client.Set(s, "n", 2); err != nil {
				t.Error(err)
			}
		})
		if res.StatusCode != http.StatusOK {
			t.Fatalf("answered %d", res.StatusCode)
		}
		res = visitor.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
			if _, err := s.Lock(context.Background(), client.LockOptions{}); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.Destroy(), client.Set(s, "n", 3)); err != nil {
				t.Error(err)
			}
			if _, err := s.Commit(context.Background()); err != nil {
				t.Error(err)
			}
			if err := client.Set(s, "n", 4); err != nil {
				t.Error(err)
			}
		})
		if res.StatusCode != http.StatusOK {
			t.Errorf("answered %d", res.StatusCode)
		}
	})
}

// slowAnswers takes its time to say that a commit was done.
type slowAnswers struct {
	*spyStore
	by time.Duration
}

func (s *slowAnswers) Commit(ctx context.Context, c *replica.Commit) (replica.Result, error) {
	res, err := s.spyStore.Commit(ctx, c)
	time.Sleep(s.by)
	return res, err
}

// TestLockIsRenewedWhileTheIDChanges: the lock has moved, the request has not heard of it yet. If the commit fails, it has
// not moved.
func TestLockIsRenewedWhileTheIDChanges(t *testing.T) {
	for _, outcome := range []error{nil, replica.ErrOverCapacity} {
		synctest.Test(t, func(t *testing.T) {
			store := &slowAnswers{spyStore: newSpyStore()}
			m := manager(t, client.ManagerConfig{Store: store})
			var visitor browser
			visitor.begin(t, m, "n", 1)
			store.by = 550 * time.Millisecond
			visitor.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
				held, err := s.Lock(context.Background(), client.LockOptions{Lease: time.Second})
				must(t, errors.Join(err, s.RenewID()))
				store.fail = func(context.Context, *replica.Load, *replica.Commit) error { return outcome }
				if _, err := s.Commit(context.Background()); !errors.Is(err, outcome) {
					t.Errorf("commit = %v, want %v", err, outcome)
				}
				store.fail = nil
				time.Sleep(2 * time.Second)
				select {
				case <-held.Lost():
					t.Errorf("lost after a commit that ended with %v", outcome)
				default:
				}
				key := held.Session().Key
				if commits := store.taken(); outcome == nil {
					key.ID = commits[len(commits)-1].Renew
				}
				_, err = store.Lock(context.Background(), &replica.Lock{Key: key, Held: held.Token(), Release: true})
				must(t, err)
				time.Sleep(400 * time.Millisecond) // longer than it takes to the next renewal
				select {
				case <-held.Lost():
				default:
					t.Errorf("not lost after a commit that ended with %v", outcome)
				}
			})
		})
	}
}

// TestNewIDOfAnotherSession: what a request begins after it destroyed the session that it locked has no lock, also when
// it gets another id.
func TestNewIDOfAnotherSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := manager(t, client.ManagerConfig{Store: newSpyStore()})
		var visitor browser
		visitor.begin(t, m, "n", 1)
		res := visitor.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
			_, err := s.Lock(context.Background(), client.LockOptions{})
			must(t, errors.Join(err, s.Destroy(), client.Set(s, "n", 2)))
			_, err = s.Commit(context.Background())
			must(t, errors.Join(err, s.RenewID()))
			_, err = s.Commit(context.Background())
			must(t, errors.Join(err, client.Set(s, "n", 3)))
		})
		if res.StatusCode != http.StatusOK {
			t.Errorf("answered %d", res.StatusCode)
		}
	})
}

// TestLockIsReleasedWhateverTheHandlerDoes: also when it panics.
func TestLockIsReleasedWhateverTheHandlerDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := manager(t, client.ManagerConfig{Store: newSpyStore()})
		var visitor browser
		visitor.begin(t, m, "n", 1)
		lock := func(o client.LockOptions, then func(*client.Lock)) (err error) {
			visitor.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
				var held *client.Lock
				if held, err = s.Lock(context.Background(), o); err == nil {
					then(held)
				}
			})
			return err
		}
		func() {
			defer func() { _ = recover() }()
			_ = lock(client.LockOptions{}, func(*client.Lock) { panic("handler") })
		}()
		err := lock(client.LockOptions{Wait: -1, Holder: "app1"}, func(*client.Lock) {
			var locked *client.LockedError
			if err := lock(client.LockOptions{Wait: -1}, nil); !errors.As(err, &locked) || !errors.Is(err, replica.ErrLocked) || locked.Holder != "app1" {
				t.Errorf("a second lock = %v, want ErrLocked by app1", err)
			}
		})
		if err != nil {
			t.Errorf("after a panic: %v", err)
		}
	})
}

// TestNothingToLock: a visitor without a session, and a handler without the middleware.
func TestNothingToLock(t *testing.T) {
	m := manager(t, client.ManagerConfig{Store: newSpyStore()})
	var visitor browser
	visitor.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		if _, err := s.Lock(context.Background(), client.LockOptions{}); !errors.Is(err, replica.ErrNotFound) {
			t.Errorf("got %v, want %v", err, replica.ErrNotFound)
		}
	})
	if _, err := (*client.Session)(nil).Lock(context.Background(), client.LockOptions{}); !errors.Is(err, client.ErrNotWrapped) {
		t.Errorf("got %v, want %v", err, client.ErrNotWrapped)
	}
}

// TestDestroyByPrincipal: everywhere but here, then everywhere; others stay.
func TestDestroyByPrincipal(t *testing.T) {
	m := manager(t, client.ManagerConfig{Store: newSpyStore()})
	login := func(user string) (visitor browser) {
		visitor.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, client.SetPrincipal(s, user)) })
		return visitor
	}
	here := login("zoe")
	for range 20 {
		login("zoe")
	}
	login("adam")
	count := func(user string) int {
		ids, err := m.ListByPrincipal(t.Context(), user)
		if err != nil {
			t.Error(err)
		}
		return len(ids)
	}
	here.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) {
		if n, err := m.DestroyByPrincipal(context.Background(), "zoe", s); n != 20 || err != nil {
			t.Errorf("%d sessions, %v, want 20", n, err)
		}
	})
	if zoe, adam := count("zoe"), count("adam"); zoe != 1 || adam != 1 {
		t.Errorf("%d and %d sessions are left, want 1 and 1", zoe, adam)
	}
	if n, err := m.DestroyByPrincipal(t.Context(), "zoe", nil); n != 1 || err != nil {
		t.Errorf("%d sessions, %v, want 1", n, err)
	}
	if n, err := m.DestroyByPrincipal(t.Context(), "", nil); n != 0 || !errors.Is(err, replica.ErrBadRequest) {
		t.Errorf("nobody's sessions: %d, %v", n, err)
	}
	if zoe, adam := count("zoe"), count("adam"); zoe != 0 || adam != 1 {
		t.Errorf("%d and %d sessions are left, want 0 and 1", zoe, adam)
	}
}
