package replica

import "slices"

// logged is one entry of a slot's log while some replica may still lack it, with what its primary waits for.
type logged struct {
	entry     Entry
	sizeBytes int

	versions []*Session // the version that each part made
	records  []*record  // of each part, while the entry is open: no record with something pending is forgotten

	// The rest is used by the primary that appended the entry.
	waiting  []Token // the requests to answer; at most waitersMax
	after    []Done  // other answers that nobody may see before the entry; at most waitersMax
	need     int     // backups that must hold the entry before it is visible
	open     bool    // not visible yet
	destroys bool
	expires  bool

	// Room for what most entries have one of.
	part    [1]Part
	version [1]*Session
	record  [1]*record
	waiter  [1]Token
}

// tail keeps the end of a slot's log: the entries that are not known to be on every backup. Replicas of one claim hold
// prefixes of the same log, so what one lacks another has in its tail.
type tail struct {
	head      uint64 // sequence number of the last entry applied here
	committed uint64 // every backup holds the entries up to this one. Invariant: committed <= head
	items     []*logged
	sizeBytes int // of items
	opened    int // items that are open
}

// first is the sequence number of the oldest entry kept; head+1 when there is none.
// Invariant: items hold the entries first..head.
func (t *tail) first() uint64 { return t.head + 1 - uint64(len(t.items)) }

// joins reports whether the tail goes on from after without a gap.
func (t *tail) joins(after uint64) bool { return after >= t.first()-1 && after <= t.head }

// after is every entry kept after the given one. The slice is valid until the tail changes.
func (t *tail) after(seq uint64) []*logged {
	if seq >= t.head {
		return nil
	}
	return t.items[len(t.items)-int(min(t.head-seq, uint64(len(t.items)))):]
}

func (t *tail) at(seq uint64) *logged {
	if seq < t.first() || seq > t.head {
		return nil
	}
	return t.items[seq-t.first()]
}

func (t *tail) append(item *logged) {
	t.head = item.entry.Seq
	t.items = append(t.items, item)
	t.sizeBytes += item.sizeBytes
	if item.open {
		t.opened++
	}
}

// trim drops the entries up to seq that are visible.
func (t *tail) trim(seq uint64) {
	n := 0
	for n < len(t.items) && t.items[n].entry.Seq <= seq && !t.items[n].open {
		t.sizeBytes -= t.items[n].sizeBytes
		t.items[n] = nil
		n++
	}
	t.items = slices.Delete(t.items, 0, n)
	if len(t.items) == 0 && cap(t.items) > itemsKept {
		t.items = nil
	}
}

// itemsKept bounds the room that an empty tail keeps for entries to come.
const itemsKept = 64

// rewrite replaces an entry's parts by others that lead to the same version.
func (t *tail) rewrite(item *logged, parts []Part) {
	item.entry.Parts = parts
	size := item.entry.size()
	t.sizeBytes += size - item.sizeBytes
	item.sizeBytes = size
}

// reset starts the log anew after the given entry.
func (t *tail) reset(head uint64) { *t = tail{head: head, committed: head} }

// size is what an entry counts for in the bounds on a tail, in bytes.
func (e *Entry) size() int {
	n := 64 + rememberedBytes*len(e.Requests)
	for i := range e.Parts {
		n += partSize(&e.Parts[i])
	}
	return n
}

// partSize is what a part counts for in the bounds on tails and chunks, in bytes.
func partSize(p *Part) int {
	n := 96 + len(p.Session.Key.App) + len(p.Session.Key.ID)
	for _, a := range p.Session.Attrs {
		n += 24 + len(a.Name) + len(a.Value)
	}
	return n
}
