package main

import "syscall"

// dieWithParent has the kernel kill a child when the demo dies, however that happens, and keeps Ctrl-C from the child: the
// demo decides who dies.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
