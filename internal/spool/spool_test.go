package spool_test

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lanyard"
	"lanyard/internal/spool"
)

const small = 5 << 20 // a segment that takes four receipts of the largest size

func TestWhatIsKeptIsReadAgainInOrder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, spool.Config{Dir: dir, Segment: small})
	sizes := []int{0, 1, 100, 2000, 4096, 5000, 100_000, spool.MaxSealed}
	for n := range 3 * len(sizes) { // more than one segment
		keep(t, s, receipt(n, sizes[n%len(sizes)]))
	}
	want(t, read(t, s), upTo(24))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, spool.Config{Dir: dir, Segment: small})
	want(t, read(t, s), upTo(24))
	keep(t, s, receipt(24, 10))
	want(t, read(t, s), upTo(25))
	if st := s.Status(); st.State != "ok" || st.Receipts != 25 || st.Pending != 25 || st.Damaged != 0 || st.Segments < 2 {
		t.Errorf("got %+v", st)
	}
}

func TestZerosAtTheEndOfAReceiptAreAPartOfIt(t *testing.T) {
	dir := t.TempDir()
	for n := range 3 {
		s := open(t, spool.Config{Dir: dir, Segment: small})
		r := receipt(n, 0)
		r.Sealed = make([]byte, 20_000)
		keep(t, s, r)
		found := 0
		if err := s.Receipts(func(r spool.Receipt) error { found++; return nil }); err != nil || found != n+1 {
			t.Errorf("got %d receipts, %v, want %d", found, err, n+1)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRoomIsForOneReceiptAndGoesBackOnce(t *testing.T) {
	s := open(t, spool.Config{Dir: t.TempDir(), Segment: small})
	room, err := s.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	if n := s.Status().Rooms; n != 1 {
		t.Errorf("got %d rooms, want 1", n)
	}
	if err := room.Keep(receipt(0, 10)); err != nil {
		t.Fatal(err)
	}
	if err := room.Keep(receipt(1, 10)); err == nil {
		t.Error("a second receipt in one room was taken")
	}
	room.Release()
	room.Release()
	if n := s.Status().Rooms; n != 0 {
		t.Errorf("got %d rooms, want 0", n)
	}
	room, err = s.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	room.Release()
	if err := room.Keep(receipt(2, 10)); err == nil {
		t.Error("a room that was given back took a receipt")
	}
	want(t, read(t, s), []int{0})
}

func TestAReceiptThatIsTooLargeIsRefusedAndHarmsNothing(t *testing.T) {
	s := open(t, spool.Config{Dir: t.TempDir(), Segment: small})
	large, long := receipt(0, spool.MaxSealed+1), receipt(1, 1)
	long.Family = string(bytes.Repeat([]byte("x"), 256))
	for _, r := range []spool.Receipt{large, long} {
		room, err := s.Reserve()
		if err != nil {
			t.Fatal(err)
		}
		if err := room.Keep(r); !errors.Is(err, lanyard.CodeInternal) {
			t.Errorf("got %v, want an internal error", err)
		}
	}
	keep(t, s, receipt(2, 1))
	want(t, read(t, s), []int{2})
}

func TestManyAtOnceAreAllKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Config{Dir: dir, Segment: small})
	var wg sync.WaitGroup
	const each, workers = 20, 32
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				room, err := s.Reserve()
				if err != nil {
					t.Errorf("reserve: %v", err)
					return
				}
				r := receipt(w*each+i, 3000+w*100)
				if err := room.Keep(r); err != nil {
					t.Errorf("keep: %v", err)
				}
				if i%2 == 0 {
					s.Settle(r.Attempt)
				}
			}
		})
	}
	for range 3 { // readers meanwhile
		_ = read(t, s)
	}
	wg.Wait()
	if got := read(t, s); len(got) != each*workers {
		t.Errorf("got %d receipts, want %d", len(got), each*workers)
	}
	if st := s.Status(); st.Pending != each*workers/2 || st.Rooms != 0 {
		t.Errorf("got %+v", st)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, open(t, spool.Config{Dir: dir, Segment: small})); len(got) != each*workers {
		t.Errorf("after a restart: got %d receipts, want %d", len(got), each*workers)
	}
}

