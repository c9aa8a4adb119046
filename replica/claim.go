package replica

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// Claim says who holds a slot. Only the boot that it names primary issues it; each node keeps the highest that it has
// seen. A claim is immutable.
type Claim struct {
	Slot    uint32
	Epoch   uint64 // rises by at least one with every claim of the slot; 0: never claimed
	Primary Boot
	Backups []Boot // count as copies; the first to take over first
	// Emptied has one epoch for each time that the slot was claimed with nothing in it because every replica was lost:
	// the highest that whoever did so had heard of. Invariant: ascending, all below Epoch; at most EmptiedMax.
	Emptied []uint64
	// Seen is how many members the issuer believed alive.
	Seen uint32
	// Lineage is who has been primary, oldest first, the last one Primary; at most LineageMax, the oldest are forgotten.
	// It takes no part in comparing.
	Lineage []Turn
}

// Turn is when a boot became primary of a slot, as later claims remember it.
type Turn struct {
	Epoch   uint64 // of its first claim
	Primary Boot
	// Clock is that of the newest stamp in the slot at the time; zero if it was claimed empty.
	Clock uint64
}

// LineageMax bounds Lineage.
const LineageMax = 8

// Took is the lineage of a claim of boot that follows on one with the given lineage, whose slot held nothing newer than
// newest.
func Took(lineage []Turn, epoch uint64, boot Boot, newest Stamp) []Turn {
	if n := len(lineage); n > 0 && lineage[n-1].Primary == boot {
		return lineage
	}
	kept := lineage[max(0, len(lineage)+1-LineageMax):]
	return append(slices.Clone(kept), Turn{Epoch: epoch, Primary: boot, Clock: newest.Clock})
}

// parted is the clock of the newest stamp that two lineages have in common: what either side wrote later, the other did
// not know of. It is zero if they remember no common turn, and the largest clock there is if neither has left the other.
func parted(a, b []Turn) uint64 {
	for i := len(a) - 1; i >= 0; i-- {
		j := slices.IndexFunc(b, func(t Turn) bool { return t.Epoch == a[i].Epoch && t.Primary == a[i].Primary })
		if j < 0 {
			continue
		}
		at := uint64(math.MaxUint64)
		if i+1 < len(a) {
			at = min(at, a[i+1].Clock)
		}
		if j+1 < len(b) {
			at = min(at, b[j+1].Clock)
		}
		return at
	}
	return 0
}

// EmptiedMax bounds Emptied; the last entry stands for all beyond.
const EmptiedMax = 16

// Compare orders claims of one slot. A claim from empty is above what it knew to be lost and below every later claim of
// a lineage that lived on, so that a node that claimed slots it never held wins nothing at a heal; then the higher epoch
// counts, the more members seen, the higher boot. A zero claim is below all.
func (c Claim) Compare(d Claim) int {
	if c.IsZero() || d.IsZero() {
		return cmp.Compare(c.Epoch, d.Epoch)
	}
	return cmp.Or(
		compareLineages(c, d),
		cmp.Compare(c.Seen, d.Seen),
		cmp.Compare(c.Primary, d.Primary),
	)
}

// compareLineages compares the ends of each lineage, Emptied and then Epoch, one after the other; of two of which one goes
// on where the other ended, the longer is above. The order is lexicographic and so total.
func compareLineages(c, d Claim) int {
	for i := range max(len(c.Emptied), len(d.Emptied)) + 1 {
		a, inC := c.end(i)
		b, inD := d.end(i)
		switch {
		case !inC || !inD:
			return cmp.Compare(len(c.Emptied), len(d.Emptied))
		case a != b:
			return cmp.Compare(a, b)
		}
	}
	return 0
}

// end is the epoch at which the claim's lineage was emptied for the i-th time, or its own; ok is false beyond that.
func (c *Claim) end(i int) (epoch uint64, ok bool) {
	switch {
	case i < len(c.Emptied):
		return c.Emptied[i], true
	case i == len(c.Emptied):
		return c.Epoch, true
	}
	return 0, false
}

// Above reports whether c beats d.
func (c Claim) Above(d Claim) bool { return c.Compare(d) > 0 }

// Same reports whether c and d are one and the same claim.
func (c Claim) Same(d Claim) bool { return c.Compare(d) == 0 && c.Epoch == d.Epoch }

// IsZero reports whether nobody ever claimed the slot.
func (c Claim) IsZero() bool { return c.Epoch == 0 }

// Holds reports whether the claim names boot as primary or backup.
func (c Claim) Holds(boot Boot) bool { return c.Primary == boot || slices.Contains(c.Backups, boot) }

// keeps reports whether everybody whom an earlier claim named is named by c.
func (c Claim) keeps(earlier Claim) bool {
	return !slices.ContainsFunc(earlier.Replicas(), func(b Boot) bool { return b != 0 && !c.Holds(b) })
}

// Replicas is the primary followed by the backups, in a slice of its own.
func (c Claim) Replicas() []Boot { return append([]Boot{c.Primary}, c.Backups...) }

// Fingerprint is the claim's share in a digest of many, combined by exclusive or; zero for a slot never claimed.
func (c Claim) Fingerprint() uint64 {
	if c.IsZero() {
		return 0
	}
	b := make([]byte, 0, 64)
	for _, v := range []uint64{uint64(c.Slot), c.Epoch, uint64(c.Primary), uint64(c.Seen)} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	for _, v := range c.Emptied {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return xxhash.Sum64(b)
}
