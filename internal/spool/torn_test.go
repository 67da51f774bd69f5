package spool_test

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"lanyard/internal/spool"
)

const (
	smallest = 1 << 20 // is raised to what takes one receipt of the largest size
	block    = 4096
)

// oneSegment is a spool with these receipts, closed, and the path of its segment in use.
func oneSegment(t testing.TB, c spool.Config, n, size int) (path string, whole []byte) {
	t.Helper()
	s := open(t, c)
	for i := range n {
		keep(t, s, receipt(i, size))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range files(t, c.Dir, ".seg") {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, receipt(0, size).Sealed) {
			return path, b
		}
	}
	t.Fatal("no segment has the first receipt")
	return "", nil
}

// Whatever of the last write has reached the disk: what was kept before is there,
// the torn one is whole or not there, and the spool goes on.
func TestTornTailIsToleratedAtEveryByte(t *testing.T) {
	c := spool.Config{Dir: quickDir(t), Segment: smallest}
	path, whole := oneSegment(t, c, 2, 40)
	second := bytes.Index(whole, receipt(1, 40).Sealed)
	start, end := second/block*block, second+40
	garbage := make([]byte, block)
	_, _ = rand.Read(garbage)
	for cut := start; cut <= end; cut++ {
		for _, torn := range [][]byte{
			whole[:cut], // the file ends there
			append(bytes.Clone(whole[:cut]), make([]byte, len(whole)-cut)...),                 // the rest is not written
			append(append(bytes.Clone(whole[:cut]), garbage...), whole[cut+len(garbage):]...), // something else is
		} {
			if err := os.WriteFile(path, torn, 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, c)
			expect := []int{0}
			if cut == end {
				expect = []int{0, 1}
			}
			want(t, read(t, s), expect)
			if cut%16 == 0 {
				keep(t, s, receipt(2, 50))
				want(t, read(t, s), append(expect, 2))
				_ = s.Close()
				s = open(t, c)
				want(t, read(t, s), append(expect, 2))
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if t.Failed() {
				t.Fatalf("torn at %d of %d, %d bytes in the file", cut-start, end-start, len(torn))
			}
			for _, f := range files(t, c.Dir, "") { // as it was
				if err := os.Remove(f); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// A bit that has turned costs the receipt it is in, and none behind it.
func TestDamagedReceiptHidesNoOther(t *testing.T) {
	c := spool.Config{Dir: quickDir(t), Segment: smallest}
	path, whole := oneSegment(t, c, 5, 60)
	middle := bytes.Index(whole, receipt(2, 60).Sealed)
	start, end := middle/block*block, middle+60
	for at := start; at < end; at++ {
		for bit := range 8 {
			if bit != at%8 && (bit != (at+3)%8 || at > start+32) {
				continue // two bits of each byte of the head, one of every other
			}
			b := bytes.Clone(whole)
			b[at] ^= 1 << bit
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, c)
			want(t, read(t, s), []int{0, 1, 3, 4})
			if st := s.Status(); st.Damaged == 0 {
				t.Errorf("got %+v, want the damage counted", st)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if t.Failed() {
				t.Fatalf("bit %d of byte %d", bit, at-start)
			}
		}
	}
}

func TestDamagedFirstBlockHidesNoReceipt(t *testing.T) {
	c := spool.Config{Dir: quickDir(t), Segment: smallest}
	path, _ := oneSegment(t, c, 3, 60)
	change(t, path, func(b []byte) []byte {
		_, _ = rand.Read(b[:block])
		return b
	})
	s := open(t, c)
	want(t, read(t, s), upTo(3))
	keep(t, s, receipt(3, 60))
	want(t, read(t, s), upTo(4))
}

// A receipt of the kind that a later version writes is not read, and not thrown away either.
func TestWhatCannotBeReadStaysOnDisk(t *testing.T) {
	c := spool.Config{Dir: quickDir(t), Segment: smallest, Check: 1e6}
	path, whole := oneSegment(t, c, 1, 60)
	change(t, path, func(b []byte) []byte {
		b[bytes.Index(whole, receipt(0, 60).Sealed)/block*block+24] = 2 // the version of its body
		return b
	})
	s := open(t, c)
	for range 3 { // upkeep looks every millisecond
		keep(t, s, receipt(1, spool.MaxSealed))
	}
	want(t, read(t, s), []int{1, 1, 1})
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file is gone: %v", err)
	}
}

func TestHalfMadeSegmentsAreForgotten(t *testing.T) {
	dir := quickDir(t)
	for name, b := range map[string][]byte{
		"0000000000000001.new": []byte("half"),
		"0000000000000002.seg": nil,
		"0000000000000003.seg": []byte("LANYARD SP"),
		"0000000000000004.seg": make([]byte, 10*block),
		"marks.new":            []byte("half"),
		"somebody's notes.txt": []byte("not ours"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, spool.Config{Dir: dir, Segment: smallest})
	keep(t, s, receipt(0, 60))
	want(t, read(t, s), upTo(1))
	for _, name := range []string{"0000000000000001.new", "marks.new"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	if got := files(t, dir, ".txt"); len(got) != 1 {
		t.Error("a file that is not ours is gone")
	}
}
