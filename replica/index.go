package replica

import (
	"hash/maphash"
	"iter"
)

// index finds values by the hashes of their keys. It keeps no key: a value knows its own. Its entries lie side by side, so that
// to find one, or that there is none, reads about one line of the processor's cache; a map of the language reads three and
// takes twice the memory.
//
// It is a hash table with linear probing, from which entries are removed without a trace: Knuth, The Art of Computer
// Programming, volume 3, section 6.4, algorithms L and R. The zero index is empty.
type index[V comparable] struct {
	entries []indexEntry[V] // their number is a power of two, or zero
	count   int             // Invariant: at most indexFull of the entries
}

// indexEntry is free when its value is zero.
type indexEntry[V comparable] struct {
	hash  uint32 // the place where it belongs is that, modulo their number
	value V
}

// Of an index at most three quarters are taken, and when less than an eighth are it gets smaller.
const (
	indexMin         = 8
	indexFull        = 3 // of indexParts
	indexParts       = 4
	indexSparseParts = 8
)

// hashSeed keeps peers from choosing keys whose hashes are the same.
var hashSeed = maphash.MakeSeed()

func (x *index[V]) len() int { return x.count }

// find is the value with the given hash for which is reports true, or zero.
func (x *index[V]) find(hash uint64, is func(V) bool) (found V) {
	if x.count == 0 {
		return found
	}
	var none V
	mask := uint32(len(x.entries) - 1)
	for i := uint32(hash) & mask; x.entries[i].value != none; i = (i + 1) & mask {
		if e := &x.entries[i]; e.hash == uint32(hash) && is(e.value) {
			return e.value
		}
	}
	return none
}

// add adds a value, which must be neither zero nor there already.
func (x *index[V]) add(hash uint64, value V) {
	if (x.count+1)*indexParts > len(x.entries)*indexFull {
		x.resize(max(indexMin, 2*len(x.entries)))
	}
	x.count++
	x.insert(indexEntry[V]{uint32(hash), value})
}

// insert puts an entry into the first free place from where it belongs.
func (x *index[V]) insert(e indexEntry[V]) {
	var none V
	mask := uint32(len(x.entries) - 1)
	i := e.hash & mask
	for x.entries[i].value != none {
		i = (i + 1) & mask
	}
	x.entries[i] = e
}

// remove takes a value out, which must be there.
func (x *index[V]) remove(hash uint64, value V) {
	var none V
	mask := uint32(len(x.entries) - 1)
	i := uint32(hash) & mask
	for x.entries[i].value != value {
		if x.entries[i].value == none {
			panic("replica: what is to be removed is not there")
		}
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; x.entries[j].value != none; j = (j + 1) & mask {
		if home := x.entries[j].hash & mask; (j-home)&mask >= (j-i)&mask { // the free place lies on its way
			x.entries[i] = x.entries[j]
			i = j
		}
	}
	x.entries[i] = indexEntry[V]{}
	if x.count--; x.count*indexSparseParts < len(x.entries) && len(x.entries) > indexMin {
		x.resize(len(x.entries) / 2)
	}
}

func (x *index[V]) resize(size int) {
	old := *x
	x.entries = make([]indexEntry[V], size)
	var none V
	for _, e := range old.entries {
		if e.value != none {
			x.insert(e)
		}
	}
}

// all is every value, in an order that differs from process to process. The index must not be changed meanwhile.
func (x *index[V]) all() iter.Seq[V] {
	return func(yield func(V) bool) {
		var none V
		for i := range x.entries {
			if v := x.entries[i].value; v != none && !yield(v) {
				return
			}
		}
	}
}
