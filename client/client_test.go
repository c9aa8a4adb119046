package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

const testID = "abcdef.0123456789012345678901"

var testKey = replica.Key{App: "shop", ID: testID}

// commit makes a commit and reports how long it took.
func commit(t *testing.T, c *Client) (replica.Result, time.Duration, error) {
	t.Helper()
	start := time.Now()
	res, err := c.Commit(t.Context(), &replica.Commit{Key: testKey, Changes: []replica.Change{{Name: "a", Value: []byte("1")}}})
	return res, time.Since(start), err
}

// wantOneID checks that nodes got so many sendings, all of one and the same commit.
func wantOneID(t *testing.T, want []int, nodes ...*fakeNode) {
	t.Helper()
	ids := make(map[replica.RequestID]bool)
	var counts []int
	for _, n := range nodes {
		got := n.requests()
		counts = append(counts, len(got))
		for _, a := range got {
			ids[a.req.Commit.Request] = true
			if a.lane == 0 || a.req.Hops != 0 || a.req.Commit.NotAfter == 0 {
				t.Errorf("%s got %+v on lane %d", n.member.Name, a.req, a.lane)
			}
		}
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("sendings per node (-want +got):\n%s", diff)
	}
	if len(ids) != 1 || ids[replica.RequestID{}] {
		t.Errorf("request ids = %v, want exactly one", ids)
	}
}

func TestStraightToPrimary(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, f *fakeCluster) {
		c := f.dial(f.config())
		defer c.Close()
		res, took, err := commit(t, c)
		if err != nil || res.Copies != 2 || took > 5*time.Millisecond {
			t.Errorf("commit = %+v, %v in %v", res, err, took)
		}
		wantOneID(t, []int{1, 0, 0}, f.nodes...)

		load, err := c.Load(t.Context(), &replica.Load{Key: testKey})
		if err != nil || load.Session == nil || load.Session.Key != testKey {
			t.Errorf("load = %+v, %v", load, err)
		}
	})
}

func TestUnconnectedPrimaryCostsNoWait(t *testing.T) {
	inCluster(t, 5, func(t *testing.T, f *fakeCluster) {
		for _, n := range f.nodes {
			n.starts(replica.Layout{Cluster: 7, Slots: fakeSlots, Members: f.members(), Claims: []replica.Claim{f.claim(1, 5)}})
		}
		conf := f.config(1)
		f.net.Isolate("10.0.0.5") // silent, and never connected
		c := f.dial(conf)
		defer c.Close()
		if _, took, err := commit(t, c); err != nil || took > 5*time.Millisecond {
			t.Errorf("commit = %v in %v, want it to go through another member at once", err, took)
		}
	})
}

func TestRedirect(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(status(replica.StatusNotPrimary, f.claim(2, 2)))
		c := f.dial(f.config())
		defer c.Close()
		if _, took, err := commit(t, c); err != nil || took > 8*time.Millisecond {
			t.Errorf("commit = %v in %v", err, took)
		}
		wantOneID(t, []int{1, 1}, f.nodes...)
		if _, _, err := commit(t, c); err != nil {
			t.Error(err)
		}
		wantOneID(t, []int{0, 1}, f.nodes...) // the claim was learnt
	})
}

func TestNodesThatDoNotPassOnAreLeftAtOnce(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, f *fakeCluster) {
		for _, n := range f.nodes {
			n.starts(replica.Layout{Cluster: 7, Slots: fakeSlots, Members: f.members(), Claims: []replica.Claim{f.claim(1, 3)}})
		}
		f.nodes[0].says(status(replica.StatusNotPrimary, f.claim(1, 3)))
		conf := f.config(1, 2)
		f.net.Isolate("10.0.0.3")
		c := f.dial(conf)
		defer c.Close()
		for range 10 { // one of two is asked first, at random
			if _, took, err := commit(t, c); err != nil || took > 6*time.Millisecond {
				t.Errorf("commit = %v in %v", err, took)
			}
		}
		f.nodes[1].says(status(replica.StatusNotPrimary, f.claim(1, 3)))
		f.nodes[0].requests()
		f.nodes[1].requests()
		if _, _, err := commit(t, c); !errors.Is(err, replica.ErrUnavailable) || !errors.Is(err, replica.ErrNotPrimary) {
			t.Errorf("commit = %v", err)
		}
		if n := len(f.nodes[0].requests()) + len(f.nodes[1].requests()); n > 600 {
			t.Errorf("%d sendings in %v: the two played ball", n, timeoutDefault)
		}
	})
}

