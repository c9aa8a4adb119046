package ring

import (
	"errors"
	"fmt"
	"math"
)

// Defaults of Config. Load was chosen with 1,024 slots and 1 backup, by letting each of 30 members leave and 30 others join,
// for 4 sets of names. Copies moved over the minimum, median and worst of 120; joins of more than 1.2 times the minimum; the
// primaries of the busiest member over the mean:
//
//	Load   leave median   worst   joins > 1.2   busiest
//	1.15           1.11    1.29          17 %      1.16
//	1.20           1.05    1.26          15 %      1.22
//	1.25           1.03    1.13           4 %      1.27
//	1.30           1.02    1.06           3 %      1.30
//	1.33           1.00    1.05           2 %      1.33
//
// A join's worst, 1.35, is the newcomer's own share: that is left to the hash, and the minimum is the fair share. With 60
// or 200 virtual nodes the figures are about the same; more only cost time.
const (
	DefaultSlots        = 1024
	DefaultVirtualNodes = 100
	DefaultLoad         = 1.3
)

// Limits of Config.
const (
	MaxSlots        = 16384
	MaxBackups      = 4
	MaxVirtualNodes = 500
)

// ErrInvalidConfig is wrapped by every error of Config.Validate.
var ErrInvalidConfig = errors.New("invalid ring configuration")

// Config says how slots are laid out. All nodes of a cluster must use the same: another value gives another table.
type Config struct {
	// Slots is the number of slots, 1 to MaxSlots. Zero means DefaultSlots. Have 30 or more for each member: with fewer,
	// the bound of Load binds so often that a change of membership moves more than 1.2 times what it has to.
	Slots int
	// Backups is the number of backups wanted for each slot, 0 to MaxBackups. Unlike elsewhere zero means zero: primaries
	// alone. With fewer members than 1 + Backups every member holds every slot.
	Backups int
	// VirtualNodes is the number of points that each member has on the ring, 1 to MaxVirtualNodes. Zero means
	// DefaultVirtualNodes.
	VirtualNodes int
	// Load bounds the primaries of each member: at most ceil(Load × Slots / members). Finite and at least 1; zero means
	// DefaultLoad. Near 1 a change of membership moves much more than it has to; from about 1.6 on nothing is bounded.
	Load float64
}

// Validate returns an error that wraps ErrInvalidConfig and names the field and its limits if c cannot be used. A
// configuration that passes cannot make the consistent library panic.
func (c Config) Validate() error {
	for _, field := range []struct {
		name            string
		value, min, max int
	}{
		{"Slots", c.Slots, 0, MaxSlots},
		{"Backups", c.Backups, 0, MaxBackups},
		{"VirtualNodes", c.VirtualNodes, 0, MaxVirtualNodes},
	} {
		if field.value < field.min || field.value > field.max {
			return fmt.Errorf("%w: %s is %d, want %d to %d", ErrInvalidConfig, field.name, field.value, field.min, field.max)
		}
	}
	if c.Load != 0 && (math.IsNaN(c.Load) || math.IsInf(c.Load, 0) || c.Load < 1) {
		return fmt.Errorf("%w: Load is %v, want a finite number of at least 1, or 0 for the default", ErrInvalidConfig, c.Load)
	}
	return nil
}

// withDefaults replaces the zeros that mean a default.
func (c Config) withDefaults() Config {
	if c.Slots == 0 {
		c.Slots = DefaultSlots
	}
	if c.VirtualNodes == 0 {
		c.VirtualNodes = DefaultVirtualNodes
	}
	if c.Load == 0 {
		c.Load = DefaultLoad
	}
	return c
}