// Every room that was given takes the largest receipt, on blocks that were there
// when it was given.
func TestRoomIsAllocatedBeforeItIsGiven(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Config{Dir: dir, Segment: small})
	var rooms []*spool.Room
	for range 30 {
		room, err := s.Reserve()
		if err != nil {
			t.Fatal(err)
		}
		rooms = append(rooms, room)
	}
	before := s.Status()
	if least := int64(30+4) * spool.MaxSealed; before.Bytes < least {
		t.Errorf("got %d bytes in segments, want %d at least: for 30 receipts, and a segment aside", before.Bytes, least)
	}
	for n, room := range rooms {
		if err := room.Keep(receipt(n, spool.MaxSealed)); err != nil {
			t.Fatal(err)
		}
	}
	want(t, read(t, s), upTo(30))
}

func TestSpoolThatMayTakeNoMoreRefusesAndSaysSo(t *testing.T) {
	s := open(t, spool.Config{Dir: t.TempDir(), Segment: small, Most: 3 * small})
	var rooms []*spool.Room
	var err error
	for range 100 {
		var room *spool.Room
		if room, err = s.Reserve(); err != nil {
			break
		}
		rooms = append(rooms, room)
	}
	if !errors.Is(err, lanyard.CodeSpoolUnavailable) || len(rooms) != 8 { // two of three segments, four each
		t.Errorf("got %d rooms, then %v; want 8, then spool_unavailable", len(rooms), err)
	}
	if st := s.Status(); st.State != "full" || st.Why == "" {
		t.Errorf("got %+v", st)
	}
	for _, room := range rooms {
		room.Release()
	}
	if _, err := s.Reserve(); err != nil {
		t.Errorf("after all were given back: %v", err)
	}
}

func TestBelowTheFloorNoCallBeginsAndThoseThatRunEnd(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Config{Dir: dir, Segment: small})
	room, err := s.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	room.Release()
	_ = s.Close()
	s = open(t, spool.Config{Dir: dir, Segment: small, Floor: 1 << 60})
	if _, err := s.Reserve(); !errors.Is(err, lanyard.CodeSpoolUnavailable) {
		t.Errorf("got %v, want spool_unavailable", err)
	}
	if st := s.Status(); st.State != "below_floor" || st.Floor != 1<<60 || st.Free <= 0 {
		t.Errorf("got %+v", st)
	}
}

func TestClosedSpoolRefuses(t *testing.T) {
	s := open(t, spool.Config{Dir: t.TempDir(), Segment: small})
	room, err := s.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if err := room.Keep(receipt(0, 1)); !errors.Is(err, lanyard.CodeSpoolUnavailable) {
		t.Errorf("keep: got %v, want spool_unavailable", err)
	}
	if _, err := s.Reserve(); !errors.Is(err, lanyard.CodeSpoolUnavailable) {
		t.Errorf("reserve: got %v, want spool_unavailable", err)
	}
	if st := s.Status(); st.State != "closed" {
		t.Errorf("got %+v", st)
	}
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no file modes there")
	}
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, spool.Config{Dir: dir, Segment: small})
	keep(t, s, receipt(0, 10))
	s.Mark("grt_1", time.Now())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %o", d.Name(), info.Mode().Perm())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files(t, dir, ".seg")) < 2 || len(files(t, dir, "marks")) != 1 {
		t.Error("segments or marks are not there")
	}
}

