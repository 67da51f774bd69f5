package spool_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"lanyard"
	"lanyard/internal/spool"
)

func grantOf(n int) lanyard.GrantID { return lanyard.GrantID(fmt.Sprintf("grt_%026d", n)) }

func at(us int64) time.Time { return time.UnixMicro(us).UTC() }

func TestMarksNeverGoBack(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Config{Dir: dir, Segment: smallest})
	if got := s.Marked("grt_1"); !got.IsZero() {
		t.Errorf("got %s for a grant without a mark, want none", got)
	}
	for _, us := range []int64{5_000_001, 7_000_002, 6_000_000, 7_000_001} {
		s.Mark("grt_1", at(us))
	}
	s.Mark("grt_2", time.Time{})
	for i := range 2 {
		if got := s.Marked("grt_1"); !got.Equal(at(7_000_002)) {
			t.Errorf("time %d: got %s", i, got)
		}
		if got := s.Marked("grt_2"); !got.IsZero() {
			t.Errorf("time %d: got %s for a mark of no time", i, got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, spool.Config{Dir: dir, Segment: smallest})
		s.Mark("grt_1", at(1))
	}
}

func TestMarkIsOnDiskASecondLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, spool.Config{Dir: dir, Segment: smallest, Floor: -1})
		for n := range 5 {
			s.Mark(grantOf(n), at(int64(n+1)))
			time.Sleep(time.Second + time.Millisecond)
			synctest.Wait()
			copied := t.TempDir() // as a crash would leave it
			b, err := os.ReadFile(filepath.Join(dir, "marks"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(copied, "marks"), b, 0o600); err != nil {
				t.Fatal(err)
			}
			o := open(t, spool.Config{Dir: copied, Segment: smallest, Floor: -1})
			if got := o.Marked(grantOf(n)); !got.Equal(at(int64(n + 1))) {
				t.Errorf("mark %d: got %s", n, got)
			}
			_ = o.Close()
		}
		_ = s.Close()
	})
}

func TestFileOfMarksIsWrittenAnewWhenItHasDoubled(t *testing.T) {
	dir := quickDir(t)
	s := open(t, spool.Config{Dir: dir, Segment: smallest})
	const grants, rounds = 1000, 20
	for round := range rounds {
		for n := range grants {
			s.Mark(grantOf(n), at(int64(round*grants+n+1)))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, "marks"))
		if err != nil {
			t.Fatal(err)
		}
		if most := int64(32 * (2*grants + 1024 + 1)); info.Size() > most {
			t.Errorf("round %d: got %d bytes, want %d at most", round, info.Size(), most)
		}
		s = open(t, spool.Config{Dir: dir, Segment: smallest})
	}
	for n := range grants {
		if got := s.Marked(grantOf(n)); !got.Equal(at(int64((rounds-1)*grants + n + 1))) {
			t.Fatalf("grant %d: got %s", n, got)
		}
	}
	if n := s.Status().Marks; n != grants {
		t.Errorf("got %d marks, want %d", n, grants)
	}
}

// Whatever of the file is torn or damaged: the other marks are read, none is invented.
func TestTornOrDamagedMarksCostNoOther(t *testing.T) {
	dir := quickDir(t)
	path := filepath.Join(dir, "marks")
	s := open(t, spool.Config{Dir: dir, Segment: smallest})
	for n := range 3 {
		s.Mark(grantOf(n), at(int64(n+1)))
	}
	_ = s.Close()
	s = open(t, spool.Config{Dir: dir, Segment: smallest})
	s.Mark(grantOf(3), at(4)) // appended
	_ = s.Close()
	whole, err := os.ReadFile(path)
	if err != nil || len(whole) != 5*32 {
		t.Fatalf("got %d bytes, %v", len(whole), err)
	}
	check := func(what string, b []byte, spoilt func(i int) bool) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, spool.Config{Dir: dir, Segment: smallest})
		have := 0
		for i := range 4 { // in which place a grant's mark is, is not said
			g := grantOf(i)
			if got := s.Marked(g); got.Equal(at(int64(i + 1))) {
				have++
			} else if !got.IsZero() {
				t.Errorf("%s: got %s for grant %d", what, got, i)
			}
		}
		lost := 0
		for i := range 4 {
			if spoilt(i) {
				lost++
			}
		}
		if have != 4-lost {
			t.Errorf("%s: got %d marks, want %d", what, have, 4-lost)
		}
		s.Mark(grantOf(9), at(10))
		_ = s.Close()
		s = open(t, spool.Config{Dir: dir, Segment: smallest})
		if got := s.Marked(grantOf(9)); !got.Equal(at(10)) {
			t.Errorf("%s: got %s for a mark made afterwards", what, got)
		}
		_ = s.Close()
	}
	for cut := 96; cut <= len(whole); cut++ {
		check(fmt.Sprint("cut at ", cut), whole[:cut], func(i int) bool { return cut < 32*(i+2) })
	}
	for at := 64; at < 128; at++ {
		b := bytes.Clone(whole)
		b[at] ^= 0x10
		check(fmt.Sprint("damaged at ", at), b, func(i int) bool { return at/32 == i+1 && at%32 < 28 })
	}
}

func TestAMillionMarks(t *testing.T) {
	dir := quickDir(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c := spool.Config{Dir: dir, Segment: smallest, Floor: -1}
	s, err := spool.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	const n = 1_000_000
	for i := range n {
		s.Mark(grantOf(i), at(int64(i+1)))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := float64(after.HeapAlloc-before.HeapAlloc) / n
	runtime.KeepAlive(s)
	start := time.Now()
	if s, err = spool.Open(c); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	t.Logf("%.1f bytes each in memory, read in %s", each, time.Since(start))
	if each > 40 {
		t.Errorf("got %.1f bytes for each mark, want 40 at most", each)
	}
	for _, i := range []int{0, 1, n / 2, n - 1} {
		if got := s.Marked(grantOf(i)); !got.Equal(at(int64(i + 1))) {
			t.Errorf("mark %d: got %s", i, got)
		}
	}
	if got := s.Marked(grantOf(n)); !got.IsZero() {
		t.Errorf("got %s for a grant without a mark", got)
	}
}
