package spool

import (
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// freeBytes is how much this user may still write in dir.
func freeBytes(dir string) (int64, error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, &os.PathError{Op: "GetDiskFreeSpaceEx", Path: dir, Err: err}
	}
	return int64(min(free, math.MaxInt64)), nil
}

// syncDir has nothing to do: NTFS keeps its own journal of names.
func syncDir(string) error { return nil }
