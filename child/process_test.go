package child

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain plays the child when it is started as one: it ends at SIGTERM.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "obedient" {
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGTERM)
		os.Stdout.WriteString("up\n")
		<-asked
		os.Stdout.WriteString("asked to end\n")
		os.Exit(0)
	}
	if len(os.Args) == 3 && os.Args[1] == "reserve" {
		port, _ := strconv.Atoi(os.Args[2])
		fmt.Print(reserve(port))
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func started(t *testing.T) *Process {
	t.Helper()
	c := &Process{Name: "it", Args: []string{"obedient"}, Dir: t.TempDir()}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Retire)
	return c
}

// up waits, on the wall clock, until the child can take a signal.
func up(t *testing.T, c *Process) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		if strings.HasSuffix(c.LogTail(), "up") {
			return
		}
		<-tick.C
	}
	t.Fatalf("the child is not up: %s", c.LogTail())
}

func TestTerminateLetsItEnd(t *testing.T) {
	c := started(t)
	up(t, c)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.Terminate(ctx); err != nil {
		t.Fatal(err)
	}
	if got := c.LogTail(); !strings.HasSuffix(got, "asked to end") {
		t.Errorf("the log ends with %q", got)
	}
	if c.PID() != 0 || c.Died() {
		t.Errorf("process %d, died by itself: %v; want it dead because we ended it", c.PID(), c.Died())
	}
	if err := c.Terminate(ctx); err != nil {
		t.Errorf("a dead process: %v", err)
	}
}

func TestAPausedProcessDoesNotEndUntilKilled(t *testing.T) {
	c := started(t)
	up(t, c)
	if err := c.Pause(); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := c.Terminate(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("terminate a paused process: %v, want the deadline's error", err)
	}
	if pid := c.Kill(); pid == 0 || c.PID() != 0 {
		t.Errorf("killed %d, still there: %d", pid, c.PID())
	}
	if err := c.Pause(); err == nil {
		t.Error("a dead process was paused")
	}
}

func TestItStartsAgainUntilRetired(t *testing.T) {
	c := started(t)
	first := c.Kill()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if second := c.PID(); second == 0 || second == first {
		t.Errorf("process %d after %d", second, first)
	}
	c.Retire()
	if err := c.Start(); !errors.Is(err, ErrRetired) {
		t.Errorf("start after Retire: %v", err)
	}
}

func TestDiedTellsAnEndThatNobodyAskedFor(t *testing.T) {
	c := started(t)
	up(t, c)
	p, err := os.FindProcess(c.PID())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	gone := c.gone
	c.mu.Unlock()
	<-gone
	if !c.Died() {
		t.Error("its end went unnoticed")
	}
}

func TestItStartsWithinItsSurroundings(t *testing.T) {
	var pids []int
	c := &Process{Name: "it", Args: []string{"obedient"}, Dir: t.TempDir()}
	c.Within = func(start func() (int, error)) error {
		pid, err := start()
		pids = append(pids, pid)
		return err
	}
	for range 2 {
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if last := pids[len(pids)-1]; last != c.PID() {
			t.Errorf("its surroundings were told %d, it is %d", last, c.PID())
		}
		c.Kill()
	}
	if len(pids) != 2 {
		t.Errorf("two starts went through its surroundings %d times", len(pids))
	}
}

func TestSurroundingsThatFailLeaveNoChild(t *testing.T) {
	narrow := errors.New("no room")
	var born int
	c := &Process{Name: "it", Args: []string{"obedient"}, Dir: t.TempDir()}
	c.Within = func(start func() (int, error)) error {
		var err error
		born, err = start()
		return errors.Join(err, narrow)
	}
	if err := c.Start(); !errors.Is(err, narrow) {
		t.Errorf("start: %v, want the error of the surroundings", err)
	}
	p, err := os.FindProcess(born)
	if err != nil {
		return // told so at once
	}
	if err := p.Signal(syscall.Signal(0)); c.PID() != 0 || err == nil {
		t.Errorf("process %d: signal 0 says %v; want it dead", born, err)
	}
	c.Within = func(func() (int, error)) error { return nil }
	if err := c.Start(); err == nil || c.PID() != 0 {
		t.Errorf("surroundings that start nothing: %v", err)
	}
}
