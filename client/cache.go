package client

import (
	"bytes"
	"container/list"
	"slices"
	"strings"
	"sync"

	"github.com/sessnode/sessnode/replica"
)

// cache keeps the newest version that the client knows of the sessions used last. It answers nothing by itself: what it
// holds goes to the slot's primary as a stamp and a digest, and counts only if the primary confirms that both are those
// of its newest durable version. So a wrong guess costs bytes, and never shows anything that a whole load would not.
type cache struct {
	bytesMax int // 0: keeps nothing

	mu        sync.Mutex // guards the fields below; what they point to is never modified
	byKey     map[replica.Key]*list.Element
	order     list.List // of *kept; the one used last in front
	sizeBytes int       // Invariant: the sum over order, <= bytesMax.
	hits      uint64
	updates   uint64
	misses    uint64
}

// kept is one version of a session.
type kept struct {
	session   *replica.Session
	sure      replica.Stamp // of the last version that the primary told: what came after it is a guess, and may lack something
	digest    uint64
	sizeBytes int
}

// What keeping costs beside names, values and ids, about.
const (
	keptBytes     = 384 // the session, the entry and its places in the map and the list
	keptAttrBytes = 64
)

// newKept is a version of which the one with the stamp sure was told.
func newKept(s *replica.Session, sure replica.Stamp) *kept {
	attrs, bytes := s.Live()
	return &kept{s, sure, s.Digest(), keptBytes + attrs*keptAttrBytes + bytes + len(s.Key.App) + len(s.Key.ID)}
}

func newCache(bytesMax int) *cache {
	return &cache{bytesMax: max(bytesMax, 0), byKey: make(map[replica.Key]*list.Element)}
}

// question is a copy of l with what is kept of its session, and that, which the caller holds on to: it may be pushed out before the
// answer comes. A load that is no access, or that says itself what it knows, is left alone.
func (c *cache) question(l *replica.Load) (*replica.Load, *kept) {
	asked := *l
	if l.Peek || !l.Known.IsZero() {
		return &asked, nil
	}
	k := c.get(l.Key)
	if k == nil {
		return &asked, nil
	}
	asked.Known, asked.KnownDigest, asked.Since = k.session.Stamp, k.digest, k.sure
	return &asked, k
}

func (c *cache) get(key replica.Key) *kept {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*kept)
}

// loaded takes the answer to l, which was asked knowing held, and completes it. It reports false if that cannot be done: then
// the session must be loaded whole.
func (c *cache) loaded(l *replica.Load, held *kept, res *replica.Result, err error) bool {
	switch {
	case gone(err):
		c.drop(l.Key)
	case err != nil || l.Peek:
	case res.Session != nil && res.Whole != 0 && held != nil:
		k := held.updated(res.Session)
		if k.digest != res.Whole {
			return false // what is held was a guess, or parts of it came before what it knew, when a split healed
		}
		res.Session, res.Whole = k.session, 0
		c.replace(held, k)
		c.count(&c.updates)
	case res.Session != nil:
		c.replace(held, newKept(res.Session, res.Session.Stamp))
		c.count(&c.misses)
	case held != nil:
		res.Session = held.session
		c.count(&c.hits)
	}
	return true
}

// updated is k with what has changed since.
func (k *kept) updated(changed *replica.Session) *kept {
	s := *replica.Merge(k.session, changed) // of its own
	s.Attrs = slices.DeleteFunc(s.Attrs, func(a replica.Attr) bool { return a.Deleted })
	return newKept(&s, s.Stamp)
}

func (c *cache) count(n *uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

// replace keeps what came, unless something later came in place of held meanwhile. Held itself gives way whatever
// the stamps say: its commit may have been lost.
func (c *cache) replace(held, k *kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byKey[k.session.Key]; e != nil {
		if now := e.Value.(*kept); now != held && k.session.Stamp.Less(now.session.Stamp) {
			return
		}
	}
	c.put(k)
}

// committed takes the answer to a commit. It tells a stamp alone, and others may have changed other attributes since what
// is kept was loaded: what is kept then is a guess, right in most cases, and the digest shows when it is not. No guess is
// made of what the answer does not tell, such as a deadline or the birth of a renewed id; nor of a request that the caller
// named, for the answer may be that to an earlier one of other content.
func (c *cache) committed(commit *replica.Commit, res *replica.Result, err error) {
	switch {
	case gone(err), err == nil && unguessable(commit):
		c.drop(commit.Key)
	case err == nil && len(commit.Changes) > 0:
		swapped := false
		for k := c.get(commit.Key); k != nil && !swapped; k = c.get(commit.Key) {
			swapped = c.swap(k, newKept(changed(k.session, commit, res.Stamp), k.sure))
		}
	}
}

func unguessable(c *replica.Commit) bool {
	return c.Create || c.Destroy || c.Configure || c.Renew != "" || !c.Request.IsZero()
}

// changed is s after a commit that got the given stamp, with nothing of the commit's own memory in it.
func changed(s *replica.Session, commit *replica.Commit, stamp replica.Stamp) *replica.Session {
	done := changes{list: make([]replica.Change, 0, len(commit.Changes))}
	for _, ch := range commit.Changes {
		done.list = append(done.list, replica.Change{
			Name: strings.Clone(ch.Name), Value: bytes.Clone(ch.Value), Delete: ch.Delete,
		})
	}
	slices.SortFunc(done.list, func(a, b replica.Change) int { return strings.Compare(a.Name, b.Name) })
	next := done.committed(s, s.Key, stamp)
	next.Attrs = slices.DeleteFunc(next.Attrs, func(a replica.Attr) bool { return a.Deleted }) // as in an answer
	return next
}

// swap puts k in the place of old and reports whether that was still kept.
func (c *cache) swap(old, k *kept) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[k.session.Key]
	if e == nil || e.Value.(*kept) != old {
		return false
	}
	c.put(k)
	return true
}

// put keeps k, in place of another version, and pushes out what was not used for longest. Called with mu held.
func (c *cache) put(k *kept) {
	c.remove(k.session.Key)
	if k.sizeBytes > c.bytesMax {
		return
	}
	for c.sizeBytes+k.sizeBytes > c.bytesMax {
		c.remove(c.order.Back().Value.(*kept).session.Key)
	}
	c.byKey[k.session.Key] = c.order.PushFront(k)
	c.sizeBytes += k.sizeBytes
}

func (c *cache) drop(key replica.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(key)
}

// remove is called with mu held.
func (c *cache) remove(key replica.Key) {
	if e := c.byKey[key]; e != nil {
		delete(c.byKey, key)
		c.order.Remove(e)
		c.sizeBytes -= e.Value.(*kept).sizeBytes
	}
}

// Stats says what a [Client] saved by keeping sessions, see Config.CacheBytes.
type Stats struct {
	// CacheHits counts the loads that were answered by the version kept: the slot's primary was asked, and confirmed it.
	CacheHits    uint64
	CacheUpdates uint64 // loads that brought what had changed since the version kept
	CacheMisses  uint64 // loads whose session came whole
	// CacheSessions and CacheBytes are what is kept now.
	CacheSessions, CacheBytes int
}

// Stats counts since Dial.
func (c *Client) Stats() Stats {
	k := c.cache
	k.mu.Lock()
	defer k.mu.Unlock()
	return Stats{CacheHits: k.hits, CacheUpdates: k.updates, CacheMisses: k.misses, CacheSessions: len(k.byKey), CacheBytes: k.sizeBytes}
}
