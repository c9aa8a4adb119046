//go:build unix

package child

import (
	"errors"
	"fmt"
	"syscall"
)

// ErrDead means that there is no process to do that to.
var ErrDead = errors.New("process is dead")

// Pause stops the process where it stands (SIGSTOP), as a host that goes silent: its socket stays open. Resume or Kill ends
// that.
func (c *Process) Pause() error { return c.signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (c *Process) Resume() error { return c.signal(syscall.SIGCONT) }

func (c *Process) signal(s syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock() // so that the id is not another process's by now
	if c.running == nil {
		return fmt.Errorf("%s: %w", c.Name, ErrDead)
	}
	return c.running.Process.Signal(s)
}
