package clienttest

import (
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// TestStore holds a store to what [client.Store] promises, with the defaults of [Suite]. It takes about three seconds, in
// which sessions expire.
//
//	func TestMyStore(t *testing.T) {
//		clienttest.TestStore(t, func(t *testing.T) client.Store { return Wrap(clienttest.NewStore()) })
//	}
func TestStore(t *testing.T, open func(t *testing.T) client.Store) {
	t.Helper()
	Suite{Open: open}.Run(t)
}

// Suite is the conformance suite that every store passes: the client of a cluster, a node in the same process, [Store],
// and whatever wraps them. It uses the two methods of [client.Store], those of [client.Locker] and [client.Lister] if the
// store has them, random ids, and the applications "suite" and "suite-2", so the store may be in use otherwise.
type Suite struct {
	// Open returns the store to try, open until the test that it is given ends. It is called for each test of the suite,
	// and may return the same store each time.
	Open func(t *testing.T) client.Store
	// Virtual runs each test, Open included, in a bubble of testing/synctest, so that nothing really sleeps. The store
	// must have no socket, and its goroutines must end in cleanups of the test that Open is given.
	Virtual bool
	Copies  int            // nodes that hold a commit of durability all; zero when that is not known
	Limits  replica.Limits // that the store was given; zero fields mean the defaults
}

// Run runs the suite as subtests of t.
func (s Suite) Run(t *testing.T) {
	t.Helper()
	s.Limits = s.Limits.WithDefaults()
	for _, test := range []struct {
		name string
		run  func(*trial)
	}{
		{"Attributes", attributes},
		{"AnswersDoNotChange", answersDoNotChange},
		{"ParallelChangesMerge", parallelChangesMerge},
		{"ConditionsHold", conditionsHold},
		{"KnownIsNotSent", knownIsNotSent},
		{"Applications", applications},
		{"CreateOnce", createOnce},
		{"UnknownIsNotCreated", unknownIsNotCreated},
		{"DestroyedForGood", destroyedForGood},
		{"DestroyBeatsLateCommits", destroyBeatsLateCommits},
		{"Renew", renew},
		{"RenewInOneStep", renewInOneStep},
		{"RenewRefused", renewRefused},
		{"RetryTakesEffectOnce", retryTakesEffectOnce},
		{"Durability", durability},
		{"Limits", limits},
		{"SessionGrowsToItsLimit", sessionGrowsToItsLimit},
		{"BadRequests", badRequests},
		{"TooLate", tooLate},
		{"ContextIsOver", contextIsOver},
		{"Locks", optional[client.Locker](locks)},
		{"LocksRefused", optional[client.Locker](locksRefused)},
		{"LockedCounter", optional[client.Locker](lockedCounter)},
		{"Lists", optional[client.Lister](lists)},
	} {
		t.Run(test.name, func(t *testing.T) { s.try(t, test.run) })
	}
	t.Run("Expiry", s.expiry)
}

// optional is a test of stores that have S as well.
func optional[S any](run func(*trial)) func(*trial) {
	return func(tr *trial) {
		if _, ok := tr.store.(S); !ok {
			tr.Skipf("%T has no %v", tr.store, reflect.TypeFor[S]())
		}
		run(tr)
	}
}

// expiry runs the tests that wait beside each other, unless waiting costs nothing.
func (s Suite) expiry(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*trial)
	}{
		{"Idle", idle}, {"Peek", peek}, {"Lifetime", lifetime}, {"Configure", configure},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !s.Virtual {
				t.Parallel()
			}
			s.try(t, test.run)
		})
	}
}

// try runs one test on a store of its own.
func (s Suite) try(t *testing.T, run func(*trial)) {
	inside := func(t *testing.T) { run(&trial{T: t, suite: s, store: s.Open(t)}) }
	if s.Virtual {
		synctest.Test(t, inside)
		return
	}
	inside(t)
}
