package failover

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// Config is what a Core starts with. Zero fields mean the documented default; it is read-only after New.
type Config struct {
	Self      replica.Member // required: this boot
	Slots     int            // of the cluster; required
	Backups   int            // backups wanted per slot
	MinCopies int            // a commit on fewer copies is answered ErrNotEnoughCopies; default 1
	Limits    replica.Limits
	// MemoryBytes is what all sessions of the node may take, as [replica.Memory] counts; 0: any number. From nine tenths of it
	// on the node takes no slots in.
	MemoryBytes int
	// Quotas are what applications may keep in the cluster, by name, see [replica.Quotas]; nil: no limits.
	Quotas map[string]replica.Quota

	// Lease is how long a primary may serve after its backups last answered; default 300 ms. The other times follow
	// from it: heartbeats every Lease/3, a member is suspected after 5/3 Lease of silence.
	Lease time.Duration
	// StuckAfter is how long a backup that answers heartbeats may acknowledge nothing before it is evicted; default 2 s.
	StuckAfter time.Duration
	// LostAfter is how long all replicas of a slot must have been gone before it is claimed empty; default 1.5 s.
	LostAfter time.Duration
	// BytesPerSecond bounds the sessions that the node sends to learners and to acting primaries, in bytes; at least
	// 10 KiB, default 32 MiB. At most a tenth of it goes at once, and chunks are no larger than that.
	BytesPerSecond int
	// TransfersMax bounds the slots of which the node makes copies or that it hands over at a time, moves included, and
	// the transfers that it takes; default 64.
	TransfersMax int

	// CheckEvery is how often each slot is compared between its primary and its backups; default one minute.
	CheckEvery time.Duration

	// MinMembers is how many members, this one included, the node must see alive to take commits other than logouts and
	// to claim lost slots as empty; 0: any number.
	MinMembers int

	// Settle is how long membership must have been quiet before slots move home; default 10 s. A member that comes back
	// within 6 times as long, without having said that it leaves, doubles it each time, up to 8 times; a quiet time of 8
	// times Settle takes one doubling back. Missing copies and draining members do not wait for it.
	Settle time.Duration
	// MovesMax bounds the slots that the node is moving home at a time, and the moves that it takes; default 8.
	MovesMax int
	// SlowFactor is how many times as long as usual requests must take for moves home to pause; default 4. Requests of
	// less than 5 ms are never slow.
	SlowFactor float64

	// Expect is how many members must have met before a cluster is founded; 1, the default, founds one at once.
	Expect int
	// Cluster is the id under which to found, remembered from before; zero draws one.
	Cluster uint64

	// Random decides back-off and round numbers; required. It need not be unpredictable.
	Random *rand.Rand
}

func (c Config) withDefaults() Config {
	c.MinCopies = max(c.MinCopies, 1)
	c.Expect = max(c.Expect, 1)
	if c.Lease == 0 {
		c.Lease = 300 * time.Millisecond
	}
	if c.StuckAfter == 0 {
		c.StuckAfter = 2 * time.Second
	}
	if c.LostAfter == 0 {
		c.LostAfter = 1500 * time.Millisecond
	}
	if c.BytesPerSecond == 0 {
		c.BytesPerSecond = 32 << 20
	}
	if c.SlowFactor == 0 {
		c.SlowFactor = 4
	}
	if c.TransfersMax == 0 {
		c.TransfersMax = 64
	}
	if c.CheckEvery == 0 {
		c.CheckEvery = time.Minute
	}
	if c.Settle == 0 {
		c.Settle = 10 * time.Second
	}
	if c.MovesMax == 0 {
		c.MovesMax = 8
	}
	c.Limits = c.Limits.WithDefaults()
	c.Limits.ChunkBytes = min(c.Limits.ChunkBytes, c.BytesPerSecond/burstShare)
	return c
}

// Validate reports the first field that is out of range.
func (c Config) Validate() error {
	switch {
	case c.Self.Boot == 0 || c.Self.Name == "":
		return fmt.Errorf("a node needs a name and a boot")
	case c.Slots < 1 || c.Slots > 1<<16:
		return fmt.Errorf("%d slots; choose 1 to 65536", c.Slots)
	case c.Backups < 0 || c.Backups > 2:
		return fmt.Errorf("%d backups; choose 0, 1 or 2", c.Backups)
	case c.MinCopies < 0 || c.MinCopies > c.Backups+1:
		return fmt.Errorf("min-copies %d is out of reach with %d backups", c.MinCopies, c.Backups)
	case c.Lease < 0 || c.Lease > 0 && c.Lease < 10*time.Millisecond:
		return fmt.Errorf("lease of %v; choose at least 10ms", c.Lease)
	case c.StuckAfter < 0 || c.LostAfter < 0 || c.TransfersMax < 0 || c.Settle < 0 || c.MovesMax < 0 || c.CheckEvery < 0 || c.MinMembers < 0:
		return fmt.Errorf("negative limit")
	case c.MemoryBytes < 0:
		return fmt.Errorf("%d bytes of memory; choose 0 or more", c.MemoryBytes)
	case c.BytesPerSecond != 0 && c.BytesPerSecond < 10<<10:
		return fmt.Errorf("%d bytes per second; choose at least 10240", c.BytesPerSecond)
	case c.SlowFactor != 0 && !(c.SlowFactor > 1):
		return fmt.Errorf("slow factor of %v; choose more than 1", c.SlowFactor)
	case c.Random == nil:
		return fmt.Errorf("no random source")
	}
	return c.Limits.Validate()
}

// heartbeatEvery is the interval of heartbeats to every member. A lease outlasts the answers to two of them.
func (c *Config) heartbeatEvery() time.Duration { return c.Lease / 3 }

// graceLease is how long a granter waits before it counts its grant as over: the lease, and a tenth for clocks that run
// at different speeds.
func (c *Config) graceLease() time.Duration { return c.Lease + c.Lease/10 }

// suspectAfter is the silence after which a member that gossip calls alive is suspected all the same.
func (c *Config) suspectAfter() time.Duration { return c.Lease * 5 / 3 }

// promiseFor is how long a promise to an asker binds; the asker claims well before, or not at all.
func (c *Config) promiseFor() time.Duration { return c.Lease * 5 / 2 }
