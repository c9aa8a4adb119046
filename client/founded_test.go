package client

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// logged makes a client log into the buffer, which may be read when the client is closed.
func logged(conf Config) (Config, *bytes.Buffer) {
	var b bytes.Buffer
	conf.Log = slog.New(slog.NewTextHandler(&b, nil))
	return conf, &b
}

func TestNodeOfSecondClusterIsNotBelieved(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		n := f.nodes[0]
		c := f.dial(f.config())
		defer c.Close()
		n.restart(8, fakeSlots)
		n.says(status(replica.StatusNotFound, replica.Claim{}))
		ctx, cancel := context.WithTimeout(t.Context(), adoptAfter-time.Second)
		defer cancel()
		_, err := c.Load(ctx, &replica.Load{Key: testKey})
		if errors.Is(err, replica.ErrNotFound) || !errors.Is(err, replica.ErrUnavailable) {
			t.Errorf("load = %v, want it to believe nobody who lost the session", err)
		}
		if got := n.requests(); len(got) > 0 {
			t.Errorf("%d requests were sent to another cluster", len(got))
		}
	})
}

func TestSecondClusterIsLeftAloneWhileFirstLives(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		for _, n := range f.nodes {
			n.starts(replica.Layout{Cluster: 7, Slots: fakeSlots, Members: f.members(), Claims: []replica.Claim{f.claim(1, 2)}})
		}
		conf, log := logged(f.config())
		c := f.dial(conf)
		defer c.Close()
		f.nodes[0].restart(8, fakeSlots)
		time.Sleep(10 * adoptAfter)
		if _, took, err := commit(t, c); err != nil || took > 5*time.Millisecond {
			t.Errorf("commit = %v in %v", err, took)
		}
		wantOneID(t, []int{0, 1}, f.nodes...)
		if got := f.nodes[0].accepted(); got > 30 {
			t.Errorf("%d connections to the second cluster in 30 s: no backoff", got)
		}
		must(t, c.Close())
		if got := strings.Count(log.String(), "level=WARN msg=\"node is not understood\""); got != 1 {
			t.Errorf("%d warnings of the second cluster, want 1:\n%s", got, log)
		}
	})
}

func TestConnectionIsUsedOnlyOnceItsLayoutIsKnown(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, f *fakeCluster) {
		var token atomic.Uint64
		f.nodes[0].says(func(_ *wire.Conn, req *replica.Request) *replica.Reply {
			token.Store(req.Token)
			return nil
		})
		mute := f.nodes[1]
		mute.greets = func(conn *wire.Conn) {
			time.AfterFunc(2*time.Second, func() {
				_ = conn.Send(1, &appender{&replica.Reply{Token: token.Load(), Result: replica.Result{Copies: 9}}})
			})
			time.AfterFunc(3*time.Second, func() { _ = conn.Send(0, &appender{&mute.layout}) })
		}
		c := f.dial(f.config())
		defer c.Close()
		res, took, err := commit(t, c)
		if err != nil || res.Copies != 2 || took < 2800*time.Millisecond {
			t.Errorf("commit = %+v, %v in %v, want the answer of the second node, asked after it told its layout", res, err, took)
		}
	})
}

func TestClusterFoundedAnewIsAdopted(t *testing.T) {
	for name, slots := range map[string]uint32{"same slots": fakeSlots, "more slots": 16} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, 3, func(t *testing.T, f *fakeCluster) {
				for _, n := range f.nodes {
					n.starts(replica.Layout{Cluster: 7, Slots: fakeSlots, Members: f.members(), Claims: []replica.Claim{f.claim(9, 3)}})
				}
				conf, log := logged(f.config())
				conf.Timeout = 20 * time.Second
				c := f.dial(conf)
				defer c.Close()
				for _, n := range f.nodes {
					n.restart(8, slots)
					n.starts(f.nodes[0].layout)
					n.sees(f.members()[:1])
				}
				want := f.nodes[0].member
				if _, took, err := commit(t, c); err != nil || took < adoptAfter || took > adoptAfter+wire.LinkBackoffMax+time.Second {
					t.Errorf("commit = %v in %v", err, took)
				}
				time.Sleep(5 * time.Second)
				where, err := c.Locate(t.Context(), testID)
				if err != nil || where.Primary != want || where.Epoch != 1 || len(c.Members()) != 1 {
					t.Errorf("located at %+v, %v, members %v: the old layout lives on", where, err, c.Members())
				}
				for _, n := range f.nodes {
					if got := n.accepted(); got > 12 {
						t.Errorf("%d connections to %s: no backoff", got, n.member.Name)
					}
					n.requests()
				}
				if _, took, err := commit(t, c); err != nil || took > 5*time.Millisecond {
					t.Errorf("commit = %v in %v", err, took)
				}
				wantOneID(t, []int{1, 0, 0}, f.nodes...)
				must(t, c.Close())
				if got := strings.Count(log.String(), "founded anew"); got != 1 {
					t.Errorf("the adoption was logged %d times", got)
				}
				if got := strings.Count(log.String(), "level=WARN"); got > 2+len(f.nodes) {
					t.Errorf("%d warnings, want one of each node, of the adoption and of the key:\n%s", got, log)
				}
			})
		})
	}
}

func TestClaimOfNodeThatIsGoneIsNotLearnt(t *testing.T) {
	l, old, fresh := newLayout(), &peer{}, &peer{}
	tell := func(now time.Duration, from *peer, cluster uint64) {
		_, err := l.apply(now, from, &replica.Layout{Cluster: cluster, Slots: 1, Claims: []replica.Claim{{Epoch: 1, Primary: 1}}})
		must(t, err)
	}
	tell(0, old, 7)
	if !l.learn(old, replica.Claim{Epoch: 2, Primary: 1}) {
		t.Error("the claim of a connected node was not learnt")
	}
	l.forget(time.Second, old)
	tell(time.Second+adoptAfter, fresh, 8)
	if l.learn(old, replica.Claim{Epoch: 99, Primary: 2}) { // of an answer that was looked at late
		t.Error("a claim of the old cluster was taken for one of the new")
	}
}
