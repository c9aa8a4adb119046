package node

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMemoryOfTheMachine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "meminfo")
	if err := os.WriteFile(file, []byte("MemFree: 5 kB\nMemTotal:       2048 kB\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := meminfo(file); got != 2<<20 {
		t.Errorf("meminfo = %d, want 2 MiB", got)
	}
	if got := meminfo(file + "none"); got != 0 {
		t.Errorf("meminfo of no file = %d", got)
	}
	if got := memoryShare(1000); got != 400 {
		t.Errorf("share of 1000 bytes = %d", got)
	}
	if got := memoryShare(0); got >= 0 {
		t.Errorf("share of what is not known = %d, want no limit", got)
	}
	want := []string{
		"/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
		"/sys/fs/cgroup/a/b/memory.max", "/sys/fs/cgroup/a/memory.max", "/sys/fs/cgroup/memory.max",
	}
	if d := cmp.Diff(want, groupFiles("3:cpu,cpuacct:/x\n2:memory:/a\n0::/a/b\n")); d != "" {
		t.Error(d)
	}
}
