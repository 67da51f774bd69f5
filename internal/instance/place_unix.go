//go:build unix

package instance

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// place names a directory and the run of the machine it is on, so that neither a
// copy of it nor the same one on another machine has the same. Where a system
// does not tell its runs apart, a directory that moves with its disk is missed.
func place(dir string) string {
	st, err := os.Stat(dir)
	if err != nil {
		return ""
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	run, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		run = nil
	}
	return strings.TrimSpace(fmt.Sprintf("%d:%d %s", sys.Dev, sys.Ino, strings.TrimSpace(string(run))))
}
