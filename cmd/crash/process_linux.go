package main

import (
	"os/exec"
	"syscall"
)

// bound makes a child end when this process does, however it ends.
func bound(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
