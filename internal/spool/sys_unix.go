//go:build linux || darwin || freebsd

package spool

import (
	"errors"
	"os"
	"syscall"
)

// freeBytes is how much an unprivileged user may still write in dir.
func freeBytes(dir string) (int64, error) {
	var st syscall.Statfs_t
	for {
		err := syscall.Statfs(dir, &st)
		if err == nil {
			return int64(st.Bavail) * int64(st.Bsize), nil // the types differ between systems
		}
		if !errors.Is(err, syscall.EINTR) {
			return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
		}
	}
}

// syncDir makes lasting which files are in dir.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
