// Package egresstest has a resolver that says what a test wants, over the real
// protocol, so that what is tested is the dialer of the product.
package egresstest

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
)

const (
	typeA    = 1
	typeAAAA = 28
)

// Resolver returns a resolver that asks answer for each name, in lower case and
// without the last dot, with the number of times that it was asked before. No address
// means that there is no such name.
func Resolver(answer func(name string, before int) []netip.Addr) *net.Resolver {
	z := &zone{answer: answer, asked: map[string]int{}}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go z.serve(there)
		return here, nil
	}}
}

type zone struct {
	answer func(name string, before int) []netip.Addr
	mu     sync.Mutex
	asked  map[string]int // by name and type
}

// serve answers questions, each with its length before it (RFC 1035 §4.2.2), until
// the other side closes.
func (z *zone) serve(c net.Conn) {
	defer c.Close()
	var head [2]byte
	for {
		if _, err := readFull(c, head[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(head[:]))
		if _, err := readFull(c, question); err != nil {
			return
		}
		text := z.reply(question)
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...)); err != nil {
			return
		}
	}
}

func readFull(c net.Conn, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = c.Read(b[n:])
		n += m
	}
	return n, err
}

// reply answers a message with one question (RFC 1035 §4.1).
func (z *zone) reply(q []byte) []byte {
	var labels []string
	at := 12
	for q[at] != 0 {
		labels = append(labels, string(q[at+1:at+1+int(q[at])]))
		at += 1 + int(q[at])
	}
	kind := binary.BigEndian.Uint16(q[at+1:])
	end := at + 5
	name := strings.ToLower(strings.Join(labels, "."))

	z.mu.Lock()
	key := name + string(rune(kind))
	addrs := z.answer(name, z.asked[key])
	z.asked[key]++
	z.mu.Unlock()

	out := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[12:end]...) // an answer, recursion available
	if len(addrs) == 0 {
		out[3] |= 3 // no such name
	}
	for _, a := range addrs {
		if kind == typeA && a.Is4() || kind == typeAAAA && a.Is6() {
			b := a.AsSlice()
			out = append(out, 0xc0, 12, 0, byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(b))) // the name asked for, for no time at all
			out = append(out, b...)
			out[7]++
		}
	}
	return out
}
