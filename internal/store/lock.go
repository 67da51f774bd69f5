package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lanyard"
)

// lockFile is held while a process has the data directory. It stays when the
// process has gone; what counts is the lock on it.
const lockFile = "lanyard.lock"

// errLocked is what takeLock returns where another process has the lock.
var errLocked = errors.New("locked")

// lockDir makes the directory, for this user only, and takes its lock. Two
// processes on one directory would send one refresh token twice.
func lockDir(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", explainFile(err))
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, fmt.Errorf("close data directory to others: %w", explainFile(err))
	}
	path := filepath.Join(dir, lockFile)
	f, err := takeLock(path)
	if errors.Is(err, errLocked) {
		holder := "another process"
		if pid := readPID(path); pid > 0 {
			holder = fmt.Sprintf("process %d", pid)
		}
		return nil, lanyard.Errorf(lanyard.CodeStoreUnavailable,
			"the data directory %s is in use by %s: stop that one first, talk to it with the lanyard commands (they find its socket), or set another LANYARD_DATA_DIR", dir, holder)
	}
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", explainFile(err))
	}
	if err := writePID(f); err != nil {
		return nil, errors.Join(fmt.Errorf("lock data directory: %w", explainFile(err)), f.Close())
	}
	return f.Close, nil
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func readPID(path string) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0 // who it is helps, but is not needed
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return pid
}

// explainFile makes what a disk or a directory refuses an error of the store.
func explainFile(err error) error {
	if _, is := errors.AsType[*fs.PathError](err); is || errors.Is(err, syscall.ENOSPC) {
		return unavailable(err, time.Second)
	}
	return err
}
