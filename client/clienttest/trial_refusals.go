package clienttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// limits: what passes one is refused whole, whether it creates or changes.
func limits(tr *trial) {
	l := tr.suite.Limits
	var many []replica.Change
	for i := range l.AttrsMax + 1 {
		many = append(many, replica.Change{Name: fmt.Sprint("a", i), Value: []byte("1")})
	}
	for name, changes := range map[string][]replica.Change{
		"bytes of a session": append(set("ok", "1"), replica.Change{Name: "a", Value: make([]byte, l.SessionBytesMax)}),
		"attributes":         many,
		"bytes of a name":    set("ok", "1", strings.Repeat("n", l.NameBytesMax+1), "1"),
	} {
		key, fresh := tr.key(), tr.key()
		created := tr.do(replica.Commit{Key: key, Create: true, Changes: set("kept", "1")})
		for _, c := range []replica.Commit{{Key: key, Changes: changes}, {Key: fresh, Create: true, Changes: changes}} {
			if _, err := tr.commit(c); !errors.Is(err, replica.ErrTooLarge) {
				tr.Errorf("%s: commit = %v, want %v", name, err, replica.ErrTooLarge)
			}
		}
		if got := tr.holds(key, "kept", "1"); got.Stamp != created.Stamp {
			tr.Errorf("%s: stamp %v after a commit that was refused, want %v", name, got.Stamp, created.Stamp)
		}
		tr.gone(fresh, replica.ErrNotFound)
	}
	for _, c := range []replica.Commit{
		{Key: tr.key(), Create: true, Lifetime: l.LifetimeMax + time.Hour},
		{Key: replica.Key{App: suiteApp, ID: strings.Repeat("i", replica.IDLenMax+1)}, Create: true},
		{Key: replica.Key{App: strings.Repeat("a", replica.AppLenMax+1), ID: tr.key().ID}, Create: true},
	} {
		tr.refused(c, replica.ErrTooLarge)
	}
}

// sessionGrowsToItsLimit: the limit is on what the session would be, not on what a commit carries.
func sessionGrowsToItsLimit(tr *trial) {
	big := strings.Repeat("x", tr.suite.Limits.SessionBytesMax*6/10)
	key, _ := tr.create("a", big)
	tr.refused(replica.Commit{Key: key, Changes: set("b", big, "c", "1")}, replica.ErrTooLarge)
	tr.holds(key, "a", big)
	tr.do(replica.Commit{Key: key, Changes: append(set("b", big), replica.Change{Name: "a", Delete: true})})
	tr.holds(key, "b", big)
}

// badRequests: what can never succeed says so and changes nothing.
func badRequests(tr *trial) {
	key, created := tr.create("a", "1")
	other := tr.key()
	for name, c := range map[string]replica.Commit{
		"no id":                    {Key: replica.Key{App: suiteApp}, Create: true},
		"no application":           {Key: replica.Key{ID: other.ID}, Create: true},
		"attribute without a name": {Key: key, Changes: set("a", "2", "", "2")},
		"attribute twice":          {Key: key, Changes: set("b", "2", "b", "3")},
		"destroy and change":       {Key: key, Destroy: true, Changes: set("a", "2")},
		"destroy and create":       {Key: key, Destroy: true, Create: true},
		"destroy on a condition":   {Key: key, Destroy: true, If: created.Stamp},
		"create on a condition":    {Key: other, Create: true, If: created.Stamp},
		"create and renew":         {Key: other, Create: true, Renew: tr.sibling(other).ID},
		"idle time-out under 1s":   {Key: key, Configure: true, Idle: idleMin / 2},
		"create, idle under 1s":    {Key: other, Create: true, Idle: idleMin / 2},
		"negative not-after":       {Key: key, Changes: set("a", "2"), NotAfter: -1},
		"unknown durability":       {Key: key, Changes: set("a", "2"), Durability: replica.DurableNone + 1},
	} {
		if _, err := tr.commit(c); !errors.Is(err, replica.ErrBadRequest) {
			tr.Errorf("%s: commit = %v, want %v", name, err, replica.ErrBadRequest)
		}
	}
	tr.gone(replica.Key{App: suiteApp}, replica.ErrBadRequest)
	tr.gone(replica.Key{ID: other.ID}, replica.ErrBadRequest)
	if got := tr.holds(key, "a", "1"); got.Stamp != created.Stamp {
		tr.Errorf("stamp %v after commits that were refused, want %v", got.Stamp, created.Stamp)
	}
	tr.gone(other, replica.ErrNotFound)
}

// tooLate: a commit that arrives after its not-after time does nothing.
func tooLate(tr *trial) {
	key, _ := tr.create("a", "1")
	past := time.Now().Add(-2*tr.suite.Limits.ClockSkewMax - time.Second).UnixMilli()
	tr.refused(replica.Commit{Key: key, NotAfter: past, Changes: set("a", "2")}, replica.ErrTooLate)
	tr.refused(replica.Commit{Key: tr.key(), Create: true, NotAfter: past}, replica.ErrTooLate)
	tr.holds(key, "a", "1")
}

// contextIsOver: a request for nobody ends at once, with the context's error, and does the store no harm.
func contextIsOver(tr *trial) {
	key, _ := tr.create("a", "1")
	gone, cancel := context.WithCancel(tr.Context())
	cancel()
	late, stop := context.WithDeadline(tr.Context(), time.Now().Add(-time.Second))
	defer stop()
	for ctx, want := range map[context.Context]error{gone: context.Canceled, late: context.DeadlineExceeded} {
		if _, err := tr.store.Load(ctx, &replica.Load{Key: key}); !errors.Is(err, want) {
			tr.Errorf("load = %v, want %v", err, want)
		}
		if _, err := tr.store.Commit(ctx, &replica.Commit{Key: key, Changes: set("b", "1")}); !errors.Is(err, want) {
			tr.Errorf("commit = %v, want %v", err, want)
		}
	}
	tr.do(replica.Commit{Key: key, Changes: set("a", "2", "b", "2")})
	tr.holds(key, "a", "2", "b", "2")
}
