//go:build !linux

package spool

import "os"

// syncData puts f's data on disk. On macOS this is F_FULLFSYNC.
func syncData(f *os.File) error { return f.Sync() }

// allocate gives f its blocks. False: this system cannot do it.
func allocate(*os.File, int64) (bool, error) { return false, nil }
