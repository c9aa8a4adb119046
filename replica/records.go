package replica

import (
	"hash/maphash"
	"slices"
	"strings"
)

// records finds the records of a slot by their keys.
type records struct{ index[*record] }

// find is the record of a key, or nil.
func (s *records) find(key Key) *record {
	return s.index.find(key.hash(), func(r *record) bool { return r.named(key) })
}

// put adds a record, which must not be there yet.
func (s *records) put(key Key, r *record) { s.add(key.hash(), r) }

// remove takes out a record, which must be there.
func (s *records) remove(r *record) { s.index.remove(r.key().hash(), r) }

// sorted is every record in the order of keys: order that leaves the package never comes from a map.
func (s *records) sorted() []*record {
	all := slices.AppendSeq(make([]*record, 0, s.len()), s.all())
	slices.SortFunc(all, func(a, b *record) int { return a.key().compare(b.key()) })
	return all
}

func (k Key) clone() Key { return Key{strings.Clone(k.App), strings.Clone(k.ID)} }

func (k Key) hash() uint64 {
	return maphash.String(hashSeed, k.ID) ^ 31*maphash.String(hashSeed, k.App)
}
