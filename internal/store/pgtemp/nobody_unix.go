//go:build unix

package pgtemp

import (
	"os"
	"syscall"
)

// asNobody lets a child run as a user that the server accepts, in a process
// group of its own so that Ctrl-C leaves it to the guard.
func asNobody(dir string) (*syscall.SysProcAttr, error) {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() != 0 {
		return attributes, nil
	}
	const nobody = 65534
	attributes.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	return attributes, os.Chown(dir, nobody, nobody)
}
