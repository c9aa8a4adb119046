package clienttest

import (
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/sessnode/sessnode/replica"
)

// attributes: what is set is there, what is deleted is not, what is not named stays.
func attributes(tr *trial) {
	key, created := tr.create("a", "1", "b", "2", "empty", "")
	if got := tr.holds(key, "a", "1", "b", "2", "empty", ""); got.Stamp != created.Stamp || got.Session.Key != key {
		tr.Errorf("loaded %v with stamp %v, want %v with %v", got.Session.Key, got.Stamp, key, created.Stamp)
	}
	changed := tr.do(replica.Commit{Key: key, Changes: append(set("b", "3", "c", "4"), replica.Change{Name: "a", Delete: true})})
	if !created.Stamp.Less(changed.Stamp) {
		tr.Errorf("stamp %v does not come after %v", changed.Stamp, created.Stamp)
	}
	tr.holds(key, "b", "3", "c", "4", "empty", "")
	tr.do(replica.Commit{Key: key, Changes: set("a", "5")})
	tr.holds(key, "a", "5", "b", "3", "c", "4", "empty", "")
}

// answersDoNotChange: a session that was handed out stays as it was.
func answersDoNotChange(tr *trial) {
	key, _ := tr.create("a", "1", "b", "2")
	before := tr.holds(key, "a", "1", "b", "2").Session
	tr.do(replica.Commit{Key: key, Changes: append(set("a", "x"), replica.Change{Name: "b", Delete: true})})
	if got, want := contents(before), map[string]string{"a": "1", "b": "2"}; !maps.Equal(got, want) {
		tr.Errorf("a loaded session turned into %q", got)
	}
}

// parallelChangesMerge: commits that change different attributes all win.
func parallelChangesMerge(tr *trial) {
	key, _ := tr.create()
	var writers sync.WaitGroup
	var want []string
	for i := range 16 {
		name := fmt.Sprint("a", i)
		want = append(want, name, "1")
		writers.Go(func() {
			if _, err := tr.commit(replica.Commit{Key: key, Changes: set(name, "1")}); err != nil {
				tr.Errorf("set %s: %v", name, err)
			}
		})
	}
	writers.Wait()
	tr.holds(key, want...)
}

// conditionsHold: a commit made for another stamp changes nothing, and a counter that is kept so is exact.
func conditionsHold(tr *trial) {
	key, created := tr.create("n", "0")
	tr.do(replica.Commit{Key: key, If: created.Stamp, Changes: set("n", "1")})
	tr.refused(replica.Commit{Key: key, If: created.Stamp, Changes: set("n", "x")}, replica.ErrChanged)
	tr.refused(replica.Commit{Key: tr.key(), If: created.Stamp, Changes: set("n", "x")}, replica.ErrNotFound)
	tr.holds(key, "n", "1")
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 8 {
				if err := tr.increment(key); err != nil {
					tr.Errorf("increment: %v", err)
				}
			}
		})
	}
	writers.Wait()
	tr.holds(key, "n", "33")
}

// increment adds one to the counter n, as often as it takes.
func (tr *trial) increment(key replica.Key) error {
	return again(func() (bool, error) {
		res, err := tr.load(replica.Load{Key: key})
		if err != nil {
			return false, err
		}
		var n int
		if _, err := fmt.Sscan(contents(res.Session)["n"], &n); err != nil {
			return false, err
		}
		_, err = tr.commit(replica.Commit{Key: key, If: res.Stamp, Changes: set("n", fmt.Sprint(n+1))})
		if errors.Is(err, replica.ErrChanged) {
			return false, nil
		}
		return err == nil, err
	})
}

// knownIsNotSent: who holds the newest version is told so, without it.
func knownIsNotSent(tr *trial) {
	key, created := tr.create("a", "1")
	res, err := tr.load(replica.Load{Key: key, Known: created.Stamp})
	if err != nil || res.Session != nil || res.Stamp != created.Stamp {
		tr.Errorf("load of what is known = %+v, %v", res, err)
	}
	changed := tr.do(replica.Commit{Key: key, Changes: set("a", "2")})
	res, err = tr.load(replica.Load{Key: key, Known: created.Stamp})
	if err != nil || res.Session == nil || res.Stamp != changed.Stamp {
		tr.Errorf("load of what has changed = %+v, %v", res, err)
	}
}

// applications: the same id in two of them names two sessions.
func applications(tr *trial) {
	key, _ := tr.create("a", "1")
	other := replica.Key{App: suiteApp2, ID: key.ID}
	tr.gone(other, replica.ErrNotFound)
	tr.do(replica.Commit{Key: other, Create: true, Changes: set("a", "2")})
	tr.do(replica.Commit{Key: key, Destroy: true})
	tr.gone(key, replica.ErrDestroyed)
	tr.holds(other, "a", "2")
}
