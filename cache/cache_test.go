package cache

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// told is a version as an answer tells it.
func told(s *replica.Session) *version { return newVersion(s, s.Stamp) }

func setTo(name, value string) replica.Change {
	return replica.Change{Name: name, Value: []byte(value)}
}

// TestKeepsNoHopelessGuess: what a commit makes of a session that its answer does not tell.
func TestKeepsNoHopelessGuess(t *testing.T) {
	key := replica.Key{App: "shop", ID: "s"}
	for name, commit := range map[string]*replica.Commit{
		"create":    {Key: key, Create: true},
		"destroy":   {Key: key, Destroy: true},
		"configure": {Key: key, Configure: true, Idle: time.Minute},
		"renew":     {Key: key, Renew: "r"},
		"named":     {Key: key, Request: replica.RequestID{Seq: 1}},
	} {
		c := New(1 << 20)
		c.replace(nil, told(ofSize(key.ID, 1, 1)), &c.misses)
		c.Committed(commit, &replica.Result{}, nil)
		if c.get(key) != nil {
			t.Errorf("%s: the version before it is kept", name)
		}
	}
	for _, err := range []error{replica.ErrNotFound, replica.ErrDestroyed} {
		byLoad, byCommit := New(1<<20), New(1<<20)
		byLoad.replace(nil, told(ofSize(key.ID, 1, 1)), &byLoad.misses)
		byCommit.replace(nil, told(ofSize(key.ID, 1, 1)), &byCommit.misses)
		byLoad.loaded(&replica.Load{Key: key}, nil, &replica.Result{}, err)
		byCommit.Committed(&replica.Commit{Key: key, Changes: []replica.Change{setTo("a", "1")}}, &replica.Result{}, err)
		if byLoad.get(key) != nil || byCommit.get(key) != nil {
			t.Errorf("a session is kept after %v", err)
		}
	}
}

// ofSize is a version of a session with one attribute.
func ofSize(id string, clock uint64, bytes int) *replica.Session {
	st := replica.Stamp{Clock: clock, Boot: 1}
	return &replica.Session{Key: replica.Key{App: "shop", ID: id}, Stamp: st, Attrs: []*replica.Attr{{Name: "a", Value: make([]byte, bytes), Stamp: st}}}
}

// TestIsBounded: what was not used for longest goes first, and what is too large is not kept.
func TestIsBounded(t *testing.T) {
	one := told(ofSize("s0", 1, 1000)).sizeBytes
	c := New(4*one + one/2)
	for i := range 4 {
		c.replace(nil, told(ofSize(fmt.Sprint("s", i), 1, 1000)), &c.misses)
	}
	c.get(replica.Key{App: "shop", ID: "s0"})
	c.replace(nil, told(ofSize("s4", 1, 1000)), &c.misses)
	c.replace(nil, told(ofSize("big", 1, 9000)), &c.misses)
	var kept []string
	for i := range 5 {
		if id := fmt.Sprint("s", i); c.get(replica.Key{App: "shop", ID: id}) != nil {
			kept = append(kept, id)
		}
	}
	if got := strings.Join(kept, " "); got != "s0 s2 s3 s4" || c.sizeBytes != 4*one || c.order.Len() != 4 {
		t.Errorf("kept are %s, %d bytes of %d, %d in order", got, c.sizeBytes, c.bytesMax, c.order.Len())
	}
	c.replace(nil, told(ofSize("s4", 2, 9000)), &c.misses) // has grown beyond the limit
	if c.get(replica.Key{App: "shop", ID: "s4"}) != nil || c.sizeBytes != 3*one {
		t.Errorf("the older version of what is too large is kept: %d bytes", c.sizeBytes)
	}
}

// TestTakesTheLaterAnswer: answers that come in another order than they were given do not undo each other, and a
// version that nobody confirms gives way to an earlier one.
func TestTakesTheLaterAnswer(t *testing.T) {
	c := New(1 << 20)
	early, late := told(ofSize("s", 1, 1)), told(ofSize("s", 2, 1))
	key := early.session.Key
	c.replace(nil, late, &c.misses)
	c.replace(nil, early, &c.misses)
	if c.get(key) != late {
		t.Error("an earlier version took the place of a later one")
	}
	c.replace(late, early, &c.updates)
	if c.get(key) != early {
		t.Error("a version whose commit was lost is kept")
	}
}

// TestTogether has the race detector look at everything that happens at the same time.
func TestTogether(t *testing.T) {
	c := New(20 << 10)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range uint64(2000) {
				s := ofSize(fmt.Sprint("s", (i+uint64(g))%7), i+1, int(i%5)<<10)
				l, held := c.question(&replica.Load{Key: s.Key})
				res := replica.Result{Stamp: s.Stamp}
				if held == nil || i%3 == 0 {
					res.Session = s
				}
				c.loaded(&l, held, &res, nil)
				if res.Session == nil {
					t.Error("an answer without a session")
				}
				done := replica.Result{Stamp: replica.Stamp{Clock: i + 2, Boot: 1}}
				c.Committed(&replica.Commit{Key: s.Key, Destroy: i%11 == 0, Changes: []replica.Change{setTo("b", "1")}}, &done, nil)
			}
		})
	}
	all.Wait()
	sum := 0
	for e := c.order.Front(); e != nil; e = e.Next() {
		sum += e.Value.(*version).sizeBytes
	}
	if sum != c.sizeBytes || sum > c.bytesMax || c.order.Len() != len(c.byKey) {
		t.Errorf("%d bytes are kept, %d counted, %d allowed; %d in order, %d by key", sum, c.sizeBytes, c.bytesMax, c.order.Len(), len(c.byKey))
	}
}
