package client

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// primary is the script of a node that keeps one session and answers loads as primaries do.
type primary struct {
	clock   replica.Clock
	session *replica.Session
	knowing int // loads that named the newest version
	whole   int // loads that it told everything
}

func newPrimary(attrs ...*replica.Attr) *primary {
	p := &primary{clock: replica.Clock{Boot: 1}}
	st := p.clock.Next(0)
	for i := range attrs {
		attrs[i].Stamp = st
	}
	p.session = &replica.Session{Key: testKey, Born: st, Stamp: st, Touched: st, Attrs: attrs, Settings: replica.Settings{Stamp: st}}
	return p
}

func (p *primary) answer(_ *wire.Conn, req *replica.Request) *replica.Reply {
	switch {
	case p.session == nil:
		return &replica.Reply{Result: replica.Result{Status: replica.StatusDestroyed}}
	case req.Commit != nil && req.Commit.Destroy:
		p.session = nil
	case req.Commit != nil:
		p.change(req.Commit.Changes...)
	case req.Load.Known != p.session.Stamp || req.Load.KnownDigest != p.session.Digest():
		return &replica.Reply{Result: p.tell(req.Load.Since)}
	default:
		p.knowing++
	}
	res := replica.Result{Copies: 1}
	if p.session != nil {
		res.Stamp = p.session.Stamp
	}
	return &replica.Reply{Result: res}
}

// tell is the answer to who knows all up to a stamp.
func (p *primary) tell(since replica.Stamp) replica.Result {
	res := replica.Result{Stamp: p.session.Stamp}
	s := *p.session
	if since.IsZero() {
		p.whole++
	} else {
		res.Whole = s.Digest()
	}
	s.Attrs = slices.DeleteFunc(slices.Clone(s.Attrs), func(a *replica.Attr) bool {
		return since.IsZero() && a.Deleted || !since.Less(a.Stamp)
	})
	res.Session = &s
	return res
}

func (p *primary) change(list ...replica.Change) { p.write(p.clock.Next(0), list...) }

// write changes the session as a commit with the given stamp does, which is not the newest when a split has healed.
func (p *primary) write(stamp replica.Stamp, list ...replica.Change) {
	s := &replica.Session{Key: testKey, Stamp: stamp, Touched: stamp}
	for _, ch := range list {
		s.Attrs = append(s.Attrs, &replica.Attr{Name: ch.Name, Value: bytes.Clone(ch.Value), Stamp: stamp, Deleted: ch.Delete})
	}
	slices.SortFunc(s.Attrs, func(a, b *replica.Attr) int { return strings.Compare(a.Name, b.Name) })
	p.session = replica.Merge(p.session, s)
}

func attr(name, value string) *replica.Attr { return &replica.Attr{Name: name, Value: []byte(value)} }

func setTo(name, value string) replica.Change {
	return replica.Change{Name: name, Value: []byte(value)}
}

// view is a loaded session as text.
func view(t *testing.T, c *Client, l *replica.Load) string {
	t.Helper()
	res, err := c.Load(t.Context(), l)
	if err != nil {
		return err.Error()
	}
	if res.Session == nil {
		return "none"
	}
	var text strings.Builder
	for _, a := range res.Session.Attrs {
		fmt.Fprintf(&text, "%s=%s ", a.Name, a.Value)
	}
	return strings.TrimSpace(text.String())
}