func TestAnswerToAnotherRequestIsDropped(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		var first uint64
		f.nodes[0].says(inTurn(
			func(_ *wire.Conn, req *replica.Request) *replica.Reply {
				first = req.Token
				return nil
			},
			func(conn *wire.Conn, req *replica.Request) *replica.Reply {
				_ = conn.Send(1, &appender{&replica.Reply{Token: first, Result: replica.Result{Copies: 9}}})
				return ok(conn, req)
			}))
		conf := f.config()
		conf.InFlightMax = 1 // the second request is in the place of the first
		c := f.dial(conf)
		defer c.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := c.Load(ctx, &replica.Load{Key: testKey}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("load = %v", err)
		}
		if res, _, err := commit(t, c); err != nil || res.Copies != 2 {
			t.Errorf("commit = %+v, %v, want its own answer", res, err)
		}
	})
}

func TestNodesThatDisagreeDoNotSpin(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(status(replica.StatusNotPrimary, f.claim(1, 1)))
		f.nodes[1].says(status(replica.StatusNotPrimary, f.claim(1, 1)))
		c := f.dial(f.config())
		defer c.Close()
		_, _, err := commit(t, c)
		if !errors.Is(err, replica.ErrUnavailable) {
			t.Errorf("commit = %v, want ErrUnavailable", err)
		}
		if n := len(f.nodes[0].requests()) + len(f.nodes[1].requests()); n < 20 || n > 300 {
			t.Errorf("%d sendings in %v", n, timeoutDefault)
		}
	})
}

func TestUnavailableThenOK(t *testing.T) {
	for _, s := range []replica.Status{replica.StatusUnavailable, replica.StatusOverloaded} {
		t.Run(s.Error(), func(t *testing.T) {
			inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
				no := status(s, replica.Claim{})
				f.nodes[0].says(inTurn(no, no, no, ok))
				c := f.dial(f.config())
				defer c.Close()
				_, took, err := commit(t, c)
				if err != nil || took < 20*time.Millisecond || took > 50*time.Millisecond {
					t.Errorf("commit = %v in %v, want growing pauses of 5, 10, 20 ms, each at least half", err, took)
				}
				wantOneID(t, []int{4}, f.nodes...)
			})
		})
	}
}

func TestDeposedPrimaryDoesNotKeepRequest(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(status(replica.StatusUnavailable, f.claim(1, 1)))
		c := f.dial(f.config())
		defer c.Close()
		if _, took, err := commit(t, c); err != nil || took > 100*time.Millisecond {
			t.Errorf("commit = %v in %v, want the other member to be asked soon", err, took)
		}
	})
}

func TestConnectionLostMidRequest(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(hangUp)
		c := f.dial(f.config())
		defer c.Close()
		if _, took, err := commit(t, c); err != nil || took > 10*time.Millisecond {
			t.Errorf("commit = %v in %v, want it resent at once", err, took)
		}
		wantOneID(t, []int{1, 1}, f.nodes...)
	})
}

func TestClaimMovesInFlightRequest(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(silent)
		c := f.dial(f.config())
		defer c.Close()
		time.AfterFunc(50*time.Millisecond, func() { f.nodes[2].push(f.claim(2, 2)) })
		if _, took, err := commit(t, c); err != nil || took < 50*time.Millisecond || took > 60*time.Millisecond {
			t.Errorf("commit = %v in %v, want it as soon as the claim moved", err, took)
		}
		wantOneID(t, []int{1, 1, 0}, f.nodes...)
	})
}

