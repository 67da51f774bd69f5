//go:build !linux

package sandbox

import "net"

// unacknowledged is not to be learnt here: what was written counts as arrived.
func unacknowledged(net.Conn) (int, error) { return 0, nil }
