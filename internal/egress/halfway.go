package egress

import (
	"context"
	"net"

	"lanyard/internal/fault"
)

// halfway writes in two halves, with a fault point between them. Ordinary builds
// have no use for it.
type halfway struct{ net.Conn }

func (h halfway) Write(b []byte) (int, error) {
	n, err := h.Conn.Write(b[:len(b)/2])
	if err != nil {
		return n, err
	}
	if err := fault.At(context.Background(), fault.CallHalf); err != nil {
		return n, err
	}
	m, err := h.Conn.Write(b[n:])
	return n + m, err
}
