package client

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// Limits on what one commit may change, above what sessions may hold by default, so that it fits a frame.
const (
	changesMax      = 4096
	changesBytesMax = wire.FrameSizeMax - 4096 // names and values, with changeBytes for each
	changeBytes     = 16
)

var errTooMany = fmt.Errorf("%w: one commit may change %d attributes", replica.ErrTooMany, changesMax)

// changes is a set of changes to one session. The zero value is empty.
type changes struct {
	list      []replica.Change // sorted by name, no name twice; at most changesMax
	sizeBytes int              // Invariant: sum of sizeOf over list, <= changesBytesMax.
	insisted  []string         // names that are written even if nothing changes
}

func (c *changes) len() int { return len(c.list) }

func sizeOf(ch replica.Change) int { return changeBytes + len(ch.Name) + len(ch.Value) }

func (c *changes) search(name string) (int, bool) {
	return slices.BinarySearchFunc(c.list, name, func(ch replica.Change, n string) int { return strings.Compare(ch.Name, n) })
}

func (c *changes) find(name string) (replica.Change, bool) {
	if i, ok := c.search(name); ok {
		return c.list[i], true
	}
	return replica.Change{}, false
}

// put adds a change in place of an earlier one of the same attribute, or fails and leaves the set as it was.
func (c *changes) put(ch replica.Change) error {
	i, found := c.search(ch.Name)
	sizeBytes := c.sizeBytes + sizeOf(ch)
	if found {
		sizeBytes -= sizeOf(c.list[i])
	} else if len(c.list) == changesMax {
		return errTooMany
	}
	if sizeBytes > changesBytesMax {
		return fmt.Errorf("%w: changes of one request take %d bytes, limit %d", replica.ErrTooLarge, sizeBytes, changesBytesMax)
	}
	if found {
		c.list[i] = ch
	} else {
		c.list = slices.Insert(c.list, i, ch)
	}
	c.sizeBytes = sizeBytes
	return nil
}

func (c *changes) remove(name string) {
	if i, ok := c.search(name); ok {
		c.sizeBytes -= sizeOf(c.list[i])
		c.list = slices.Delete(c.list, i, i+1)
	}
}

// insist has the change to name written even if it says nothing new.
func (c *changes) insist(name string) { c.insisted = append(c.insisted, name) }

func (c *changes) clone() changes {
	return changes{slices.Clone(c.list), c.sizeBytes, slices.Clone(c.insisted)}
}

// over is old with c's changes in place of its own. It may pass the limits: nodes have theirs.
func (c *changes) over(old changes) changes {
	both := c.clone()
	both.insisted = append(both.insisted, old.insisted...)
	for _, ch := range old.list {
		if i, found := both.search(ch.Name); !found {
			both.list = slices.Insert(both.list, i, ch)
			both.sizeBytes += sizeOf(ch)
		}
	}
	return both
}

// against is the part of c that says something new to a holder of base. Leaving the rest out is a write ordered right
// after the load.
func (c *changes) against(base *replica.Session) changes {
	if base == nil {
		return *c
	}
	var news changes
	for _, ch := range c.list {
		old, has := base.Get(ch.Name)
		same := ch.Delete && !has || !ch.Delete && has && bytes.Equal(old, ch.Value)
		if same && !slices.Contains(c.insisted, ch.Name) {
			continue
		}
		news.list = append(news.list, ch)
		news.sizeBytes += sizeOf(ch)
	}
	return news
}

// committed is base after a commit of c that got the given stamp.
func (c *changes) committed(base *replica.Session, key replica.Key, stamp replica.Stamp) *replica.Session {
	return replica.Merge(base, replica.Written(key, c.list, stamp))
}
