package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// patient is a node whose state a test sets.
type patient struct {
	ready    atomic.Bool
	draining chan struct{}
	lock     chan struct{} // holds something while somebody has the node's lock
}

func newPatient(ready bool) *patient {
	p := &patient{draining: make(chan struct{}), lock: make(chan struct{}, 1)}
	p.ready.Store(ready)
	return p
}

func (p *patient) Ready() (bool, string) {
	p.lock <- struct{}{}
	defer func() { <-p.lock }()
	return p.ready.Load(), "belongs to\nno cluster yet"
}

func (p *patient) Draining() <-chan struct{} { return p.draining }

// listening collects what is sent.
type listening struct {
	mu   sync.Mutex // guards told
	told []string
}

func (l *listening) send(text string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, strings.ReplaceAll(text, "\n", " | "))
	return nil
}

// take is what was sent since it was last asked.
func (l *listening) take() []string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	told := l.told
	l.told = nil
	return told
}

func TestManagerHearsEachChangeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, l := newPatient(false), &listening{}
		m := &manager{send: l.send, log: slog.New(slog.DiscardHandler)}
		end, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			m.follow(nil, end, n)
		}()
		expect := func(what string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, l.take()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		expect("at the start", "STATUS=not ready: belongs to no cluster yet | EXTEND_TIMEOUT_USEC=30000000")
		n.ready.Store(true)
		time.Sleep(notifyLook)
		expect("when it is ready", "READY=1 | STATUS=ready")
		time.Sleep(time.Minute)
		expect("while nothing changes")
		n.ready.Store(false)
		time.Sleep(notifyEvery)
		expect("when it is not ready any more", "STATUS=not ready: belongs to no cluster yet")
		close(n.draining)
		expect("when it drains", "STOPPING=1 | STATUS=draining: handing over what this node holds | EXTEND_TIMEOUT_USEC=30000000")
		time.Sleep(notifyEvery)
		expect("while it drains", "EXTEND_TIMEOUT_USEC=30000000")
		close(end)
		<-done
	})
}

// A signal is told as draining is, also where the node leaves at once.
func TestManagerHearsOfASignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, l := newPatient(true), &listening{}
		m := &manager{send: l.send, log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		end, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			m.follow(ctx.Done(), end, n)
		}()
		l.take()
		cancel()
		if got := l.take(); len(got) != 1 || !strings.HasPrefix(got[0], "STOPPING=1 | ") {
			t.Errorf("after the signal: %q", got)
		}
		close(end)
		<-done
	})
}

// A node that does not give its lock is not said to be alive.
func TestWatchdogHearsNothingOfAStuckNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, l := newPatient(true), &listening{}
		m := &manager{send: l.send, watchdog: 3 * time.Second, log: slog.New(slog.DiscardHandler)}
		end, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			m.follow(nil, end, n)
		}()
		time.Sleep(2500 * time.Millisecond)
		want := []string{"READY=1 | STATUS=ready | WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"}
		if diff := cmp.Diff(want, l.take()); diff != "" {
			t.Errorf("alive (-want +got):\n%s", diff)
		}
		n.lock <- struct{}{}
		time.Sleep(time.Minute)
		if got := l.take(); got != nil {
			t.Errorf("stuck: %q", got)
		}
		<-n.lock
		close(end)
		<-done
	})
}

// What did not get through is told again, and logged once.
func TestManagerThatCannotBeReached(t *testing.T) {
	var log bytes.Buffer
	lost := errors.New("queue is full")
	var sent []string
	m := &manager{log: slog.New(slog.NewTextHandler(&log, nil)), send: func(text string) error {
		sent = append(sent, text)
		return lost
	}}
	m.tell(true, false, "")
	m.tell(true, false, "")
	lost = nil
	m.tell(true, false, "")
	m.tell(true, false, "")
	if diff := cmp.Diff([]string{"READY=1\nSTATUS=ready", "READY=1\nSTATUS=ready", "READY=1\nSTATUS=ready"}, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if got := strings.Count(log.String(), "queue is full"); got != 1 {
		t.Errorf("logged %d times:\n%s", got, &log)
	}
}

func TestWatchdogTime(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"", "", 0}, {"30000000", "", 30 * time.Second}, {"30000000", own, 30 * time.Second},
		{"30000000", "1", 0}, {"soon", "", 0}, {"-1", "", 0},
	} {
		t.Setenv("WATCHDOG_USEC", c.usec)
		t.Setenv("WATCHDOG_PID", c.pid)
		if got := watchdogTime(); got != c.want {
			t.Errorf("%q for %q: %v, want %v", c.usec, c.pid, got, c.want)
		}
	}
}

// A whole node tells a real socket, by its path or by an abstract name.
// A node that leaves faster than anybody looks is told to stop all the same.
func TestManagerHearsOfAQuickEnd(t *testing.T) {
	over := make(chan struct{})
	close(over)
	for range 20 { // of several things that have happened one is chosen at random
		var told []string
		m := &manager{send: func(text string) error { told = append(told, text); return nil }, log: slog.New(slog.DiscardHandler)}
		m.follow(over, over, newPatient(true))
		if last := told[len(told)-1]; !strings.Contains(last, "STOPPING=1") {
			t.Fatalf("the last word is %q", last)
		}
	}
}

func TestServeTellsTheServiceManager(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("systemd runs on Linux")
	}
	for name, at := range map[string]string{"path": filepath.Join(t.TempDir(), "s"), "abstract": "@sessnode-test-" + strconv.Itoa(os.Getpid())} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.ListenPacket("unixgram", at)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			t.Setenv("NOTIFY_SOCKET", at)
			t.Setenv("WATCHDOG_USEC", "60000000")
			ctx, cancel := context.WithCancel(t.Context())
			code := make(chan int, 1)
			go func() {
				p := &program{in: strings.NewReader(""), out: io.Discard, err: io.Discard}
				code <- p.run(ctx, []string{"serve", "-name", "one", "-bind", "127.0.0.1:0", "-admin", "none", "-state-dir", "none"})
			}()
			if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			hear(t, conn, "READY=1", "STATUS=ready", "WATCHDOG=1")
			cancel()
			hear(t, conn, "STOPPING=1", "STATUS=draining: handing over what this node holds")
			if got := <-code; got != exitOK {
				t.Errorf("serve ended with %d", got)
			}
		})
	}
}

// hear reads messages until one has all the lines.
func hear(t *testing.T, conn net.PacketConn, lines ...string) {
	t.Helper()
	buf := make([]byte, 4096)
	for {
		count, _, err := conn.ReadFrom(buf)
		if err != nil {
			t.Fatalf("no message with %q: %v", lines, err)
		}
		told := map[string]bool{}
		for line := range strings.SplitSeq(string(buf[:count]), "\n") {
			told[line] = true
		}
		all := true
		for _, line := range lines {
			all = all && told[line]
		}
		if all {
			return
		}
	}
}
