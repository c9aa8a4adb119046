//go:build !linux

package main

import "syscall"

// dieWithParent asks for nothing here: only Linux ties a child's life to its parent's. When the demo itself is killed with
// SIGKILL, its children stay; Ctrl-C reaches them from the terminal as well.
func dieWithParent() *syscall.SysProcAttr { return nil }