func TestRefusalOfOldPrimaryDoesNotDisturbNewOne(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, f *fakeCluster) {
		later := func(after time.Duration, s replica.Status) func(*wire.Conn, *replica.Request) *replica.Reply {
			return func(conn *wire.Conn, req *replica.Request) *replica.Reply {
				reply := &appender{&replica.Reply{Token: req.Token, Result: replica.Result{Status: s}}}
				time.AfterFunc(after, func() { _ = conn.Send(1, reply) }) // the test sees if it does not come
				return nil
			}
		}
		f.nodes[0].says(later(100*time.Millisecond, replica.StatusUnavailable))
		f.nodes[1].says(later(200*time.Millisecond, replica.StatusOK))
		c := f.dial(f.config())
		defer c.Close()
		time.AfterFunc(50*time.Millisecond, func() { f.nodes[2].push(f.claim(2, 2)) })
		if _, _, err := commit(t, c); err != nil {
			t.Error(err)
		}
		wantOneID(t, []int{1, 1, 0}, f.nodes...)
	})
}

func TestClaimCutsPauseShort(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(status(replica.StatusUnavailable, replica.Claim{}))
		f.nodes[1].says(status(replica.StatusUnavailable, replica.Claim{}))
		c := f.dial(f.config())
		defer c.Close()
		moved := time.Now().Add(time.Second)
		time.AfterFunc(time.Second, func() {
			f.nodes[1].says(ok)
			f.nodes[1].push(f.claim(2, 2))
		})
		if _, _, err := commit(t, c); err != nil || time.Since(moved) > 8*time.Millisecond {
			t.Errorf("commit = %v, %v after the claim moved", err, time.Since(moved))
		}
	})
}

func TestSilentPrimary(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		c := f.dial(f.config())
		defer c.Close()
		f.net.Isolate("10.0.0.1")
		_, took, err := commit(t, c)
		if err != nil || took < attemptTimeoutMin || took > attemptTimeoutMin+10*time.Millisecond {
			t.Errorf("commit = %v in %v, want the other member after %v", err, took, attemptTimeoutMin)
		}
		if _, took, err := commit(t, c); err != nil || took > 5*time.Millisecond {
			t.Errorf("next commit = %v in %v, want it to shun the silent node", err, took)
		}
		f.nodes[1].requests()
		f.net.Heal()
		time.Sleep(3 * time.Second) // the packets of before arrive, or the doubt ends
		f.nodes[0].requests()
		if _, _, err := commit(t, c); err != nil {
			t.Error(err)
		}
		wantOneID(t, []int{1, 0}, f.nodes...) // forgiven
	})
}

// A primary that leaves one request unanswered and says other things meanwhile waits for somebody: it is not doubted.
func TestWhoSpeaksIsNotDoubted(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(silent)
		c := f.dial(f.config())
		defer c.Close()
		time.AfterFunc(attemptTimeoutMin/2, func() { f.nodes[0].push(f.claim(1, 1)) })
		if _, _, err := commit(t, c); err != nil {
			t.Error(err)
		}
		f.nodes[0].says(ok)
		f.nodes[0].requests()
		f.nodes[1].requests()
		if _, took, err := commit(t, c); err != nil || took > 5*time.Millisecond {
			t.Errorf("next commit = %v in %v", err, took)
		}
		wantOneID(t, []int{1, 0}, f.nodes...)
	})
}

func TestDoubtEnds(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(silent)
		c := f.dial(f.config())
		defer c.Close()
		if _, _, err := commit(t, c); err != nil {
			t.Error(err)
		}
		f.nodes[0].says(ok)
		time.Sleep(suspicion)
		f.nodes[0].requests()
		f.nodes[1].requests()
		if _, _, err := commit(t, c); err != nil {
			t.Error(err)
		}
		wantOneID(t, []int{1, 0}, f.nodes...)
	})
}

