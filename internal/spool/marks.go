package spool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"lanyard"
	"lanyard/internal/fault"
)

// The file of marks is, little endian, 32 bytes of head and 32 bytes for each
// mark that was made: 16 of SHA-256 of the grant's id, 8 of microseconds since
// 1970, 4 of CRC-32C of these 24, 4 of zero. What is torn or damaged is skipped.
// It is written anew when it is twice as long as there are grants.
const (
	marksFile = "marks"
	marksHead = "LANYARD MARKS 1\n"
	markLen   = 32
	// lazy is how long a mark may be in memory only.
	lazy = time.Second
)

type marks struct {
	mu      sync.Mutex
	table   table
	unsaved []byte
	timed   bool // a write is due

	wake chan struct{}

	// of whoever writes
	dir  string
	file *os.File // nil: it has to be written anew
	end  int64
}

// Mark notes that the grant's row was committed then (grants.refreshed_at). It
// never goes back. It is on disk a second later (T14).
func (s *Spool) Mark(g lanyard.GrantID, committed time.Time) {
	s.marks.set(keyOf(g), committed.UnixMicro())
}

// Marked returns when the grant's row was last committed, as far as this node
// knows; zero if it does not.
func (s *Spool) Marked(g lanyard.GrantID) time.Time {
	m := &s.marks
	m.mu.Lock()
	defer m.mu.Unlock()
	if at := m.table.get(keyOf(g)); at != 0 {
		return time.UnixMicro(at).UTC()
	}
	return time.Time{}
}

// Unmark forgets, until the next start, when the grant's row was committed: it was
// set back on purpose.
func (s *Spool) Unmark(g lanyard.GrantID) {
	m := &s.marks
	m.mu.Lock()
	defer m.mu.Unlock()
	key := keyOf(g)
	if m.table.get(key) != 0 {
		m.table.find(key).at = 1 // 0 would be an empty place
	}
}

// writeMarks puts on disk what is in memory only. What fails stays and is tried
// again, in a new file.
func (s *Spool) writeMarks() {
	if err := s.marks.write(); err != nil {
		s.log.Warn("high-water marks could not be written; they will be tried again", "error", err)
		s.marks.later(s.c.Check)
	}
}

func (m *marks) set(key [16]byte, at int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.table.raise(key, at) {
		m.unsaved = appendMark(m.unsaved, key, at)
		m.time(lazy)
	}
}

func (m *marks) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.table.n
}

// due tells when something is to be written.
func (m *marks) due() <-chan struct{} { return m.wake }

func (m *marks) later(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.time(d)
}

// time makes a write due after d, unless one is. With mu.
func (m *marks) time(d time.Duration) {
	if m.timed {
		return
	}
	m.timed = true
	time.AfterFunc(d, func() {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	})
}

func appendMark(b []byte, key [16]byte, at int64) []byte {
	start := len(b)
	b = append(b, key[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(at))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
	return append(b, 0, 0, 0, 0)
}

// open reads the file, if there is one.
func (m *marks) open(dir string) error {
	m.dir, m.wake = dir, make(chan struct{}, 1)
	if err := os.Remove(filepath.Join(dir, marksFile+newExt)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, marksFile), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the first mark makes it
	}
	if err != nil {
		return err
	}
	b, _, err := readFile(f.Name())
	if err != nil {
		return errors.Join(err, f.Close())
	}
	m.read(b)
	m.file, m.end = f, int64(len(b))/markLen*markLen // over a torn tail
	return nil
}

func (m *marks) read(b []byte) {
	for ; len(b) >= markLen; b = b[markLen:] {
		if binary.LittleEndian.Uint32(b[24:]) == crc32.Checksum(b[:24], castagnoli) {
			m.table.raise([16]byte(b[:16]), int64(binary.LittleEndian.Uint64(b[16:])))
		}
	}
}

// write appends what is not saved, or writes all of it anew. One at a time.
func (m *marks) write() error {
	m.mu.Lock()
	m.timed = false
	m.mu.Unlock()
	if err := fault.At(context.Background(), fault.SpoolMark); err != nil {
		return err
	}
	m.mu.Lock()
	b := m.unsaved
	m.unsaved = nil
	n := int64(m.table.n)
	m.mu.Unlock()
	if m.file != nil && (m.end+int64(len(b)))/markLen <= 2*n+1024 {
		if len(b) == 0 {
			return nil
		}
		_, err := m.file.WriteAt(b, m.end)
		if err == nil {
			err = syncData(m.file)
		}
		if err == nil {
			m.end += int64(len(b))
			return nil
		}
		m.drop()
	}
	if n == 0 {
		return nil
	}
	if err := m.rewrite(); err != nil {
		return fmt.Errorf("write marks anew: %w", err)
	}
	return nil
}

// rewrite makes a new file of all marks and puts it in the place of the old one.
func (m *marks) rewrite() error {
	path := filepath.Join(m.dir, marksFile)
	f, err := os.OpenFile(path+newExt, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	end, err := m.dump(f)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path+newExt))
	}
	m.drop()
	if err := os.Rename(path+newExt, path); err != nil {
		return err
	}
	if err := syncDir(m.dir); err != nil {
		return err
	}
	m.file, err = os.OpenFile(path, os.O_RDWR, 0)
	m.end = end
	return err
}

// drop leaves the file: it failed, or it is being replaced.
func (m *marks) drop() {
	if m.file != nil {
		_ = m.file.Close() // what it would say is known
		m.file = nil
	}
}

// dump writes all marks, shard by shard, so that nobody waits for the disk.
func (m *marks) dump(f *os.File) (n int64, err error) {
	b := append(make([]byte, 0, 256<<10), marksHead...)
	b = b[:markLen]
	for i := range m.table.shards {
		m.mu.Lock()
		for _, e := range m.table.shards[i] {
			if e.at != 0 {
				b = appendMark(b, e.key, e.at)
			}
		}
		m.mu.Unlock()
		if _, err := f.Write(b); err != nil {
			return n, err
		}
		n += int64(len(b))
		b = b[:0]
	}
	return n, nil
}

func (m *marks) close() error {
	if err := m.write(); err != nil {
		return err
	}
	if m.file == nil {
		return nil
	}
	return m.file.Close()
}
