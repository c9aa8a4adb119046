package cache

import (
	"container/list"
	"sync"

	"github.com/sessnode/sessnode/replica"
)

// Cache keeps the newest version that its owner knows of the sessions used last. It answers nothing by itself: what it
// holds goes to the slot's primary as a stamp and a digest, and counts only if the primary confirms that both are those
// of its newest durable version. So a wrong guess costs bytes, and never shows anything that a whole load would not.
type Cache struct {
	bytesMax int // 0: keeps nothing

	mu        sync.Mutex // guards the fields below; what they point to is never modified
	byKey     map[replica.Key]*list.Element
	order     list.List // of *version; the one used last in front
	sizeBytes int       // Invariant: the sum over order, <= bytesMax.
	hits      uint64
	updates   uint64
	misses    uint64
}

// version is one version of a session, as it is kept.
type version struct {
	session   *replica.Session
	sure      replica.Stamp // of the last version that the primary told: what came after it is a guess, and may lack something
	digest    uint64
	sizeBytes int
	place     *list.Element // in a cache's order; nil: it was never kept. It holds this version until another takes the place
}

// kept reports whether k is the version kept of its session. Called with mu held.
func (k *version) kept() bool { return k.place != nil && k.place.Value == k }

// What keeping costs beside names, values and ids, about.
const (
	keptBytes     = 384 // the session, the entry and its places in the map and the list
	keptAttrBytes = 64
)

// newVersion is a version of which the one with the stamp sure was told.
func newVersion(s *replica.Session, sure replica.Stamp) *version {
	attrs, bytes := s.Live()
	sizeBytes := keptBytes + attrs*keptAttrBytes + bytes + len(s.Key.App) + len(s.Key.ID)
	return &version{session: s, sure: sure, digest: s.Digest(), sizeBytes: sizeBytes}
}

// New makes a cache of so many bytes, about; of none if there are not more than 0.
func New(bytesMax int) *Cache {
	return &Cache{bytesMax: max(bytesMax, 0), byKey: make(map[replica.Key]*list.Element)}
}

// Load has ask answer a load, and completes the answer with what is kept. ask gets l with what is known, and, if what comes does not
// fit that, l as it is.
func (c *Cache) Load(l *replica.Load, ask func(replica.Load) (replica.Result, error)) (replica.Result, error) {
	asked, held := c.question(l)
	res, err := ask(asked)
	if !c.loaded(l, held, &res, err) {
		res, err = ask(*l)
		c.loaded(l, held, &res, err)
	}
	return res, err
}

// question is a copy of l with what is kept of its session, and that, which the caller holds on to: it may be pushed out before
// the answer comes. A load that is no access, or that says itself what it knows, is left alone.
func (c *Cache) question(l *replica.Load) (asked replica.Load, held *version) {
	asked = *l
	if l.Peek || !l.Known.IsZero() {
		return asked, nil
	}
	k := c.get(l.Key)
	if k != nil {
		asked.Known, asked.KnownDigest, asked.Since = k.session.Stamp, k.digest, k.sure
	}
	return asked, k
}

func (c *Cache) get(key replica.Key) *version {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*version)
}

// loaded takes the answer to l, which was asked knowing held, and completes it. It reports false if that cannot be done: then
// the session must be loaded whole.
func (c *Cache) loaded(l *replica.Load, held *version, res *replica.Result, err error) bool {
	switch {
	case replica.Gone(err):
		c.drop(l.Key)
	case err != nil || l.Peek:
	case res.Session != nil && res.Whole != 0 && held != nil:
		k := held.updated(res.Session)
		if k.digest != res.Whole {
			return false // what is held was a guess, or parts of it came before what it knew, when a split healed
		}
		res.Session, res.Whole = k.session, 0
		c.replace(held, k, &c.updates)
	case res.Session != nil:
		c.replace(held, newVersion(res.Session, res.Session.Stamp), &c.misses)
	case held != nil:
		res.Session = held.session
		c.count(&c.hits)
	}
	return true
}

// updated is k with what has changed since.
func (k *version) updated(changed *replica.Session) *version {
	s := replica.Merge(k.session, changed).Visible()
	return newVersion(s, s.Stamp)
}

func (c *Cache) count(n *uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

// replace keeps what came, and counts it, unless something later came in place of held meanwhile. Held itself gives way whatever
// the stamps say: its commit may have been lost.
func (c *Cache) replace(held, k *version, n *uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
	if held != nil && held.kept() {
		c.put(held.place, k)
		return
	}
	e := c.byKey[k.session.Key]
	if e != nil && k.session.Stamp.Less(e.Value.(*version).session.Stamp) {
		return
	}
	c.put(e, k)
}

// Committed takes the answer to a commit. It tells a stamp alone, and others may have changed other attributes since what
// is kept was loaded: what is kept then is a guess, right in most cases, and the digest shows when it is not. No guess is
// made of what the answer does not tell, such as a deadline or the birth of a renewed id; nor of a request that the caller
// named, for the answer may be that to an earlier one of other content.
func (c *Cache) Committed(commit *replica.Commit, res *replica.Result, err error) {
	switch {
	case replica.Gone(err), err == nil && unguessable(commit):
		c.drop(commit.Key)
	case err == nil && len(commit.Changes) > 0:
		swapped := false
		for k := c.get(commit.Key); k != nil && !swapped; k = c.get(commit.Key) {
			guess := k.session.With(commit.Changes, res.Stamp).Visible() // as in an answer
			swapped = c.swap(k, newVersion(guess, k.sure))
		}
	}
}

func unguessable(c *replica.Commit) bool {
	return c.Create || c.Destroy || c.Configure || c.Renew != "" || !c.Request.IsZero()
}

// swap puts k in the place of old and reports whether that was still kept.
func (c *Cache) swap(old, k *version) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !old.kept() {
		return false
	}
	c.put(old.place, k)
	return true
}

// put keeps k, in place of the version of its session in e, if there is one, and pushes out what was not used for longest. Called with
// mu held.
func (c *Cache) put(e *list.Element, k *version) {
	if k.sizeBytes > c.bytesMax {
		c.remove(e)
		return
	}
	if e != nil {
		c.sizeBytes += k.sizeBytes - e.Value.(*version).sizeBytes
		e.Value = k
		c.order.MoveToFront(e)
	} else {
		e = c.order.PushFront(k)
		c.byKey[k.session.Key] = e
		c.sizeBytes += k.sizeBytes
	}
	k.place = e
	for c.sizeBytes > c.bytesMax {
		c.remove(c.order.Back())
	}
}

func (c *Cache) drop(key replica.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(c.byKey[key])
}

// remove forgets an element of order, if it is not nil. Called with mu held.
func (c *Cache) remove(e *list.Element) {
	if e != nil {
		k := c.order.Remove(e).(*version)
		e.Value = (*version)(nil) // k is kept no more
		delete(c.byKey, k.session.Key)
		c.sizeBytes -= k.sizeBytes
	}
}

// Stats says what was saved.
type Stats struct {
	Hits            uint64 // loads that the version kept answered, as the primary confirmed
	Updates         uint64 // loads that brought what had changed since the version kept
	Misses          uint64 // loads whose session came whole
	Sessions, Bytes int    // kept now
}

// Stats counts since New.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{Hits: c.hits, Updates: c.updates, Misses: c.misses, Sessions: len(c.byKey), Bytes: c.sizeBytes}
}
