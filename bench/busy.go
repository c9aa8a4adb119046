package bench

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"
)

// Busy says who used the machine's processors during a run, in cores. It is zero where the system is not Linux.
type Busy struct {
	Nodes  float64 `json:"nodes"`
	Load   float64 `json:"load"`   // this process
	Others float64 `json:"others"` // everybody else: with much of it, latencies mean little
}

// ticks is how many hundredths of a second of processor time were used since some moment.
type ticks struct{ all, load, nodes float64 }

// ticksPerSecond is what Linux counts processor times in for programs, on every architecture that Go knows.
const ticksPerSecond = 100

// usedUntilNow reads Linux' counters; all zero where there are none. Processes count among nodes once they have ended.
func usedUntilNow() ticks {
	machine, err := os.ReadFile("/proc/stat")
	if err != nil {
		return ticks{}
	}
	process, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return ticks{}
	}
	return readTicks(machine, process)
}

// readTicks adds up the columns of /proc/stat and /proc/PID/stat, as proc(5) names them.
func readTicks(machine, process []byte) ticks {
	line, _, _ := bytes.Cut(machine, []byte("\n"))
	all := numbers(line)                                          // "cpu", user, nice, system, idle, iowait, irq, softirq, steal, …
	own := numbers(process[bytes.LastIndexByte(process, ')')+1:]) // state, ppid, …, utime, stime, cutime, cstime, …
	if len(all) < 9 || len(own) < 15 {
		return ticks{}
	}
	return ticks{
		all:   all[1] + all[2] + all[3] + all[6] + all[7] + all[8],
		load:  own[11] + own[12],
		nodes: own[13] + own[14],
	}
}

// numbers is the fields of a line, those that are no numbers as zero.
func numbers(line []byte) []float64 {
	var all []float64
	for _, field := range bytes.Fields(line) {
		n, err := strconv.ParseFloat(string(field), 64)
		if err != nil {
			n = 0
		}
		all = append(all, n)
	}
	return all
}

// since is who used the processors since before, in cores.
func (t ticks) since(before ticks, span time.Duration) Busy {
	cores := func(n float64) float64 {
		return math.Round(100*max(0, n)/ticksPerSecond/span.Seconds()) / 100
	}
	load, nodes := t.load-before.load, t.nodes-before.nodes
	return Busy{Nodes: cores(nodes), Load: cores(load), Others: cores(t.all - before.all - load - nodes)}
}

// String is for a reader of the figures.
func (b Busy) String() string {
	return fmt.Sprintf("cores used: %.2f by the nodes, %.2f by the load, %.2f by others", b.Nodes, b.Load, b.Others)
}