// TestCacheFollows what this client and others do to a session, and what of it a load brings.
func TestCacheFollows(t *testing.T) {
	reused := []byte("3") // the caller's own, used again after the commit
	steps := []struct {
		name string
		do   func(p *primary, c *Client) error
		want string
		came string
	}{
		{"the first load", nil, "a=1 b=1", "all"},
		{"nothing", nil, "a=1 b=1", "nothing"},
		{"a commit of ours", commitOf(setTo("a", "2")), "a=2 b=1", "nothing"},
		{"a commit of theirs", func(p *primary, _ *Client) error { p.change(setTo("b", "2")); return nil }, "a=2 b=2", "changes"},
		{"a commit of theirs and then of ours", func(p *primary, c *Client) error {
			p.change(setTo("c", "1"))
			return commitOf(setTo("a", "3"))(p, c)
		}, "a=3 b=2 c=1", "changes"},
		{"a deletion of ours", commitOf(replica.Change{Name: "c", Delete: true}), "a=3 b=2", "nothing"},
		{"changes in no order", commitOf(setTo("z", "1"), setTo("b", "3")), "a=3 b=3 z=1", "nothing"},
		{"a value whose memory is used again", func(p *primary, c *Client) error {
			err := commitOf(replica.Change{Name: "z", Value: reused})(p, c)
			reused[0] = 'X'
			return err
		}, "a=3 b=3 z=3", "nothing"},
		{"a touch", commitOf(), "a=3 b=3 z=3", "changes"}, // the fake stamps touches; a slot does not
		{"a commit that the caller named", func(p *primary, c *Client) error {
			_, err := c.Commit(context.Background(), &replica.Commit{Key: testKey, Request: replica.RequestID{Client: 1, Seq: 1}, Changes: []replica.Change{setTo("a", "4")}})
			return err
		}, "a=4 b=3 z=3", "all"},
		{"new settings", func(p *primary, c *Client) error {
			_, err := c.Commit(context.Background(), &replica.Commit{Key: testKey, Configure: true, Changes: []replica.Change{setTo("a", "5")}})
			p.session.Settings.Stamp = p.session.Stamp
			return err
		}, "a=5 b=3 z=3", "all"},
		{"nothing again", nil, "a=5 b=3 z=3", "nothing"},
		{"a deletion of theirs", func(p *primary, _ *Client) error {
			p.change(replica.Change{Name: "z", Delete: true})
			return nil
		}, "a=5 b=3", "changes"},
		{"a heal that brought an earlier write", func(p *primary, _ *Client) error {
			p.write(replica.Stamp{Clock: 1, Boot: 2}, setTo("h", "1"))
			return nil
		}, "a=5 b=3 h=1", "all"},
		{"a commit of theirs after that", func(p *primary, _ *Client) error { p.change(setTo("h", "2")); return nil }, "a=5 b=3 h=2", "changes"},
		{"a destroy", func(p *primary, c *Client) error {
			_, err := c.Commit(context.Background(), &replica.Commit{Key: testKey, Destroy: true})
			return err
		}, replica.ErrDestroyed.Error(), "an error"},
	}
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		p := newPrimary(attr("a", "1"), attr("b", "1"))
		f.nodes[0].says(p.answer)
		c := f.dial(f.config())
		defer c.Close()
		for _, step := range steps {
			if step.do != nil {
				if err := step.do(p, c); err != nil {
					t.Fatalf("%s: %v", step.name, err)
				}
			}
			before, whole := c.Stats(), p.whole
			if got := view(t, c, &replica.Load{Key: testKey}); got != step.want {
				t.Errorf("after %s: %s, want %s", step.name, got, step.want)
			}
			came := "an error"
			switch now := c.Stats(); {
			case p.whole > whole:
				came = "all"
			case now.CacheUpdates > before.CacheUpdates:
				came = "changes"
			case now.CacheHits > before.CacheHits:
				came = "nothing"
			}
			if came != step.came {
				t.Errorf("after %s: %s came, want %s", step.name, came, step.came)
			}
		}
		if got := c.Stats(); got.CacheSessions != 0 || got.CacheBytes != 0 || int(got.CacheHits) != p.knowing {
			t.Errorf("a destroyed session is kept: %+v; %d loads came without", got, p.knowing)
		}
	})
}

func commitOf(list ...replica.Change) func(*primary, *Client) error {
	return func(_ *primary, c *Client) error {
		_, err := c.Commit(context.Background(), &replica.Commit{Key: testKey, Changes: list})
		return err
	}
}

// TestCacheIsLeftAlone by loads that ask for something else.
func TestCacheIsLeftAlone(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		p := newPrimary(attr("a", "1"))
		f.nodes[0].says(p.answer)
		c := f.dial(f.config())
		defer c.Close()
		view(t, c, &replica.Load{Key: testKey, Peek: true})
		if got := c.Stats(); got.CacheSessions != 0 {
			t.Errorf("a peek is kept: %+v", got)
		}
		view(t, c, &replica.Load{Key: testKey})
		if got := view(t, c, &replica.Load{Key: testKey, Peek: true}); got != "a=1" || p.knowing != 0 {
			t.Errorf("peek = %s; %d loads named a version", got, p.knowing)
		}
		known := &replica.Load{Key: testKey, Known: p.session.Stamp, KnownDigest: p.session.Digest()}
		if got := view(t, c, known); got != "none" {
			t.Errorf("who knows the newest version gets %s", got)
		}
	})
}

func TestWithoutCache(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, f *fakeCluster) {
		p := newPrimary(attr("a", "1"))
		f.nodes[0].says(p.answer)
		conf := f.config()
		conf.CacheBytes = -1
		c := f.dial(conf)
		defer c.Close()
		for range 3 {
			view(t, c, &replica.Load{Key: testKey})
		}
		if got, want := c.Stats(), (Stats{CacheMisses: 3}); got != want {
			t.Errorf("without a cache: %+v, want %+v", got, want)
		}
	})
}
