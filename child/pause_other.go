//go:build !unix

package child

import (
	"errors"
	"fmt"
)

// ErrNoPause means that this operating system cannot stop a process and let it go on.
var ErrNoPause = fmt.Errorf("%w: processes cannot be paused on this operating system: run this on Linux or macOS", errors.ErrUnsupported)

// Pause returns ErrNoPause here.
func (c *Process) Pause() error { return ErrNoPause }

// Resume returns ErrNoPause here.
func (c *Process) Resume() error { return ErrNoPause }
