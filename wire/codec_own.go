package wire

import (
	"slices"
	"unsafe"

	"github.com/sessnode/sessnode/replica"
)

// What is read from a frame aliases the payload at first; the functions here move it to memory of its own. A session's
// key, names and short values share one block, which saves an allocation for each. Longer values stand alone: a value
// may outlive its neighbours by hours and would keep all of them in memory.

// valueSharedMax is the longest value, in bytes, that shares a block.
const valueSharedMax = 256

// block is memory that several strings and values share. Invariant: nothing in it changes once it is handed out.
type block []byte

func (k *block) text(s string) string {
	start := len(*k)
	*k = append(*k, s...)
	return unsafe.String(unsafe.SliceData((*k)[start:]), len(s))
}

func (k *block) value(v []byte) []byte {
	switch {
	case len(v) == 0:
		return nil
	case len(v) > valueSharedMax:
		return slices.Clone(v)
	}
	start := len(*k)
	*k = append(*k, v...)
	return (*k)[start:len(*k):len(*k)]
}

func (k *block) key(key replica.Key) replica.Key {
	return replica.Key{App: k.text(key.App), ID: k.text(key.ID)}
}

// sharedSize is what v takes of a block.
func sharedSize(v []byte) int {
	if len(v) > valueSharedMax {
		return 0
	}
	return len(v)
}

func keySize(k replica.Key) int { return len(k.App) + len(k.ID) }

func ownSession(s *replica.Session) {
	size := keySize(s.Key)
	for _, a := range s.Attrs {
		size += len(a.Name) + sharedSize(a.Value)
	}
	k := make(block, 0, size)
	s.Key = k.key(s.Key)
	for _, a := range s.Attrs {
		a.Name, a.Value = k.text(a.Name), k.value(a.Value)
	}
}

func ownCommit(c *replica.Commit) {
	size := keySize(c.Key) + len(c.Renew)
	for i := range c.Changes {
		size += len(c.Changes[i].Name) + sharedSize(c.Changes[i].Value)
	}
	k := make(block, 0, size)
	c.Key, c.Renew = k.key(c.Key), k.text(c.Renew)
	for i := range c.Changes {
		ch := &c.Changes[i]
		ch.Name, ch.Value = k.text(ch.Name), k.value(ch.Value)
	}
}

func ownKey(key replica.Key) replica.Key {
	k := make(block, 0, keySize(key))
	return k.key(key)
}
