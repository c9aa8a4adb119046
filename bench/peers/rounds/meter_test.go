package rounds

import "testing"

func TestReadTicks(t *testing.T) {
	stat := []byte("42 (a name) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 7 9 20 0 5 0 12345 1000 10")
	if got := readTicks(stat); got != 300 {
		t.Errorf("got %v ticks, want 250 in user mode and 50 in the kernel", got)
	}
	if got := readTicks([]byte("42 (gone)")); got != 0 {
		t.Errorf("got %v of a line that is cut", got)
	}
}

func TestReadLoopback(t *testing.T) {
	table := []byte("Inter-|\n face |bytes packets\n    lo: 123456     70    0\n  eth0: 9 1 0\n")
	if got := readLoopback(table); got != 123456 {
		t.Errorf("got %v bytes", got)
	}
	if got := readLoopback([]byte("eth0: 9")); got != 0 {
		t.Errorf("got %v bytes without a loopback device", got)
	}
}
