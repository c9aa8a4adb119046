package rounds

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// ticksPerSecond is what Linux counts processor times in for programs, on every architecture that Go knows.
const ticksPerSecond = 100

// processorSeconds is what processes have used, in user mode and in the kernel; those that are gone count nothing.
func processorSeconds(pids []int) float64 {
	sum := 0.0
	for _, pid := range pids {
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
			sum += readTicks(stat) / ticksPerSecond
		}
	}
	return sum
}

// readTicks is utime and stime of /proc/PID/stat, as proc(5) names them; the name of the program may hold blanks.
func readTicks(stat []byte) float64 {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	return number(fields[11]) + number(fields[12])
}

func number(field []byte) float64 {
	n, err := strconv.ParseFloat(string(field), 64)
	if err != nil {
		return 0
	}
	return n
}

// machineSeconds is what all processes of the machine have used.
func machineSeconds() float64 {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(stat, []byte("\n"))
	fields := bytes.Fields(line) // "cpu", user, nice, system, idle, iowait, irq, softirq, steal
	if len(fields) < 9 {
		return 0
	}
	sum := 0.0
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		sum += number(fields[i])
	}
	return sum / ticksPerSecond
}

// loopbackBytes is what the loopback device has carried, headers included. Everybody's traffic counts, so measure in a
// network namespace of one's own.
func loopbackBytes() float64 {
	table, err := os.ReadFile("/proc/self/net/dev")
	if err != nil {
		return 0
	}
	return readLoopback(table)
}

func readLoopback(table []byte) float64 {
	_, line, found := bytes.Cut(table, []byte("lo:"))
	if fields := bytes.Fields(line); found && len(fields) > 0 {
		return number(fields[0])
	}
	return 0
}

// residentBytes is the memory that processes have, as Linux tells it.
func residentBytes(pids []int) float64 {
	sum := 0.0
	for _, pid := range pids {
		statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if err != nil {
			continue
		}
		if fields := bytes.Fields(statm); len(fields) > 1 {
			sum += number(fields[1]) * float64(os.Getpagesize())
		}
	}
	return sum
}
