package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/google/go-cmp/cmp"
)

// members returns count members as Scenario names them, dealt to zones.
func members(count, zones int) []Member {
	return Scenario{Members: count, Zones: zones}.members()
}

// mustCompute computes a table that has to exist.
func mustCompute(t testing.TB, cfg Config, list []Member) *Table {
	t.Helper()
	table, err := Compute(cfg, list)
	if err != nil {
		t.Fatalf("Compute(%+v, %d members): %v", cfg, len(list), err)
	}
	return table
}

// without returns list without the members of those names.
func without(list []Member, names ...string) []Member {
	return slices.DeleteFunc(slices.Clone(list), func(m Member) bool { return slices.Contains(names, m.Name) })
}

// randomConfig returns some valid configuration.
func randomConfig(r *rand.Rand) Config {
	return Config{
		Slots:        r.IntN(200),
		Backups:      r.IntN(MaxBackups + 1),
		VirtualNodes: 1 + r.IntN(8),
		Load:         []float64{0, 1, 1.001, 1.25, 2, 1e300}[r.IntN(6)],
	}
}

// checkTable holds a table to what doc.go guarantees of it.
func checkTable(t *testing.T, cfg Config, list []Member, table *Table) {
	t.Helper()
	full := cfg.withDefaults()
	zoneOf := make(map[string]string)
	for _, m := range list {
		zoneOf[m.Name] = m.Zone
	}
	_, zoneCount := domains(list)
	copies := min(1+cfg.Backups, len(list))
	bound := math.Ceil(full.Load * float64(full.Slots) / float64(len(list)))
	primaries := make(map[string]int)
	if table.Slots() != full.Slots {
		t.Fatalf("%+v: Slots() = %d", cfg, table.Slots())
	}
	for slot := range table.Slots() {
		replicas := table.Replicas(slot)
		names, zones := make(map[string]bool), make(map[string]bool)
		for _, name := range replicas {
			zone, known := zoneOf[name]
			if !known {
				t.Fatalf("%+v, slot %d: %q is no member", cfg, slot, name)
			}
			if zone == "" {
				zone = "alone\x00" + name
			}
			names[name], zones[zone] = true, true
		}
		if len(replicas) != copies || len(names) != copies {
			t.Fatalf("%+v, slot %d: replicas %q, want %d different ones", cfg, slot, replicas, copies)
		}
		if got, want := len(zones), min(copies, zoneCount); got != want {
			t.Fatalf("%+v, slot %d: replicas %q in %d zones, want %d", cfg, slot, replicas, got, want)
		}
		if primaries[replicas[0]]++; float64(primaries[replicas[0]]) > bound {
			t.Fatalf("%+v: %q is primary of more than %v slots", cfg, replicas[0], bound)
		}
	}
}

func TestComputeForAnyMembers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for count := 1; count <= 200; count++ {
		cfg := randomConfig(r)
		list := members(count, []int{0, 0, 1, 2, 3, 7}[r.IntN(6)])
		for i := range list {
			if r.IntN(20) == 0 {
				list[i].Zone = ""
			}
		}
		checkTable(t, cfg, list, mustCompute(t, cfg, list))
	}
}

func TestComputeIgnoresOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for round := range 30 {
		cfg := randomConfig(r)
		list := members(1+r.IntN(40), r.IntN(4))
		want := mustCompute(t, cfg, list)
		for range 3 {
			r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			got := mustCompute(t, cfg, list)
			if diff := cmp.Diff(want.replicas, got.replicas); diff != "" {
				t.Fatalf("round %d, %+v, %d members in another order (-want +got):\n%s", round, cfg, len(list), diff)
			}
			if diff := cmp.Diff(want.Members(), got.Members()); diff != "" {
				t.Fatalf("Members (-want +got):\n%s", diff)
			}
		}
	}
}

func TestComputeIsDeterministic(t *testing.T) {
	cfg := Config{Backups: 2, Load: 1.05} // The bound binds: the most can go wrong.
	for _, zones := range []int{0, 3} {
		want := mustCompute(t, cfg, members(12, zones))
		for range 5 {
			if diff := cmp.Diff(want.replicas, mustCompute(t, cfg, members(12, zones)).replicas); diff != "" {
				t.Fatalf("computed again (-want +got):\n%s", diff)
			}
		}
	}
}

