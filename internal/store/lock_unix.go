//go:build unix

package store

import (
	"errors"
	"os"
	"syscall"
)

// takeLock opens the file and locks it. The kernel gives the lock back when the
// process ends, however it ends.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, errors.Join(errLocked, f.Close())
	}
	return nil, errors.Join(&os.PathError{Op: "flock", Path: path, Err: err}, f.Close())
}
