//go:build !unix

package server

// Harden has nothing it could do on this system.
func Harden() error { return nil }
