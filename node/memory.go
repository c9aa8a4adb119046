package node

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memoryPercent of what a machine has may be taken by sessions: the collector lets the heap grow to twice what is in use.
const memoryPercent = 40

// memoryShare is the default of Config.MemoryBytes, for so many bytes of memory; negative, no limit, for 0.
func memoryShare(total int) int {
	if total <= 0 {
		return -1
	}
	return total / 100 * memoryPercent
}

// machineMemory is the bytes that this process may have: what its control groups allow, or what the machine has, whichever
// is less; 0 where that is not known.
func machineMemory() int {
	least := 0
	take := func(n int) {
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	take(meminfo("/proc/meminfo"))
	own, _ := os.ReadFile("/proc/self/cgroup")
	for _, file := range groupFiles(string(own)) {
		text, err := os.ReadFile(file)
		if err == nil {
			n, _ := strconv.Atoi(strings.TrimSpace(string(text))) // "max" is no limit
			take(n)
		}
	}
	return least
}

// groupFiles are where limits of memory may stand, given /proc/self/cgroup: of the process's group and those around it,
// version 2 and 1.
func groupFiles(own string) []string {
	var files []string
	for line := range strings.Lines(own) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		kinds, path, _ := strings.Cut(rest, ":")
		root, name := "/sys/fs/cgroup", "memory.max"
		switch {
		case kinds == "":
		case strings.Contains(","+kinds+",", ",memory,"):
			root, name = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for dir := filepath.Join("/", path); ; dir = filepath.Dir(dir) {
			files = append(files, filepath.Join(root, dir, name))
			if dir == "/" {
				break
			}
		}
	}
	return files
}

// meminfo is the bytes of memory in a file like /proc/meminfo; 0 if it does not say.
func meminfo(file string) int {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) == 3 && f[0] == "MemTotal:" {
			n, _ := strconv.Atoi(f[1])
			return n << 10
		}
	}
	return 0
}
