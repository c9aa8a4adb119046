package clienttest

import (
	"sync"

	"github.com/sessnode/sessnode/replica"
)

// createOnce: an id is given once, and a second creation leaves the first as it is.
func createOnce(tr *trial) {
	key, created := tr.create("a", "1")
	tr.refused(replica.Commit{Key: key, Create: true, Changes: set("a", "2", "b", "2")}, replica.ErrExists)
	if got := tr.holds(key, "a", "1"); got.Stamp != created.Stamp {
		tr.Errorf("stamp %v after a creation that was refused, want %v", got.Stamp, created.Stamp)
	}
}

// unknownIsNotCreated: only a creation creates.
func unknownIsNotCreated(tr *trial) {
	key := tr.key()
	tr.gone(key, replica.ErrNotFound)
	for _, c := range []replica.Commit{
		{Key: key}, // a touch
		{Key: key, Changes: set("a", "1")},
		{Key: key, Configure: true},
		{Key: key, Renew: tr.sibling(key).ID},
	} {
		tr.refused(c, replica.ErrNotFound)
	}
	tr.gone(key, replica.ErrNotFound)
}

// destroyedForGood: nothing that comes after a destruction finds or brings back the session.
func destroyedForGood(tr *trial) {
	key, _ := tr.create("a", "1")
	unknown := tr.key()
	for _, k := range []replica.Key{key, unknown} {
		tr.do(replica.Commit{Key: k, Destroy: true})
		tr.gone(k, replica.ErrDestroyed)
		tr.refused(replica.Commit{Key: k}, replica.ErrDestroyed)
		tr.refused(replica.Commit{Key: k, Changes: set("a", "2")}, replica.ErrDestroyed)
		tr.refused(replica.Commit{Key: k, Create: true}, replica.ErrDestroyed)
		tr.refused(replica.Commit{Key: k, Renew: tr.sibling(k).ID}, replica.ErrDestroyed)
		tr.do(replica.Commit{Key: k, Destroy: true})
		tr.gone(k, replica.ErrDestroyed)
	}
}

// destroyBeatsLateCommits: what was under way when the session was destroyed does not bring it back, nor does a retry of
// what took effect before.
func destroyBeatsLateCommits(tr *trial) {
	key := tr.key()
	create := replica.Commit{Key: key, Create: true, Request: tr.request(), Changes: set("a", "1")}
	stamp := tr.do(create).Stamp
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			if err := untilDestroyed(func() (replica.Result, error) {
				return tr.commit(replica.Commit{Key: key, Changes: set("a", "2")})
			}); err != nil {
				tr.Errorf("commits until the session is destroyed: %v", err)
			}
		})
	}
	tr.do(replica.Commit{Key: key, Destroy: true})
	writers.Wait()
	tr.refused(replica.Commit{Key: key, If: stamp, Changes: set("a", "3")}, replica.ErrDestroyed)
	_, _ = tr.commit(create) // the answer may be that it took effect, as it once did
	tr.gone(key, replica.ErrDestroyed)
}

// renew: the session goes on under its new id, with what the same commit changes, and the old id is dead.
func renew(tr *trial) {
	key, _ := tr.create("a", "1", "b", "2")
	next := tr.sibling(key)
	renewed := tr.do(replica.Commit{Key: key, Renew: next.ID, Changes: set("b", "3")})
	if got := tr.holds(next, "a", "1", "b", "3"); got.Session.Key != next || got.Stamp != renewed.Stamp {
		tr.Errorf("renewed as %v with stamp %v, want %v with %v", got.Session.Key, got.Stamp, next, renewed.Stamp)
	}
	tr.gone(key, replica.ErrDestroyed)
	tr.refused(replica.Commit{Key: key, Changes: set("a", "x")}, replica.ErrDestroyed)
	tr.refused(replica.Commit{Key: key, Create: true}, replica.ErrDestroyed)
	tr.do(replica.Commit{Key: next, Changes: set("a", "4")})
	tr.holds(next, "a", "4", "b", "3")
}

