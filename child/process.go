package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Process is a command of a sessnode binary as a child of this process. It may be killed and started again. Its fields are
// read-only once it has been started; its methods may be called from any goroutine.
type Process struct {
	Name   string   // also of its log, Name.log
	Args   []string // the command and its flags
	Dir    string   // where its log stands; it must exist
	Binary string   // default this process's own
	// Within calls start once, from where the child is to inherit its surroundings, such as in a network namespace; start
	// returns the child's id. Default: start is just called. The system thread that calls it must not end before the child
	// does: on Linux the child would be killed with it.
	Within func(start func() (pid int, err error)) error

	mu      sync.Mutex // guards the fields below
	running *exec.Cmd  // nil when it is dead
	gone    chan struct{}
	started bool // once at least
	killed  bool // by us, since it was last started
	retired bool // never to be started again
}

// ErrRetired refuses to start a process after Retire.
var ErrRetired = errors.New("process is not to be started again")

// Start starts the process, if it is dead. It holds the mutex meanwhile, so that two starts make one child. Settings of
// the environment do not reach it: it gets all that it needs as flags.
func (c *Process) Start() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.retired:
		return ErrRetired
	case c.running != nil:
		return nil
	}
	binary, err := c.binary()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	cmd := exec.Command(binary, c.Args...)
	cmd.Env = WithoutOurs(os.Environ())
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = dieWithParent()
	if err := c.begin(cmd); err != nil {
		return fmt.Errorf("start %s: %w", c.Name, err)
	}
	c.running, c.gone = cmd, make(chan struct{})
	c.started, c.killed = true, false
	go c.reap(cmd, c.gone) // ends with the child; Kill and Terminate wait for it
	return nil
}

// begin starts the command where Within says. A child that started although Within reports an error is killed.
func (c *Process) begin(cmd *exec.Cmd) error {
	if c.Within == nil {
		return cmd.Start()
	}
	err := c.Within(func() (int, error) {
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		return cmd.Process.Pid, nil
	})
	switch {
	case err == nil && cmd.Process == nil:
		return errors.New("its surroundings did not start it")
	case err != nil && cmd.Process != nil:
		_ = cmd.Process.Kill() // fails only when it is dead already
		_ = cmd.Wait()
	}
	return err
}

func (c *Process) binary() (string, error) {
	if c.Binary != "" {
		return c.Binary, nil
	}
	return os.Executable()
}

// reap waits for the child and notes that it is dead.
func (c *Process) reap(cmd *exec.Cmd, gone chan<- struct{}) {
	_ = cmd.Wait() // how it ended stands in its log
	c.mu.Lock()
	c.running = nil
	c.mu.Unlock()
	close(gone)
}

// doomed is the running child, which from now on may end; nil when it is dead.
func (c *Process) doomed() (*exec.Cmd, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killed = true
	return c.running, c.gone
}

// Kill ends the process as a crash would (SIGKILL), paused or not, and returns its id, 0 when it was dead before.
func (c *Process) Kill() (pid int) {
	cmd, gone := c.doomed()
	if cmd == nil {
		return 0
	}
	_ = cmd.Process.Kill() // fails only when it is dead already
	<-gone
	return cmd.Process.Pid
}

// Terminate asks the process to end in good order (SIGTERM) and waits until it has, or until ctx is done.
func (c *Process) Terminate(ctx context.Context) error {
	cmd, gone := c.doomed()
	if cmd == nil {
		return nil
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("terminate %s: %w", c.Name, err)
	}
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s has not ended: %w", c.Name, context.Cause(ctx))
	}
}

// Retire kills the process for good.
func (c *Process) Retire() {
	c.mu.Lock()
	c.retired = true
	c.mu.Unlock()
	c.Kill()
}

// Died reports whether the process has ended although nobody here ended it.
func (c *Process) Died() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started && c.running == nil && !c.killed
}

// PID is the process's id, 0 when it is dead.
func (c *Process) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		return 0
	}
	return c.running.Process.Pid
}

func (c *Process) logFile() string { return filepath.Join(c.Dir, c.Name+".log") }

// logTailLen is how many bytes of a log are shown when something went wrong.
const logTailLen = 2 << 10

// LogTail is the end of the process's log, for an error report.
func (c *Process) LogTail() string {
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

// WithoutOurs is an environment without the settings of sessnode's own commands.
func WithoutOurs(environment []string) []string {
	return slices.DeleteFunc(environment, func(v string) bool { return strings.HasPrefix(v, "SESSNODE_") })
}
