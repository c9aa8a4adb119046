package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sessnode/sessnode/wire"
)

const (
	// joinAgain is the pause between two rounds of looking for members.
	joinAgain = 500 * time.Millisecond
	// rejoinEvery is how often a member looks for those that it remembers and does not see: gossip never heals a split
	// by itself once both sides have declared each other dead.
	rejoinEvery = 2 * time.Second
)

// seeds are the addresses to look for: those configured and those remembered, without this node's own.
func (n *Node) seeds(r remembered) []string {
	all := slices.Clone(n.cfg.Join)
	for _, m := range r.Members {
		all = append(all, m.Address)
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(a string) bool {
		return n.isOwn(a) || a == ""
	})
}

// join looks for members until one is found or the time is up, then goes on looking for those that are missing, until
// ctx is done. Close joins it.
func (n *Node) join(ctx context.Context) {
	r, err := n.recall()
	if err != nil {
		n.doom(err)
		return
	}
	seeds := n.seeds(r)
	if err := n.joinFirst(ctx, seeds); err != nil {
		n.doom(err)
		return
	}
	for sleep(ctx, rejoinEvery) {
		if len(n.missing()) == 0 {
			continue
		}
		if err := n.followNames(ctx); err != nil { // who is missing may be elsewhere by now
			n.log.Debug("names of members cannot be looked up", "error", err)
		}
		if missing := n.missing(); len(missing) > 0 {
			if _, err := n.gossip.list.Join(missing); err != nil {
				n.log.Debug("members are missing", "addresses", missing, "error", err)
			}
		}
	}
}

// joinFirst looks for any seed. With several nodes starting together there may be none for a while.
func (n *Node) joinFirst(ctx context.Context, seeds []string) error {
	if len(seeds) == 0 {
		return nil
	}
	began := n.cfg.Clock().Mono
	told := began
	for {
		err := n.tryJoin(ctx, seeds)
		now := n.cfg.Clock().Mono
		switch {
		case len(n.gossip.alive()) > 1:
			return nil
		case hopeless(err) != nil:
			return hopeless(err)
		case taken(err) && now-began > nameWait:
			return &refusal{ErrNameTaken, lastOf(err)}
		case now-began > n.cfg.JoinTimeout:
			return fmt.Errorf("%w within %v: %s: check the addresses and that a node runs there (%s)",
				ErrNoSeed, n.cfg.JoinTimeout, strings.Join(seeds, ", "), lastOf(err))
		case now-told > 5*time.Second:
			told = now
			n.log.Info("still looking for a node to join", "seeds", seeds, "error", lastOf(err))
		}
		if !sleep(ctx, joinAgain) {
			return ctx.Err()
		}
	}
}

// tryJoin looks for seeds once, by what their names stand for at this moment.
func (n *Node) tryJoin(ctx context.Context, seeds []string) error {
	unknown := n.followNames(ctx)
	addrs := numeric(seeds)
	n.mu.Lock()
	addrs = append(addrs, n.resolved...)
	n.mu.Unlock()
	slices.Sort(addrs)
	addrs = slices.DeleteFunc(slices.Compact(addrs), n.isOwn)
	if len(addrs) == 0 {
		return unknown
	}
	_, err := n.gossip.list.Join(addrs)
	return cmp.Or(err, unknown)
}

// nameWait is how long a node waits for gossip to see that an earlier run under its name, at another address, is dead.
const nameWait = 5 * time.Second

func taken(err error) bool { return err != nil && strings.Contains(err.Error(), ErrNameTaken.Error()) }

// hopeless is the error that no further try will mend, or nil. Memberlist joins the errors of all seeds, and keeps what
// they wrap or only their text.
func hopeless(err error) error {
	if err == nil {
		return nil
	}
	for _, e := range []error{ErrOtherCluster, wire.ErrKeyMismatch, wire.ErrKeyRefused, errMeta} {
		if errors.Is(err, e) || strings.Contains(err.Error(), e.Error()) {
			return &refusal{e, lastOf(err)}
		}
	}
	return nil
}

// refusal is an error that memberlist kept only the text of, with what it was.
type refusal struct {
	what error
	text string // says what, and more
}

// Error is the text.
func (r *refusal) Error() string { return r.text }

// Unwrap is the error that callers test for.
func (r *refusal) Unwrap() error { return r.what }

// lastOf is the last line of a joined error: one is enough to see what is wrong.
func lastOf(err error) string {
	if err == nil {
		return "no answer"
	}
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' })
	last := ""
	for _, l := range lines {
		if l = strings.TrimSpace(strings.TrimLeft(l, "\t *")); l != "" {
			last = l
		}
	}
	return cmp.Or(last, "no answer")
}

// missing lists the addresses of Join, of names those found last, and of remembered members that no living member has, but not those forgotten.
func (n *Node) missing() []string {
	all := numeric(n.seeds(remembered{}))
	known := map[string]bool{n.self.Addr: true, n.endpoint.Addr().String(): true} // alive, or not to be looked for
	n.mu.Lock()
	all = append(all, n.resolved...)
	for _, a := range n.known {
		all = append(all, a.addr)
	}
	maps.Copy(known, n.forgotten)
	n.mu.Unlock()
	for _, m := range n.gossip.alive() {
		known[m.addr] = true
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(a string) bool { return known[a] })
}

// sleep waits, and reports whether ctx goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
