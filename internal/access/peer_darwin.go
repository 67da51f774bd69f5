package access

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// PeerAllowed says whether the process at the other end of a unix socket runs
// as the user of this one or as root, by the kernel's word (LOCAL_PEERCRED, unix(4)).
func PeerAllowed(c *net.UnixConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	var cred *unix.Xucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	}); err != nil || credErr != nil {
		return false
	}
	return cred.Uid == 0 || int(cred.Uid) == os.Geteuid()
}
