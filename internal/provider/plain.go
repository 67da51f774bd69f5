package provider

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"unicode/utf16"

	"lanyard/internal/egress"
)

// plainBody undoes what some gateways do to a body although nobody asked for it: gzip and zlib (RFC 9110 §8.4.1), UTF-16
// (RFC 8259 §8.1 forbids it). The headers are not asked, since they are wrong as often. No more than egress.MaxBody
// bytes come out, and of what is damaged as much as is readable. It returns body and cut for readBody.
func plainBody(b []byte, cut bool) ([]byte, bool) {
	if unpacked, whole, ok := unpack(b); ok {
		b, cut = unpacked, !whole // its checksum says more about the end than the connection did
	}
	if order, skip := wide(b); order != nil {
		units := make([]uint16, 0, len(b)/2)
		for b = b[skip:]; len(b) > 1; b = b[2:] {
			units = append(units, order.Uint16(b))
		}
		return []byte(string(utf16.Decode(units))), cut || len(b) > 0
	}
	return b, cut
}

// unpack reads what is compressed; false: it is not.
func unpack(b []byte) (out []byte, whole, ok bool) {
	var r io.Reader
	var err error
	switch {
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b, 8}):
		r, err = gzip.NewReader(bytes.NewReader(b))
	case bytes.HasPrefix(b, []byte{0x78, 0x01}), bytes.HasPrefix(b, []byte{0x78, 0x9c}), bytes.HasPrefix(b, []byte{0x78, 0xda}):
		r, err = zlib.NewReader(bytes.NewReader(b))
	default:
		return nil, false, false
	}
	if err != nil {
		return nil, false, true
	}
	out, err = io.ReadAll(io.LimitReader(r, egress.MaxBody+1))
	return out[:min(len(out), egress.MaxBody)], err == nil && len(out) <= egress.MaxBody, true
}

// wide says in which order the two bytes of each character are, and how many come before the first; nil: it is not UTF-16.
func wide(b []byte) (order binary.ByteOrder, skip int) {
	switch {
	case len(b) < 2:
		return nil, 0
	case b[0] == 0xff && b[1] == 0xfe:
		return binary.LittleEndian, 2
	case b[0] == 0xfe && b[1] == 0xff:
		return binary.BigEndian, 2
	case b[0] != 0 && b[0] < 0x80 && b[1] == 0:
		return binary.LittleEndian, 0
	case b[0] == 0 && b[1] != 0 && b[1] < 0x80:
		return binary.BigEndian, 0
	}
	return nil, 0
}
