package spool

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"time"

	"lanyard/internal/fault"
)

// A segment is a file of whole blocks. The first block says what it is; groups
// of records follow, each group from a new block on; the rest is zero.
//
//	 0 16  magic, with the version of the format
//	16  8  the least sequence number of its records
//	24  8  when it was made, in microseconds since 1970
//	32  4  CRC-32C of the 32 bytes before
//
// A damaged first block hides no record.
const (
	segmentMagic = "LANYARD SPOOL 1\n"
	segmentExt   = ".seg" // in use, or ready
	badExt       = ".bad" // abandoned: read, never written
	newExt       = ".new" // being made: of no meaning after a crash
)

// segment is one file. Only the committer changes tail, with Spool.mu held.
type segment struct {
	path string
	size int64
	tail int64    // where the next group goes
	file *os.File // open while it may be written

	count       int       // records in it
	pending     int       // of these, not settled
	firstSeq    uint64    // 0: none
	lastSeq     uint64    //
	first, last time.Time // of its records
	readers     int       // who reads it; it is not removed meanwhile
}

// slots is how many receipts of the largest size it will surely take.
func (g *segment) slots() int { return int((g.size - g.tail) / maxRecord) }

func segmentHead(base uint64, made time.Time) []byte {
	b := append(make([]byte, 0, block), segmentMagic...)
	b = binary.LittleEndian.AppendUint64(b, base)
	b = binary.LittleEndian.AppendUint64(b, uint64(made.UnixMicro()))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return b[:block]
}

// baseOf reads the first block. False: it is damaged.
func baseOf(b []byte) (base uint64, ok bool) {
	if len(b) < 36 || !bytes.HasPrefix(b, []byte(segmentMagic)) || binary.LittleEndian.Uint32(b[32:]) != crc32.Checksum(b[:32], castagnoli) {
		return 0, false
	}
	return binary.LittleEndian.Uint64(b[16:]), true
}

// makeSegment makes a file with all its blocks, on disk when it returns. With
// fill they are written once, which makes later syncs faster: they need not
// note that a block is in use now.
func makeSegment(dir string, number, base uint64, size int64, fill bool) (_ *segment, err error) {
	if err := fault.At(context.Background(), fault.SpoolMake); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fmt.Sprintf("%016x", number))
	f, err := os.OpenFile(path+newExt, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(layOut(f, base, size, fill), f.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(path+newExt)) // what is half made takes no room
	}
	g := &segment{path: path + segmentExt, size: size, tail: block}
	if err := os.Rename(path+newExt, g.path); err != nil {
		return nil, errors.Join(err, os.Remove(path+newExt))
	}
	if err := errors.Join(syncDir(dir), g.open()); err != nil {
		return nil, errors.Join(err, g.close(), os.Remove(g.path))
	}
	return g, nil
}

func layOut(f *os.File, base uint64, size int64, fill bool) error {
	done, err := allocate(f, size)
	if err != nil {
		return err
	}
	for at := int64(block); (fill || !done) && at < size; {
		n, err := f.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at)
		if err != nil {
			return err
		}
		at += int64(n)
	}
	if _, err := f.WriteAt(segmentHead(base, time.Now()), 0); err != nil {
		return err
	}
	if err := fault.At(context.Background(), fault.SpoolSync); err != nil {
		return err
	}
	return f.Sync() // its length too
}

// readFile reads a file. What the disk does not give back is zero, and counted.
func readFile(path string) (b []byte, lost int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	b = make([]byte, info.Size())
	for at := 0; at < len(b); {
		n, err := f.ReadAt(b[at:], int64(at))
		if at += n; err == nil || errors.Is(err, io.EOF) {
			return b[:at], lost, nil
		}
		next := min(at/block*block+block, len(b))
		clear(b[at:next])
		at, lost = next, lost+1
	}
	return b, lost, nil
}

func (g *segment) open() (err error) {
	g.file, err = os.OpenFile(g.path, os.O_RDWR, 0)
	return err
}

func (g *segment) close() error {
	if g.file == nil {
		return nil
	}
	f := g.file
	g.file = nil
	return f.Close()
}

// put writes a group and syncs it. An error means that nobody knows what is on
// disk, and that this segment is not to be written again.
func (g *segment) put(group []byte) error {
	ctx := context.Background()
	if err := fault.At(ctx, fault.SpoolWrite); err != nil {
		return err
	}
	if fault.On {
		if _, err := g.file.WriteAt(group[:len(group)/2], g.tail); err != nil {
			return err
		}
		if err := fault.At(ctx, fault.SpoolTorn); err != nil {
			return err
		}
	}
	if _, err := g.file.WriteAt(group, g.tail); err != nil {
		return err
	}
	if err := fault.At(ctx, fault.SpoolSync); err != nil {
		return err
	}
	return syncData(g.file)
}

// load reads a segment that an earlier run has left, and calls f for its records.
func load(path string, f func(Receipt)) (g *segment, base uint64, damaged int, err error) {
	b, lost, err := readFile(path)
	if err != nil {
		return nil, 0, 0, err
	}
	damaged = lost
	g = &segment{path: path, size: int64(len(b)) / block * block}
	base, ok := baseOf(b)
	if !ok && !zero(b[:min(block, len(b))]) {
		damaged++
	}
	end := used(b)
	n, err := scan(b[min(block, len(b)):], func(r Receipt, at int) error {
		end = max(end, block+at) // a record may end in zeros
		g.note(r)
		f(r)
		return nil
	})
	g.tail = max(block, blocks(int64(end)))
	if damaged += n; damaged > 0 && g.count == 0 {
		g.last = time.Now() // perhaps a newer version reads it: it stays as long as a receipt
	}
	return g, base, damaged, err
}

// note counts a record that is in it.
func (g *segment) note(r Receipt) {
	if g.count++; g.firstSeq == 0 {
		g.firstSeq, g.first = r.Sequence, r.At
	}
	g.lastSeq = max(g.lastSeq, r.Sequence)
	if r.At.After(g.last) {
		g.last = r.At
	}
}