func TestLateAnswerOfFirstNodeCounts(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(func(conn *wire.Conn, req *replica.Request) *replica.Reply {
			late := &appender{&replica.Reply{Token: req.Token, Result: replica.Result{Copies: 9}}}
			time.AfterFunc(time.Second, func() { _ = conn.Send(1, late) }) // the test sees if it does not come
			return nil
		})
		f.nodes[1].says(silent)
		c := f.dial(f.config())
		defer c.Close()
		res, took, err := commit(t, c)
		if err != nil || res.Copies != 9 || took > 1010*time.Millisecond {
			t.Errorf("commit = %+v, %v in %v", res, err, took)
		}
	})
}

func TestTimeUp(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(silent)
		f.nodes[1].says(silent)
		c := f.dial(f.config())
		defer c.Close()
		_, took, err := commit(t, c)
		if took != timeoutDefault {
			t.Errorf("took %v, want %v", took, timeoutDefault)
		}
		for _, want := range []error{context.DeadlineExceeded, replica.ErrUnavailable, ErrOutcomeUnknown} {
			if !errors.Is(err, want) {
				t.Errorf("error %v is not %v", err, want)
			}
		}
		if text := fmt.Sprint(err); !strings.Contains(text, "2 attempts") || !strings.Contains(text, "10.0.0.") {
			t.Errorf("error %q does not say what was tried", text)
		}
		for _, a := range append(f.nodes[0].requests(), f.nodes[1].requests()...) {
			if got := time.UnixMilli(a.req.Commit.NotAfter); got.After(time.Now()) {
				t.Errorf("commit could take effect until %v, after its caller gave up at %v", got, time.Now())
			}
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err = c.Load(ctx, &replica.Load{Key: testKey})
		if !errors.Is(err, replica.ErrUnavailable) || errors.Is(err, ErrOutcomeUnknown) || time.Since(start) != time.Second {
			t.Errorf("load = %v in %v", err, time.Since(start))
		}
	})
}

func TestErrorNamesWhoGaveTheLastAnswer(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		first := f.nodes[0]
		first.says(status(replica.StatusNotPrimary, f.claim(2, 2)))
		f.nodes[1].says(silent)
		c := f.dial(f.config())
		defer c.Close()
		var death sync.WaitGroup
		death.Go(func() {
			time.Sleep(100 * time.Millisecond)
			first.kill()
		})
		_, _, err := commit(t, c)
		death.Wait()
		if text := fmt.Sprint(err); !strings.Contains(text, "10.0.0.1:7946, 5s ago: node is not the slot's primary") ||
			!strings.Contains(text, "10.0.0.2:7946, asked last, has not answered") {
			t.Errorf("error %q does not say who said what", text)
		}
		first.start(wire.DevelopmentKey()) // for the cluster's end
	})
}

func TestTooLateAfterResendingIsUnknown(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(hangUp)
		f.nodes[1].says(status(replica.StatusTooLate, replica.Claim{}))
		c := f.dial(f.config())
		defer c.Close()
		if _, _, err := commit(t, c); !errors.Is(err, ErrOutcomeUnknown) || !errors.Is(err, replica.ErrTooLate) {
			t.Errorf("commit = %v, want ErrOutcomeUnknown: the first node may have taken it", err)
		}
	})
}

func TestFinalStatusIsError(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(status(replica.StatusDestroyed, replica.Claim{}))
		c := f.dial(f.config())
		defer c.Close()
		res, _, err := commit(t, c)
		if !errors.Is(err, replica.ErrDestroyed) || res.Status != replica.StatusDestroyed || errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("commit = %+v, %v", res, err)
		}
		wantOneID(t, []int{1}, f.nodes...)
	})
}

func TestCancelledCaller(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(silent)
		c := f.dial(f.config())
		defer c.Close()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		_, err := c.Commit(ctx, &replica.Commit{Key: testKey})
		if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, replica.ErrUnavailable) {
			t.Errorf("commit = %v", err)
		}
	})
}

