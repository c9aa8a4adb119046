package replica

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// records finds the records of a slot by their keys, and keeps no key itself: a record knows its own.
type records struct {
	byHash  map[uint64]*record
	clashes map[Key]*record // those whose hash another record has or had. Nearly always empty.
}

func newRecords() records { return records{byHash: map[uint64]*record{}} }

func (s *records) len() int { return len(s.byHash) + len(s.clashes) }

// find is the record of a key, or nil.
func (s *records) find(key Key) *record {
	if r := s.byHash[key.hash()]; r != nil && r.named(key) {
		return r
	}
	return s.clashes[key] // most often of a nil map
}

// put adds a record, which must not be there yet.
func (s *records) put(key Key, r *record) {
	hash := key.hash()
	if s.byHash[hash] == nil {
		s.byHash[hash] = r
		return
	}
	if s.clashes == nil {
		s.clashes = map[Key]*record{}
	}
	s.clashes[key.clone()] = r
}

// remove takes out a record, which must be there.
func (s *records) remove(r *record) {
	key := r.key()
	if hash := key.hash(); s.byHash[hash] == r {
		delete(s.byHash, hash)
		return
	}
	delete(s.clashes, key)
}

// all is every record, in no order.
func (s *records) all() iter.Seq[*record] {
	return func(yield func(*record) bool) {
		for _, r := range s.byHash {
			if !yield(r) {
				return
			}
		}
		maps.Values(s.clashes)(yield)
	}
}

// sorted is every record in the order of keys: order that leaves the package never comes from a map.
func (s *records) sorted() []*record {
	all := slices.AppendSeq(make([]*record, 0, s.len()), s.all())
	slices.SortFunc(all, func(a, b *record) int { return a.key().compare(b.key()) })
	return all
}

func (k Key) clone() Key { return Key{strings.Clone(k.App), strings.Clone(k.ID)} }

func (k Key) hash() uint64 { return xxhash.Sum64String(k.ID) ^ 31*xxhash.Sum64String(k.App) }
