package node

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func bootTimeNow(t testing.TB) time.Duration {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// It is never behind the kernel's clock, which would make a lease longer, and not ahead by more than asking may take, but for
// what passes between the readings here.
func TestMachineClockFollowsTheKernel(t *testing.T) {
	clock := MachineClock()
	close := 0
	for range 1000 {
		before := bootTimeNow(t)
		got := clock().Mono
		after := bootTimeNow(t)
		if got < before {
			t.Fatalf("the clock says %v after %v", got, before)
		}
		if got <= after+time.Millisecond {
			close++
		}
	}
	if close < 900 {
		t.Errorf("%d of 1000 readings are within a millisecond", close)
	}
}

// While the machine sleeps Go's monotonic clock stands still, and the time of day goes on.
func TestMachineClockGoesOnWhileTheMachineSleeps(t *testing.T) {
	c := new(machineClock)
	c.now()
	asked := c.last.Load()
	if c.now(); c.last.Load() != asked {
		t.Error("the kernel is asked again although nothing has happened")
	}
	slept := *asked
	slept.wall -= int64(2 * time.Second) // the time of day has moved on by so much more
	slept.since -= 2 * time.Second       // and so has the kernel's clock
	c.last.Store(&slept)
	if before, got := bootTimeNow(t), c.now().Mono; got < before {
		t.Errorf("after a sleep the clock says %v, the kernel %v", got, before)
	}
}

func BenchmarkMachineClock(b *testing.B) {
	clock := MachineClock()
	b.ReportAllocs()
	for b.Loop() {
		clock()
	}
}
