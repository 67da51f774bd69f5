package access

import (
	"net"
	"os"
	"syscall"
)

// PeerAllowed says whether the process at the other end of a unix socket runs
// as the user of this one or as root, by the kernel's word (SO_PEERCRED, unix(7)).
func PeerAllowed(c *net.UnixConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	var cred *syscall.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil || credErr != nil {
		return false
	}
	return cred.Uid == 0 || int(cred.Uid) == os.Geteuid()
}
