package server

import (
	"fmt"
	"syscall"
)

// Harden keeps the memory of this process out of core files and away from
// debuggers of the same user (T17). It is for the command that serves.
func Harden() error {
	if _, _, errno := syscall.Syscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0); errno != 0 {
		return fmt.Errorf("make the process not dumpable: %w", errno)
	}
	return noCore()
}
