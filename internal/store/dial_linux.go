package store

import (
	"strings"
	"syscall"
)

// unacknowledged bounds how long what was sent may stay without an answer of the
// other end's system: TCP_USER_TIMEOUT (RFC 5482). The default is a quarter of an hour.
func unacknowledged(network, _ string, raw syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	const tcpUserTimeout = 18
	var set error
	err := raw.Control(func(fd uintptr) {
		set = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(silence.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return set
}
