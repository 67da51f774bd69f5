//go:build faults && unix

package fault

import (
	"os"
	"syscall"
	"time"
)

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until it arrives
}

func halt() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	time.Sleep(20 * time.Millisecond) // until it arrives
}
