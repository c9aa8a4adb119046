package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
)

const mib = 1 << 20

func TestHeadroomIsTheGuides(t *testing.T) {
	guide, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%d MiB, at most 1/%d of -memory", headroomBytes>>20, headroomShare); !strings.Contains(string(guide), want) {
		t.Errorf("docs/OPERATIONS.md does not say %q", want)
	}
	for memory, want := range map[int]uint64{0: 128 * mib, -1: 128 * mib, 1 << 30: 128 * mib, 800 * mib: 100 * mib, mib: mib / 8} {
		if got := headroomOf(memory); got != want {
			t.Errorf("headroom with %d bytes for sessions: %d, want %d", memory, got, want)
		}
	}
}

func TestCollectorPercent(t *testing.T) {
	for _, c := range []struct {
		name           string
		live, headroom uint64
		want           int
	}{
		{"before the first collection", 0, 128 * mib, 800},
		{"a cold heap", 5 * mib, 128 * mib, 800},
		{"a small heap", 32 * mib, 128 * mib, 400},
		{"as much as the headroom", 128 * mib, 128 * mib, 100},
		{"a large heap", 1 << 40, 128 * mib, 100},
		{"a small machine", 32 * mib, 48 * mib, 150},
		{"next to no memory", 32 * mib, mib / 8, 100},
	} {
		if got := collectorPercent(c.live, c.headroom); got != c.want {
			t.Errorf("%s: %d %%, want %d", c.name, got, c.want)
		}
	}
}

// percentNow is what the collector of this process goes by.
func percentNow() int {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	return int(s[0].Value.Uint64())
}

// The collector of a process has its headroom at once, less as the heap grows, more as it shrinks, and is as it was at the end.
func TestCollectorFollowsTheHeap(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(123))
	t.Setenv("GOMAXPROCS", "1") // threads are not looked at
	t.Setenv("GOGC", "")
	until := func(what string, ok func(percent int) bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !ok(percentNow()); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d %%", what, percentNow())
			}
		}
	}
	runtime.GC()
	stop := tune(0)
	if n := percentNow(); n <= 200 {
		t.Errorf("%d %% of a small heap at first", n)
	}
	held := make([]byte, 100*mib)
	runtime.GC()
	until("100 MiB more are held", func(n int) bool { return 100 < n && n <= 128 })
	more := make([]byte, 100*mib)
	runtime.GC()
	until("200 MiB more are held", func(n int) bool { return n == 100 })
	runtime.KeepAlive(held)
	runtime.KeepAlive(more)
	runtime.GC()
	until("they are gone", func(n int) bool { return n > 200 })
	if stop(); percentNow() != 123 {
		t.Errorf("%d %% at the end, want 123 as before", percentNow())
	}
}

// What the operator chose stays.
func TestCollectorOfTheEnvironment(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(123))
	t.Setenv("GOMAXPROCS", "1")
	t.Setenv("GOGC", "123")
	stop := tune(0)
	defer stop()
	if n := percentNow(); n != 123 {
		t.Errorf("%d %%, the environment says 123", n)
	}
}