func TestCloseWithRequestsInFlight(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(silent)
		c := f.dial(f.config())
		errs := make(chan error, 10)
		for range cap(errs) {
			go func() {
				_, _, err := commit(t, c)
				errs <- err
			}()
		}
		synctest.Wait()
		must(t, c.Close())
		for range cap(errs) {
			if err := <-errs; !errors.Is(err, ErrClosed) || !errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("commit = %v, want ErrClosed", err)
			}
		}
		if _, _, err := commit(t, c); !errors.Is(err, ErrClosed) || errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("commit after Close = %v", err)
		}
		must(t, c.Close())
	})
}

func TestInFlightBound(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		f.nodes[0].says(silent)
		conf := f.config()
		conf.InFlightMax = 2
		c := f.dial(conf)
		defer c.Close()
		done := make(chan error, 2)
		for range 2 {
			go func() {
				_, _, err := commit(t, c)
				done <- err
			}()
		}
		synctest.Wait()
		if _, took, err := commit(t, c); !errors.Is(err, ErrOverloaded) || took != 0 {
			t.Errorf("third commit = %v in %v, want ErrOverloaded at once", err, took)
		}
		<-done
		<-done
		f.nodes[0].says(ok)
		if _, _, err := commit(t, c); err != nil {
			t.Errorf("commit when there is room again = %v", err)
		}
	})
}

func TestTooLargeForFrame(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		c := f.dial(f.config())
		defer c.Close()
		_, err := c.Commit(t.Context(), &replica.Commit{Key: testKey, Changes: []replica.Change{
			{Name: "a", Value: make([]byte, wire.FrameSizeMax)},
		}})
		if !errors.Is(err, replica.ErrTooLarge) || errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("commit = %v, want ErrTooLarge", err)
		}
		if _, _, err := commit(t, c); err != nil {
			t.Errorf("commit after it = %v", err)
		}
	})
}

func TestChangesOfOneRequestFitAFrame(t *testing.T) {
	var many, big changes
	for i := range changesMax {
		must(t, many.put(replica.Change{Name: fmt.Sprint(i), Value: make([]byte, changesBytesMax/changesMax-changeBytes-5)}))
	}
	if err := many.put(replica.Change{Name: "x"}); !errors.Is(err, replica.ErrTooLarge) {
		t.Errorf("change %d = %v, want ErrTooLarge", changesMax+1, err)
	}
	must(t, many.put(replica.Change{Name: "7", Delete: true})) // in place of another
	must(t, big.put(replica.Change{Name: "a", Value: make([]byte, changesBytesMax-changeBytes-1)}))
	if err := big.put(replica.Change{Name: "b"}); !errors.Is(err, replica.ErrTooLarge) {
		t.Errorf("a byte more = %v, want ErrTooLarge", err)
	}
	for _, set := range []changes{many, big} {
		frame := wire.AppendMessage(nil, &replica.Request{Commit: &replica.Commit{
			Key: replica.Key{App: strings.Repeat("a", replica.AppLenMax), ID: testID}, Changes: set.list}}, 0)
		if len(frame) > wire.FrameSizeMax || len(frame) < wire.FrameSizeMax*9/10 {
			t.Errorf("frame of %d bytes, limit %d", len(frame), wire.FrameSizeMax)
		}
	}
}

func TestBadKeysAreNotSent(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		c := f.dial(f.config())
		defer c.Close()
		if _, err := c.Load(t.Context(), &replica.Load{}); !errors.Is(err, replica.ErrBadRequest) {
			t.Errorf("load = %v", err)
		}
		if _, err := c.Commit(t.Context(), &replica.Commit{}); !errors.Is(err, replica.ErrBadRequest) {
			t.Errorf("commit = %v", err)
		}
		many := &replica.Commit{Key: testKey, Changes: make([]replica.Change, changesMax+1)}
		if _, err := c.Commit(t.Context(), many); !errors.Is(err, replica.ErrTooLarge) {
			t.Errorf("commit = %v", err)
		}
		if got := f.nodes[0].requests(); len(got) > 0 {
			t.Errorf("node got %v", got)
		}
	})
}