// renewInOneStep: who finds the old id dead finds the new one alive.
func renewInOneStep(tr *trial) {
	key, _ := tr.create("a", "1")
	next := tr.sibling(key)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			if err := untilDestroyed(func() (replica.Result, error) { return tr.load(replica.Load{Key: key}) }); err != nil {
				tr.Errorf("loads until the old id is dead: %v", err)
			}
			if _, err := tr.load(replica.Load{Key: next}); err != nil {
				tr.Errorf("the old id is dead and the new one is %v", err)
			}
		})
	}
	tr.do(replica.Commit{Key: key, Renew: next.ID})
	readers.Wait()
}

// renewRefused: a renewal that is refused leaves both ids as they were.
func renewRefused(tr *trial) {
	key, created := tr.create("a", "1")
	stamp := tr.do(replica.Commit{Key: key, Changes: set("a", "2")}).Stamp
	next, taken, dead := tr.sibling(key), tr.sibling(key), tr.sibling(key)
	tr.do(replica.Commit{Key: taken, Create: true, Changes: set("t", "1")})
	tr.do(replica.Commit{Key: dead, Destroy: true})

	tr.refused(replica.Commit{Key: key, Renew: next.ID, If: created.Stamp}, replica.ErrChanged)
	tr.refused(replica.Commit{Key: key, Renew: taken.ID, Changes: set("a", "x")}, replica.ErrExists)
	tr.refused(replica.Commit{Key: key, Renew: dead.ID}, replica.ErrExists)
	tr.refused(replica.Commit{Key: key, Renew: key.ID}, replica.ErrBadRequest)
	if got := tr.holds(key, "a", "2"); got.Stamp != stamp {
		tr.Errorf("stamp %v after renewals that were refused, want %v", got.Stamp, stamp)
	}
	tr.gone(next, replica.ErrNotFound)
	tr.holds(taken, "t", "1")
	tr.gone(dead, replica.ErrDestroyed)
}

// retryTakesEffectOnce: a commit that is sent again under its request id is answered as before and does nothing.
func retryTakesEffectOnce(tr *trial) {
	key := tr.key()
	create := replica.Commit{Key: key, Create: true, Request: tr.request(), Changes: set("n", "0")}
	first := replica.Commit{Key: key, Request: tr.request(), Changes: set("n", "1")}
	second := replica.Commit{Key: key, Request: tr.request(), Changes: set("n", "2")}
	var stamps []replica.Stamp
	for _, c := range []replica.Commit{create, first, second} {
		stamps = append(stamps, tr.do(c).Stamp)
	}
	for i, c := range []replica.Commit{create, first, second} {
		if got := tr.do(c); got.Stamp != stamps[i] || got.Copies < tr.suite.Copies {
			tr.Errorf("answer to retry %d = %+v, want stamp %v", i, got, stamps[i])
		}
	}
	if got := tr.holds(key, "n", "2"); got.Stamp != stamps[2] {
		tr.Errorf("stamp %v after retries, want %v", got.Stamp, stamps[2])
	}
	misused := replica.Commit{Key: tr.sibling(key), Create: true, Request: first.Request}
	tr.refused(misused, replica.ErrBadRequest)
	tr.gone(misused.Key, replica.ErrNotFound)
}

// durability: an answer says how many nodes hold the commit, never fewer than were asked for.
func durability(tr *trial) {
	key, created := tr.create()
	all := tr.suite.Copies
	if all == 0 {
		all = created.Copies
	}
	if created.Copies != all || all < 1 {
		tr.Errorf("%d copies of a new session, want %d", created.Copies, max(all, 1))
	}
	for _, want := range []struct {
		of    replica.Durability
		least int
	}{
		{replica.DurableAll, all}, {replica.DurableOne, min(2, all)}, {replica.DurableNone, 1},
	} {
		res := tr.do(replica.Commit{Key: key, Durability: want.of, Changes: set("d", string('0'+rune(want.of)))})
		if res.Copies < want.least || res.Copies > all {
			tr.Errorf("%d copies with durability %d, want %d to %d", res.Copies, want.of, want.least, all)
		}
		tr.holds(key, "d", string('0'+rune(want.of)))
	}
}
