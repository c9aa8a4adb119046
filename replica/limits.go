package replica

import (
	"fmt"
	"time"
)

// Limits bounds what one node keeps. Zero fields mean the documented default.
type Limits struct {
	SessionBytesMax int // sum of attribute names and values of one session; default 1 MiB
	AttrsMax        int // live attributes of one session; default 256
	NameBytesMax    int // an attribute's name; default 256

	LifetimeMax   time.Duration // longest absolute lifetime, and how long a tombstone is kept; default 24 h
	TouchInterval time.Duration // accesses within half of it are replicated once; expiry waits it longer; default 10 s
	ClockSkewMax  time.Duration // between members' clocks; default 500 ms
	RequestAgeMax time.Duration // how far in the future a request's not-after may lie; default 60 s

	LockWaitersMax int // requests that wait for one session's lock; default 256

	SessionsMax  int // sessions and tombstones of one slot, half of them of unknown ids at most; default 100,000
	RequestsMax  int // remembered request ids of one slot; default 100,000
	TailMax      int // entries of one slot not yet on all its backups; default 4,096
	TailBytesMax int // bytes of the same; default 8 MiB
	ChunkBytes   int // snapshot chunk; default 64 KiB
}

func orDefault[T int | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// WithDefaults is l with every zero field set to its default.
func (l Limits) WithDefaults() Limits {
	orDefault(&l.SessionBytesMax, 1<<20)
	orDefault(&l.AttrsMax, 256)
	orDefault(&l.NameBytesMax, 256)
	orDefault(&l.LifetimeMax, 24*time.Hour)
	orDefault(&l.TouchInterval, 10*time.Second)
	orDefault(&l.ClockSkewMax, 500*time.Millisecond)
	orDefault(&l.RequestAgeMax, time.Minute)
	orDefault(&l.LockWaitersMax, 256)
	orDefault(&l.SessionsMax, 100_000)
	orDefault(&l.RequestsMax, 100_000)
	orDefault(&l.TailMax, 4096)
	orDefault(&l.TailBytesMax, 8<<20)
	orDefault(&l.ChunkBytes, 64<<10)
	return l
}

// Validate reports the first field that is out of range; the zero Limits is valid.
func (l Limits) Validate() error {
	l = l.WithDefaults()
	for _, f := range []struct {
		name     string
		v, least int64
	}{
		{"SessionBytesMax", int64(l.SessionBytesMax), 1},
		{"AttrsMax", int64(l.AttrsMax), 1},
		{"NameBytesMax", int64(l.NameBytesMax), 1},
		{"LifetimeMax", int64(l.LifetimeMax), int64(time.Second)},
		{"TouchInterval", int64(l.TouchInterval), int64(time.Millisecond)},
		{"ClockSkewMax", int64(l.ClockSkewMax), int64(time.Millisecond)},
		{"RequestAgeMax", int64(l.RequestAgeMax), int64(time.Second)},
		{"LockWaitersMax", int64(l.LockWaitersMax), 1},
		{"SessionsMax", int64(l.SessionsMax), 1},
		{"RequestsMax", int64(l.RequestsMax), 1},
		{"TailMax", int64(l.TailMax), 1},
		{"TailBytesMax", int64(l.TailBytesMax), int64(l.SessionBytesMax)},
		{"ChunkBytes", int64(l.ChunkBytes), 1},
	} {
		if f.v < f.least {
			return fmt.Errorf("limit %s is %d; it must be at least %d", f.name, f.v, f.least)
		}
	}
	return nil
}

// attrSizeMax is the most bytes that an attribute takes in a message beside its name and value: lengths and a stamp.
const attrSizeMax = 32

// SessionSizeMax is the most bytes that a session takes in a message under limits without zero fields: what is live, and the
// names of deleted attributes.
func (l Limits) SessionSizeMax() int {
	names := namesPerAttr * l.AttrsMax
	return l.SessionBytesMax + names*attrSizeMax + (names-l.AttrsMax)*l.NameBytesMax + 1<<10
}
