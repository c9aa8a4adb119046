package replica

import (
	"math/rand/v2"
	"testing"
)

// TestIndexIsAMap does to an index and to a map the same, with few different hashes, so that entries are in each other's way, and
// with many.
func TestIndexIsAMap(t *testing.T) {
	for _, hashes := range []uint64{1, 3, 16, 1 << 40} {
		for seed := range uint64(20) {
			random := rand.New(rand.NewPCG(seed, hashes))
			hash := func(key uint32) uint64 { return uint64(key) * 0x9e3779b97f4a7c15 % hashes }
			var x index[uint32]
			model := map[uint32]bool{}
			most := 1 + random.Uint32N(200)
			for step := range 2_000 {
				key := 1 + random.Uint32N(most)
				found := x.find(hash(key), func(v uint32) bool { return v == key })
				switch {
				case model[key] != (found == key) || !model[key] && found != 0:
					t.Fatalf("hashes %d, seed %d, step %d: found %d for %d, there: %v", hashes, seed, step, found, key, model[key])
				case !model[key] && step < 1_500 && random.IntN(3) > 0:
					x.add(hash(key), key)
					model[key] = true
				case model[key] && random.IntN(2) == 0:
					x.remove(hash(key), key)
					delete(model, key)
				}
				if x.len() != len(model) || 4*x.len() > 3*len(x.entries) || 8*x.len() < len(x.entries) && len(x.entries) > indexMin {
					t.Fatalf("hashes %d, seed %d, step %d: %d values for %d in the room of %d", hashes, seed, step, x.len(), len(model), len(x.entries))
				}
			}
			for v := range x.all() {
				if !model[v] {
					t.Fatalf("hashes %d, seed %d: %d is there", hashes, seed, v)
				}
				delete(model, v)
			}
			if len(model) > 0 {
				t.Fatalf("hashes %d, seed %d: %v are not", hashes, seed, model)
			}
		}
	}
}

func TestRecordsWithOneHash(t *testing.T) {
	a, b := key("a"), key("b")
	named := func(k Key) *record { return &record{rest: pack(&Session{Key: k})} }
	ra, rb := named(a), named(b)
	var records records
	records.add(b.hash(), ra) // as if both had it
	records.put(b, rb)
	if got := records.find(b); got != rb || records.len() != 2 || len(records.sorted()) != 2 {
		t.Errorf("found %v among %d records", got, records.len())
	}
	records.index.remove(b.hash(), ra)
	if got := records.find(b); got != rb {
		t.Errorf("found %v after the other was removed", got)
	}
	records.remove(rb)
	if got := records.find(b); got != nil || records.len() != 0 {
		t.Errorf("found %v after it was removed", got)
	}
}
