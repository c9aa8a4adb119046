//go:build !linux

package child

import "syscall"

// dieWithParent asks for nothing here: only Linux ties a child's life to its parent's. When the parent itself is killed with
// SIGKILL, its children stay; Ctrl-C reaches them from the terminal as well.
func dieWithParent() *syscall.SysProcAttr { return nil }
