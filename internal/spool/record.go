package spool

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"time"

	"lanyard"
)

// A record is, little endian:
//
//	 0  4  magic
//	 4  4  length of the body
//	 8  8  sequence
//	16  8  time, in microseconds since 1970
//	24  4  version of the body: 1
//	28  4  CRC-32C of the 28 bytes before, and of the body
//	32     the body
//
// The body is attempt, project, app, grant, flow, kind and family, each a length
// in one byte and the text; the generation in 8 bytes; and the rest is sealed.
const (
	headLen    = 32
	bodyFormat = 1
	block      = 4096

	// MaxSealed is how long a sealed answer may be: the megabyte that is read of a
	// provider's, and what sealing and the frame around it add.
	MaxSealed = 1<<20 + 64<<10
	// maxRecord is how much of a segment one receipt can take, in whole blocks.
	maxRecord = MaxSealed + block
)

var (
	recordMagic = []byte{0xf1, 'L', 'y', 0x9c}
	castagnoli  = crc32.MakeTable(crc32.Castagnoli)
)

// texts are the fields that are short texts, in their order on disk.
func (r *Receipt) texts() [7]string {
	return [7]string{string(r.Attempt), string(r.Project), string(r.App), string(r.Grant), string(r.Flow), string(r.Kind), r.Family}
}

// fits says whether r can be written: its texts and its sealed part are not too long.
func (r *Receipt) fits() bool {
	for _, t := range r.texts() {
		if len(t) > 255 {
			return false
		}
	}
	return len(r.Sealed) <= MaxSealed
}

// size is how long the record of r is.
func (r *Receipt) size() int {
	n := headLen + 8 + len(r.Sealed)
	for _, t := range r.texts() {
		n += 1 + len(t)
	}
	return n
}

// encode appends the record of r, which fits.
func encode(b []byte, r *Receipt) []byte {
	start := len(b)
	b = append(b, recordMagic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(r.size()-headLen))
	b = binary.LittleEndian.AppendUint64(b, r.Sequence)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.At.UnixMicro()))
	b = binary.LittleEndian.AppendUint32(b, bodyFormat)
	b = append(b, 0, 0, 0, 0)
	for _, t := range r.texts() {
		b = append(append(b, byte(len(t))), t...)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Generation))
	b = append(b, r.Sealed...)
	binary.LittleEndian.PutUint32(b[start+28:], checksum(b[start:]))
	return b
}

func checksum(record []byte) uint32 {
	return crc32.Update(crc32.Checksum(record[:28], castagnoli), castagnoli, record[headLen:])
}

// decode reads the record at the start of b and says how long it is. What it
// returns shares memory with b. False: there is none, or it is damaged.
func decode(b []byte) (r Receipt, n int, ok bool) {
	if len(b) < headLen || !bytes.Equal(b[:4], recordMagic) {
		return r, 0, false
	}
	body := binary.LittleEndian.Uint32(b[4:])
	if body > maxRecord || int(body) > len(b)-headLen {
		return r, 0, false
	}
	n = headLen + int(body)
	if binary.LittleEndian.Uint32(b[24:]) != bodyFormat || binary.LittleEndian.Uint32(b[28:]) != checksum(b[:n]) {
		return r, 0, false
	}
	r.Sequence = binary.LittleEndian.Uint64(b[8:])
	r.At = time.UnixMicro(int64(binary.LittleEndian.Uint64(b[16:]))).UTC()
	rest := b[headLen:n:n]
	var t [7]string
	for i := range t {
		if len(rest) == 0 || int(rest[0]) >= len(rest) {
			return Receipt{}, 0, false
		}
		t[i], rest = string(rest[1:1+rest[0]]), rest[1+rest[0]:]
	}
	if len(rest) < 8 {
		return Receipt{}, 0, false
	}
	r.Attempt, r.Project, r.App = lanyard.AttemptID(t[0]), lanyard.ProjectID(t[1]), lanyard.AppID(t[2])
	r.Grant, r.Flow, r.Kind, r.Family = lanyard.GrantID(t[3]), lanyard.FlowID(t[4]), lanyard.AttemptKind(t[5]), t[6]
	r.Generation, r.Sealed = int64(binary.LittleEndian.Uint64(rest)), rest[8:]
	return r, n, true
}

// scan calls f for each whole record in b, in order, with where it ends, until f
// returns an error.
// After what is not a record it goes on at the next one, however far that is.
// Damaged is how many stretches held something that is none, torn tails too.
func scan(b []byte, f func(r Receipt, end int) error) (damaged int, err error) {
	for at := 0; ; {
		next := bytes.Index(b[at:], recordMagic)
		gap := b[at:]
		if next >= 0 {
			gap = b[at : at+next]
		}
		if !zero(gap) {
			damaged++
		}
		if next < 0 {
			return damaged, nil
		}
		at += next
		r, n, ok := decode(b[at:])
		if !ok {
			skip := bytes.Index(b[at+1:], recordMagic)
			damaged++
			if skip < 0 {
				return damaged, nil
			}
			at += 1 + skip
			continue
		}
		at += n
		if err := f(r, at); err != nil {
			return damaged, err
		}
	}
}

// zero says whether there is nothing in b.
func zero(b []byte) bool { return used(b) == 0 }

// used is how much of b there is before it is zero up to its end.
func used(b []byte) int {
	const step = 512
	n := len(b)
	for n >= step && bytes.Equal(b[n-step:n], zeros[:step]) {
		n -= step
	}
	for n > 0 && b[n-1] == 0 {
		n--
	}
	return n
}

// zeros is what segments are filled with, and compared with.
var zeros = make([]byte, 1<<20)

// blocks rounds n up to whole blocks.
func blocks(n int64) int64 { return (n + block - 1) / block * block }
