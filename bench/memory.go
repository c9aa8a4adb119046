package bench

import (
	"bytes"
	"fmt"
	"math"
	"os"
)

// residentMiB is the resident memory of a process as Linux tells it; zero elsewhere, or when it is gone.
func residentMiB(pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, line, _ := bytes.Cut(b, []byte("\nVmRSS:"))
	kib := 0.0
	if _, err := fmt.Fscan(bytes.NewReader(line), &kib); err != nil {
		return 0
	}
	return math.Round(kib/1024*10) / 10
}
