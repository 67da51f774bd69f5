//go:build !linux

package store

import "syscall"

// unacknowledged is the system's own; what waits longer ends with its transaction.
func unacknowledged(_, _ string, _ syscall.RawConn) error { return nil }
