package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// process is a child of the demo that runs another command of this binary. It may be killed and started again.
type process struct {
	name string
	args []string
	dir  string // where its log stands; the demo's

	mu      sync.Mutex // guards the fields below
	running *exec.Cmd  // nil when it is dead
	gone    chan struct{}
	started bool // once at least
	killed  bool // by the demo, since it was last started
	retired bool // never to be started again
}

// errRetired refuses to start a process while the demo ends.
var errRetired = errors.New("the demo is ending")

// start starts the process, if it is dead. It holds the mutex meanwhile, so that two starts make one child.
func (c *process) start() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.retired:
		return errRetired
	case c.running != nil:
		return nil
	}
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	cmd := exec.Command(binary, c.args...)
	cmd.Env = withoutOurs(os.Environ())
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = dieWithParent()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", c.name, err)
	}
	c.running, c.gone = cmd, make(chan struct{})
	c.started, c.killed = true, false
	go c.reap(cmd, c.gone) // ends with the child; kill waits for it
	return nil
}

// reap waits for the child and notes that it is dead.
func (c *process) reap(cmd *exec.Cmd, gone chan<- struct{}) {
	_ = cmd.Wait() // how it ended stands in its log
	c.mu.Lock()
	c.running = nil
	c.mu.Unlock()
	close(gone)
}

// kill ends the process as a crash would (SIGKILL) and returns its id, 0 when it was dead before.
func (c *process) kill() (pid int) {
	c.mu.Lock()
	cmd, gone := c.running, c.gone
	c.killed = true
	c.mu.Unlock()
	if cmd == nil {
		return 0
	}
	_ = cmd.Process.Kill() // fails only when it is dead already
	<-gone
	return cmd.Process.Pid
}

// retire kills the process for good.
func (c *process) retire() {
	c.mu.Lock()
	c.retired = true
	c.mu.Unlock()
	c.kill()
}

// died reports whether the process has ended although the demo did not kill it.
func (c *process) died() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started && c.running == nil && !c.killed
}

// pid is the process's id, 0 when it is dead.
func (c *process) pid() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		return 0
	}
	return c.running.Process.Pid
}

func (c *process) logFile() string { return filepath.Join(c.dir, c.name+".log") }

// logTailLen is how many bytes of a log are shown when something went wrong.
const logTailLen = 2 << 10

// logTail is the end of the process's log, for an error report.
func (c *process) logTail() string {
	f, err := os.Open(c.logFile())
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > logTailLen {
		_, _ = f.Seek(-logTailLen, io.SeekEnd) // failing shows more of the log, or none
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(b))
}

// withoutOurs is an environment without the settings of this command: the demo's processes get all they need as flags.
func withoutOurs(environment []string) []string {
	return slices.DeleteFunc(environment, func(v string) bool { return strings.HasPrefix(v, "SESSNODE_") })
}
