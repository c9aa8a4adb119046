package client

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// after answers with a status when some time has passed.
func after(wait time.Duration, s replica.Status) func(*wire.Conn, *replica.Request) *replica.Reply {
	return func(conn *wire.Conn, req *replica.Request) *replica.Reply {
		reply := &appender{&replica.Reply{Token: req.Token, Result: replica.Result{Status: s, Copies: 2}}}
		time.AfterFunc(wait, func() { _ = conn.Send(1, reply) }) // the test sees if it does not come
		return nil
	}
}

// unsure refuses, for now, what may have taken effect.
func unsure(*wire.Conn, *replica.Request) *replica.Reply {
	return &replica.Reply{Result: replica.Result{Status: replica.StatusUnavailable, Unsure: true}}
}

// TestRefusalAfterUnansweredSending: a node that refuses speaks for itself. What another one did that was asked before, on
// the other side of a split perhaps, is unknown until it says so.
func TestRefusalAfterUnansweredSending(t *testing.T) {
	final := func(s replica.Status) func(*wire.Conn, *replica.Request) *replica.Reply {
		return status(s, replica.Claim{})
	}
	for _, c := range []struct {
		name          string
		first, second func(*wire.Conn, *replica.Request) *replica.Reply
		want          error // nil: done
		within        time.Duration
	}{
		{"silent, changed", silent, final(replica.StatusChanged), ErrOutcomeUnknown, 700 * time.Millisecond},
		{"silent, not found", silent, final(replica.StatusNotFound), ErrOutcomeUnknown, 700 * time.Millisecond},
		{"silent, destroyed", silent, final(replica.StatusDestroyed), ErrOutcomeUnknown, 700 * time.Millisecond},
		{"silent, lock lost", silent, final(replica.StatusLockLost), ErrOutcomeUnknown, 700 * time.Millisecond},
		{"silent, too large", silent, final(replica.StatusTooLarge), ErrOutcomeUnknown, 700 * time.Millisecond},
		{"silent, too late", silent, final(replica.StatusTooLate), ErrOutcomeUnknown, 700 * time.Millisecond},
		{"nobody could take it", silent, final(replica.StatusBadRequest), replica.ErrBadRequest, 400 * time.Millisecond},
		{"nobody would take it", silent, final(replica.StatusForbidden), replica.ErrForbidden, 400 * time.Millisecond},
		{"gone, changed", hangUp, final(replica.StatusChanged), ErrOutcomeUnknown, 50 * time.Millisecond},
		{"stepped down, changed", unsure, final(replica.StatusChanged), ErrOutcomeUnknown, 100 * time.Millisecond},
		{"not begun, changed", final(replica.StatusUnavailable), final(replica.StatusChanged), replica.ErrChanged, 100 * time.Millisecond},
		{"not primary, changed", final(replica.StatusNotPrimary), final(replica.StatusChanged), replica.ErrChanged, 100 * time.Millisecond},
		{"late no, changed", after(400*time.Millisecond, replica.StatusChanged), final(replica.StatusChanged), replica.ErrChanged, 450 * time.Millisecond},
		{"late yes, changed", after(400*time.Millisecond, replica.StatusOK), final(replica.StatusChanged), nil, 450 * time.Millisecond},
		{"late not now, changed", after(400*time.Millisecond, replica.StatusUnavailable), final(replica.StatusChanged), replica.ErrChanged, 450 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
				f.nodes[0].says(c.first)
				f.nodes[1].says(c.second)
				cl := f.dial(f.config())
				defer cl.Close()
				_, took, err := commit(t, cl)
				if !errors.Is(err, c.want) || errors.Is(err, ErrOutcomeUnknown) != (c.want == ErrOutcomeUnknown) || took > c.within {
					t.Errorf("commit = %v in %v, want %v within %v", err, took, c.want, c.within)
				}
				if c.want == ErrOutcomeUnknown && errors.Is(err, replica.ErrChanged) {
					t.Errorf("%v is replica.ErrChanged, at which others would try again", err)
				}
				if destroyed := strings.HasSuffix(c.name, "destroyed"); errors.Is(err, replica.ErrDestroyed) != destroyed {
					t.Errorf("%v is replica.ErrDestroyed: %v, want %v", err, !destroyed, destroyed)
				}
			})
		})
	}
}

// TestLoadsEnd: a load carries the moment at which its caller gives up, and does not change the caller's.
func TestLoadsEnd(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(silent)
		c := f.dial(f.config())
		defer c.Close()
		for _, l := range []replica.Load{{Key: testKey}, {Key: testKey, NotAfter: time.Now().Add(time.Hour).UnixMilli()}} {
			asked := l
			_, _ = c.Load(t.Context(), &asked) // it is not answered
			if asked != l {
				t.Errorf("the caller's load was changed to %+v", asked)
			}
		}
		for _, a := range f.nodes[0].requests() {
			if got := time.UnixMilli(a.req.Load.NotAfter); got.Before(time.Now().Add(-time.Minute)) || got.After(time.Now()) {
				t.Errorf("load could count until %v, after its caller gave up at %v", got, time.Now())
			}
		}
	})
}