// TestGolden pins the table. Two releases run side by side in a rolling upgrade and must agree: if this fails, the change
// breaks every cluster, however small it looks.
func TestGolden(t *testing.T) {
	for _, test := range []struct {
		cfg            Config
		members, zones int
		want           uint64
		wantFirst      string
	}{
		{Config{}, 1, 0, 0xb2e9e6d7603656b, "node-01"},
		{Config{Backups: 1}, 5, 0, 0x4c3463eac54cd5f9, "node-05 node-02"},
		{Config{Backups: 2}, 30, 0, 0xfe780d6121555a20, "node-05 node-02 node-08"},
		{Config{Backups: 2}, 12, 3, 0xdd0c779c5e75e1b4, "node-05 node-03 node-01"},
		{Config{Slots: 271, Backups: 2, VirtualNodes: 20, Load: 1.25}, 7, 2, 0x3f2dc52727977a90, "node-04 node-03 node-01"},
	} {
		table := mustCompute(t, test.cfg, members(test.members, test.zones))
		all := xxhash.New()
		for slot := range table.Slots() {
			fmt.Fprintln(all, strings.Join(table.Replicas(slot), " "))
		}
		first := strings.Join(table.Replicas(0), " ")
		if all.Sum64() != test.want || first != test.wantFirst {
			t.Errorf("%+v, %d members, %d zones: %#x, slot 0 %q; want %#x, %q",
				test.cfg, test.members, test.zones, all.Sum64(), first, test.want, test.wantFirst)
		}
	}
}

func TestTableIsImmutable(t *testing.T) {
	list := members(3, 0)
	table := mustCompute(t, Config{}, list)
	list[0].Name = "changed"
	table.Members()[1].Name = "changed"
	if diff := cmp.Diff(members(3, 0), table.Members()); diff != "" {
		t.Errorf("Members (-want +got):\n%s", diff)
	}
}

func TestComputeErrors(t *testing.T) {
	a, b := collidingNames()
	long := strings.Repeat("x", MaxNameBytes+1)
	for _, test := range []struct {
		name    string
		cfg     Config
		members []Member
		want    error
	}{
		{"no members", Config{}, nil, ErrNoMembers},
		{"too many members", Config{}, members(MaxMembers+1, 0), ErrTooManyMembers},
		{"duplicate", Config{}, append(members(5, 0), Member{Name: "node-03", Zone: "z"}), ErrDuplicateMember},
		{"empty name", Config{}, []Member{{}}, ErrInvalidMember},
		{"long name", Config{}, []Member{{Name: long}}, ErrInvalidMember},
		{"long zone", Config{}, []Member{{Name: "a", Zone: long}}, ErrInvalidMember},
		{"collision", Config{VirtualNodes: 1}, []Member{{Name: a}, {Name: b}}, ErrNameCollision},
		{"negative slots", Config{Slots: -1}, members(3, 0), ErrInvalidConfig},
		{"many slots", Config{Slots: MaxSlots + 1}, members(3, 0), ErrInvalidConfig},
		{"negative backups", Config{Backups: -1}, members(3, 0), ErrInvalidConfig},
		{"many backups", Config{Backups: MaxBackups + 1}, members(3, 0), ErrInvalidConfig},
		{"negative virtual nodes", Config{VirtualNodes: -1}, members(3, 0), ErrInvalidConfig},
		{"many virtual nodes", Config{VirtualNodes: MaxVirtualNodes + 1}, members(3, 0), ErrInvalidConfig},
		{"load below 1", Config{Load: math.Nextafter(1, 0)}, members(3, 0), ErrInvalidConfig},
		{"negative load", Config{Load: -1.5}, members(3, 0), ErrInvalidConfig},
		{"load not a number", Config{Load: math.NaN()}, members(3, 0), ErrInvalidConfig},
		{"infinite load", Config{Load: math.Inf(1)}, members(3, 0), ErrInvalidConfig},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Compute(test.cfg, test.members); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// collidingNames returns two names whose first virtual nodes have the same xxHash: xxHash is no cryptographic hash, its
// state after two blocks of 32 bytes can be steered by the second.
func collidingNames() (string, string) {
	const p1, p2, invP1, invP2 uint64 = 11400714785074694791, 14029467366897019727, 614540362697595703, 839798700976720815
	round := func(acc, lane uint64) uint64 {
		acc += lane * p2
		return (acc<<31 | acc>>33) * p1
	}
	prime1, prime2 := p1, p2
	start := [4]uint64{prime1 + prime2, prime2, 0, -prime1}
	keyA, keyB := pointKey(strings.Repeat("a", 56), 0), pointKey(strings.Repeat("b", 56), 0)
	for i, acc := range start {
		lane := func(key []byte, block int) uint64 { return binary.LittleEndian.Uint64(key[32*block+8*i:]) }
		goal := round(round(acc, lane(keyA, 0)), lane(keyA, 1)) * invP1
		goal = goal>>31 | goal<<33
		binary.LittleEndian.PutUint64(keyB[32+8*i:], (goal-round(acc, lane(keyB, 0)))*invP2)
	}
	return string(keyA[8:]), string(keyB[8:])
}
