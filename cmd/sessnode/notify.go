package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// How often a service manager is told something.
const (
	notifyLook   = 100 * time.Millisecond // is it ready? until it is
	notifyEvery  = time.Second            // afterwards
	notifyExtend = 30 * time.Second       // that starting and stopping may take from each message on
	notifyWithin = time.Second            // that sending a message may take
)

// notified is the node that a service manager is told about.
type notified interface {
	Ready() (ready bool, reason string)
	Draining() <-chan struct{}
}

// manager is the service manager that started this process, as sd_notify(3) describes it. One goroutine uses it.
type manager struct {
	send     func(text string) error
	watchdog time.Duration // how long it waits for a word before it restarts the process; 0: it does not
	log      *slog.Logger

	ready, stopping bool   // what it was told
	status          string // likewise
	failed          bool   // the last message did not reach it
}

// tellManager tells the service manager, if there is one that wants to know, how a node is, until the function returned is
// called. When ctx is done the node has been told to stop.
func tellManager(ctx context.Context, n notified, log *slog.Logger) (stop func()) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return func() {}
	}
	conn, err := net.Dial("unixgram", path) // with @ in front it is abstract
	if err != nil {
		log.Warn("service manager is not told anything", "error", err)
		return func() {}
	}
	m := &manager{send: sender(conn), watchdog: watchdogTime(), log: log}
	end, done := make(chan struct{}), make(chan struct{})
	go func() { // owns m and conn; stop ends and joins it
		defer close(done)
		defer conn.Close()
		m.follow(ctx.Done(), end, n)
	}()
	return func() {
		close(end)
		<-done
	}
}

// sender sends messages of lines, each NAME=VALUE.
func sender(conn net.Conn) func(string) error {
	return func(text string) error {
		if err := conn.SetWriteDeadline(time.Now().Add(notifyWithin)); err != nil {
			return err
		}
		_, err := conn.Write([]byte(text))
		return err
	}
}

// watchdogTime is how long the service manager waits for a word of this process.
func watchdogTime() time.Duration {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0 // another process is meant, whose environment this one has inherited
	}
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || usec < 0 {
		return 0
	}
	return time.Duration(usec) * time.Microsecond
}

// follow tells how the node is until end is closed; the last that it tells is that the process ends.
func (m *manager) follow(asked, end <-chan struct{}, n notified) {
	draining, stopping := n.Draining(), false
	for {
		ready, reason := n.Ready() // takes the node's lock, which a node that is stuck does not give: then nothing is told
		m.tell(ready, stopping, reason)
		timer := time.NewTimer(m.pause())
		select {
		case <-timer.C:
		case <-asked:
			asked, stopping = nil, true
		case <-draining:
			draining, stopping = nil, true
		case <-end:
			timer.Stop()
			if !stopping { // the node has left before anybody heard that it was to
				m.tell(false, true, "")
			}
			return
		}
		timer.Stop()
	}
}

// pause is the time until the next look at the node.
func (m *manager) pause() time.Duration {
	pause := notifyEvery
	if !m.ready {
		pause = notifyLook
	}
	if m.watchdog > 0 {
		pause = min(pause, m.watchdog/3)
	}
	return max(pause, time.Millisecond)
}

// tell sends what there is to say. A failure is logged once, until a message gets through.
func (m *manager) tell(ready, stopping bool, reason string) {
	text := m.message(ready, stopping, reason)
	if text == "" {
		return
	}
	err := m.send(text)
	if err != nil && !m.failed {
		m.log.Warn("service manager is not told", "error", err)
	}
	m.failed = err != nil
	if err == nil {
		m.ready, m.stopping, m.status = m.ready || ready, stopping, statusText(ready, stopping, reason)
	}
}

// message is what the manager does not know yet and what it must hear again and again; empty: nothing.
func (m *manager) message(ready, stopping bool, reason string) string {
	var lines []string
	if ready && !m.ready {
		lines = append(lines, "READY=1")
	}
	if stopping && !m.stopping {
		lines = append(lines, "STOPPING=1")
	}
	if status := statusText(ready, stopping, reason); status != m.status {
		lines = append(lines, "STATUS="+status)
	}
	if stopping || !ready && !m.ready { // 'sessnode drain' has a deadline of its own, and so has looking for members
		lines = append(lines, fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", notifyExtend.Microseconds()))
	}
	if m.watchdog > 0 {
		lines = append(lines, "WATCHDOG=1")
	}
	return strings.Join(lines, "\n")
}

// statusText is how the node is, in one line.
func statusText(ready, stopping bool, reason string) string {
	switch {
	case stopping:
		return "draining: handing over what this node holds"
	case ready:
		return "ready"
	}
	return "not ready: " + strings.ReplaceAll(reason, "\n", " ")
}
