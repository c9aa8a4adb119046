package child

import "syscall"

// dieWithParent has the kernel kill a child when the parent dies, however that happens, and keeps Ctrl-C from the child: the
// parent decides who dies.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
