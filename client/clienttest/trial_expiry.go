package clienttest

import (
	"errors"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// The shortest idle time-out there is; expiry may wait a quarter of it longer.
const (
	idleMin     = time.Second
	idleMinOver = idleMin + idleMin/4
)

// alive makes a request that must find the session if it is answered before the session's time. A machine that is too
// slow to tell ends the test.
func (tr *trial) alive(end time.Time, ask func() (replica.Result, error)) {
	tr.Helper()
	_, err := ask()
	switch {
	case err == nil:
	case errors.Is(err, replica.ErrNotFound) && !time.Now().Before(end):
		tr.Skip("this machine was too slow to tell")
	default:
		tr.Fatalf("before its time the session is %v", err)
	}
}

// idle: each access puts the end off, and what ended unused is found no more, but its id may be given again.
func idle(tr *trial) {
	used := time.Now()
	key := tr.key()
	tr.do(replica.Commit{Key: key, Create: true, Idle: idleMin, Changes: set("a", "1")})
	for _, access := range []func() (replica.Result, error){
		func() (replica.Result, error) { return tr.load(replica.Load{Key: key}) },
		func() (replica.Result, error) { return tr.commit(replica.Commit{Key: key}) },
		func() (replica.Result, error) { return tr.commit(replica.Commit{Key: key, Changes: set("a", "2")}) },
	} {
		time.Sleep(idleMin * 6 / 10)
		end := used.Add(idleMin)
		used = time.Now()
		tr.alive(end, access)
	}
	time.Sleep(idleMinOver + 50*time.Millisecond)
	tr.gone(key, replica.ErrNotFound)
	tr.refused(replica.Commit{Key: key, Changes: set("a", "3")}, replica.ErrNotFound)
	tr.do(replica.Commit{Key: key, Create: true, Changes: set("b", "1")})
	tr.holds(key, "b", "1")
}

// peek: a look that is no access does not put the end off.
func peek(tr *trial) {
	key, used := tr.key(), time.Now()
	tr.do(replica.Commit{Key: key, Create: true, Idle: idleMin})
	time.Sleep(idleMin * 8 / 10)
	tr.alive(used.Add(idleMin), func() (replica.Result, error) { return tr.load(replica.Load{Key: key, Peek: true}) })
	time.Sleep(idleMin * 6 / 10)
	tr.gone(key, replica.ErrNotFound)
}

// lifetime: the absolute deadline comes however much the session is used.
func lifetime(tr *trial) {
	const life = 300 * time.Millisecond
	key, born := tr.key(), time.Now()
	tr.do(replica.Commit{Key: key, Create: true, Lifetime: life, Idle: time.Hour})
	time.Sleep(life / 2)
	tr.alive(born.Add(life), func() (replica.Result, error) { return tr.commit(replica.Commit{Key: key, Changes: set("a", "1")}) })
	time.Sleep(life)
	tr.gone(key, replica.ErrNotFound)
}

// configure: time-outs can be changed while the session lives, and a commit that does not say so leaves them.
func configure(tr *trial) {
	const life = 300 * time.Millisecond
	longer, shorter, born := tr.key(), tr.key(), time.Now()
	tr.do(replica.Commit{Key: longer, Create: true, Lifetime: life})
	tr.do(replica.Commit{Key: shorter, Create: true, Lifetime: time.Hour})
	tr.alive(born.Add(life), func() (replica.Result, error) {
		return tr.commit(replica.Commit{Key: longer, Configure: true, Lifetime: time.Hour})
	})
	tr.do(replica.Commit{Key: longer, Lifetime: time.Millisecond, Idle: idleMin, Changes: set("a", "1")})
	tr.do(replica.Commit{Key: shorter, Configure: true, Lifetime: life})
	time.Sleep(life + 50*time.Millisecond)
	tr.holds(longer, "a", "1")
	tr.gone(shorter, replica.ErrNotFound)
}
