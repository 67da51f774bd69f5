package main

import (
	"errors"
	"net"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// bound makes a child end when this process does, however it ends.
func bound(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// signalStop and signalGo stop a process without its knowing, and let it go on.
func (n *node) signalStop() error { return n.signal(unix.SIGSTOP) }
func (n *node) signalGo() error   { return n.signal(unix.SIGCONT) }

func (n *node) signal(s syscall.Signal) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return errNotRunning
	}
	return n.cmd.Process.Signal(s)
}

// smallDisk mounts a file system of so many bytes, in memory.
func smallDisk(dir string, bytes int64) error {
	return unix.Mount("crash", dir, "tmpfs", 0, "mode=0700,size="+strconv.FormatInt(bytes, 10))
}

func dropDisk(dir string) error { return unix.Unmount(dir, unix.MNT_DETACH) }

// freeBytes is how much is free where dir is.
func freeBytes(dir string) (int64, error) {
	var s unix.Statfs_t
	err := unix.Statfs(dir, &s)
	return int64(s.Bavail) * s.Bsize, err
}

// unacknowledged is how many bytes written to c the other end has not acknowledged.
func unacknowledged(c net.Conn) (left int, err error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, err
	}
	failed := raw.Control(func(fd uintptr) { left, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return left, errors.Join(failed, err)
}
