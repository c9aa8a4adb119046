package ring

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// circle is the hash circle of a member set: a second reading of what the consistent library keeps, that can leave
// members out without building a new ring. owners must agree with the library to the last slot, because the heir of a slot
// is by definition what the library will answer once the primary is gone; a test holds it to that.
type circle struct {
	load    float64
	members int
	points  []point // Invariant: strictly ascending by hash.
	starts  []int   // The first point at or after each slot's hash, as an index into points.
}

// point is one virtual node.
type point struct {
	hash   uint64
	member int
}

// exclusion says for each member, in a byte of its own, whether it is left out (1) or stays (0). It is a string so that
// it can be a map's key.
type exclusion string

// newCircle places the points of the sorted members. It fails if two points fall together: the library would then lose
// one of them, and could run out of room and panic.
func newCircle(cfg Config, members []Member) (*circle, error) {
	c := &circle{load: cfg.Load, members: len(members), starts: make([]int, cfg.Slots)}
	c.points = make([]point, 0, len(members)*cfg.VirtualNodes)
	for i, m := range members {
		for v := range cfg.VirtualNodes {
			c.points = append(c.points, point{hash: xxhash.Sum64(pointKey(m.Name, v)), member: i})
		}
	}
	slices.SortFunc(c.points, func(a, b point) int { return cmp.Compare(a.hash, b.hash) })
	for i := 1; i < len(c.points); i++ {
		if a, b := c.points[i-1], c.points[i]; a.hash == b.hash {
			return nil, fmt.Errorf("%w: %q and %q", ErrNameCollision, members[a.member].Name, members[b.member].Name)
		}
	}
	for slot := range c.starts {
		c.starts[slot] = c.start(slotHash(slot))
	}
	return c, nil
}

// start returns the index of the first point at or after hash, going round.
func (c *circle) start(hash uint64) int {
	i, _ := slices.BinarySearchFunc(c.points, hash, func(p point, h uint64) int { return cmp.Compare(p.hash, h) })
	return i % len(c.points)
}

// owners returns the owner of each slot up to and including last in the ring without the excluded members, by the
// bounded-load algorithm of Mirrokni, Thorup and Zadimoghaddam (2016) as the library runs it: slots in ascending order,
// each to the first member clockwise that has room. At least one member must stay.
func (c *circle) owners(excluded exclusion, last int) []int {
	room := c.room(excluded)
	owners := make([]int, last+1)
	for slot := range owners {
		i := c.starts[slot]
		for room[c.points[i].member] == 0 {
			i++
			if i == len(c.points) {
				i = 0
			}
		}
		owners[slot] = c.points[i].member
		room[owners[slot]]--
	}
	return owners
}

// room returns how many slots each member may own: none if it is excluded.
func (c *circle) room(excluded exclusion) []int {
	staying := 0
	for i := range c.members {
		staying += 1 - int(excluded[i])
	}
	slots := len(c.starts)
	// The library's own expression, in its order of evaluation: the same rounding.
	bound := math.Ceil(float64(slots) / float64(staying) * c.load)
	room := make([]int, c.members)
	for i := range room {
		if excluded[i] == 0 {
			room[i] = int(min(bound, float64(slots)))
		}
	}
	return room
}

// pointKey returns what is hashed for the virtual node of a member: its index in 8 bytes, little endian, then the name. The
// library is given it too, so that a new version of that cannot change the table.
func pointKey(name string, virtualNode int) []byte {
	key := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(name)), uint64(virtualNode))
	return append(key, name...)
}

// slotHash returns where on the circle a slot is: at multiples of the golden section, which cuts the circle about evenly
// whatever the number of slots (Knuth, volume 3, section 6.4). Hashed, slots would fall where chance wants, and the
// members' loads would vary twice as much, so that the bound would bind, and copies move, far more often.
func slotHash(slot int) uint64 { return uint64(slot) * 0x9E3779B97F4A7C15 }