func TestUnsettledAreThoseThatAreNot(t *testing.T) {
	s := open(t, spool.Config{Dir: t.TempDir(), Segment: small})
	unsettled := func() (list []int) {
		err := s.Unsettled(func(r spool.Receipt) error {
			n, diff := judge(r)
			if diff != "" {
				t.Error(diff)
			}
			list = append(list, n)
			s.Settle(r.Attempt) // while it is read
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	for n := range 12 {
		keep(t, s, receipt(n, spool.MaxSealed/2))
		if n%5 != 0 {
			s.Settle(receipt(n, spool.MaxSealed/2).Attempt)
		}
	}
	want(t, unsettled(), []int{0, 5, 10})
	want(t, unsettled(), nil)
	want(t, read(t, s), upTo(12))
}

func TestTheErrorOfTheReaderEndsTheReading(t *testing.T) {
	s := open(t, spool.Config{Dir: t.TempDir(), Segment: small})
	for n := range 3 {
		keep(t, s, receipt(n, 10))
	}
	enough, n := errors.New("enough"), 0
	if err := s.Receipts(func(spool.Receipt) error { n++; return enough }); !errors.Is(err, enough) || n != 1 {
		t.Errorf("got %v after %d", err, n)
	}
}

// A day later what is settled goes, with its file; what is not stays and is offered.
func TestReceiptsStayADayAndThoseNotSettledStayLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := spool.Config{Dir: dir, Segment: small, Floor: -1, Check: time.Minute}
		s := open(t, c)
		keep(t, s, receipt(0, 10))
		keep(t, s, receipt(1, 10))
		s.Settle(receipt(0, 10).Attempt)
		oldest := time.Now()
		time.Sleep(23 * time.Hour)
		want(t, read(t, s), []int{0, 1})
		time.Sleep(2 * time.Hour)
		keep(t, s, receipt(2, 10))
		s.Settle(receipt(2, 10).Attempt)
		want(t, read(t, s), []int{1, 2})
		st := s.Status()
		if st.Pending != 1 || oldest.Sub(st.OldestPending).Abs() > time.Second || st.Receipts != 3 {
			t.Errorf("got %+v, want one that is pending since %s", st, oldest)
		}
		s.Settle(receipt(1, 10).Attempt)
		time.Sleep(10 * time.Minute)
		want(t, read(t, s), []int{2})
		if st := s.Status(); st.Receipts != 1 || st.Pending != 0 {
			t.Errorf("got %+v, want the first segment gone", st)
		}
		time.Sleep(50 * time.Hour)
		want(t, read(t, s), nil)
		if st := s.Status(); st.Receipts != 0 || len(files(t, dir, ".seg")) != st.Segments {
			t.Errorf("got %+v and %d files", st, len(files(t, dir, ".seg")))
		}
		keep(t, s, receipt(3, 10))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, c)
		want(t, read(t, s), []int{3})
		last := uint64(0)
		_ = s.Receipts(func(r spool.Receipt) error { last = r.Sequence; return nil })
		if last != 4 {
			t.Errorf("got number %d, want it to go on counting after all else is gone", last)
		}
		time.Sleep(8 * 24 * time.Hour) // nobody ever settles it
		want(t, read(t, s), nil)
		if st := s.Status(); st.Pending != 0 {
			t.Errorf("got %+v", st)
		}
		_ = s.Close()
	})
}

func TestRoomThatNobodyNeedsIsGivenBackToTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{Dir: t.TempDir(), Segment: small, Floor: -1, Check: time.Minute})
		var rooms []*spool.Room
		for range 40 {
			room, err := s.Reserve()
			if err != nil {
				t.Fatal(err)
			}
			rooms = append(rooms, room)
		}
		many := s.Status().Segments
		time.Sleep(time.Hour)
		if now := s.Status().Segments; now < many {
			t.Errorf("got %d segments after %d, while all room is taken", now, many)
		}
		for _, room := range rooms {
			room.Release()
		}
		time.Sleep(time.Hour)
		if now := s.Status().Segments; now > 4 {
			t.Errorf("got %d segments, want few", now)
		}
		_ = s.Close()
	})
}
