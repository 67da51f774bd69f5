//go:build faults && unix

package spool_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"lanyard"
	"lanyard/internal/fault"
	"lanyard/internal/spool"
)

func arm(t *testing.T, list string) {
	t.Helper()
	undo, err := fault.Set(list)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(undo)
}

// A sync that failed is not tried again: its segment is left, the receipt is
// in another one, and the caller hears nothing of it.
func TestFailedSyncGoesToAnotherSegment(t *testing.T) {
	for _, list := range []string{"spool.sync:error:%d:EIO", "spool.write:error:%d:EIO", "spool.torn:error:%d:ENOSPC", "spool.sync:panic:%d"} {
		t.Run(strings.ReplaceAll(list, ":%d", ""), func(t *testing.T) {
			c := spool.Config{Dir: t.TempDir(), Segment: small}
			s := open(t, c)
			keep(t, s, receipt(0, 100))
			arm(t, fmt.Sprintf(list, 1))
			keep(t, s, receipt(1, 100))
			keep(t, s, receipt(2, 100))
			if bad := files(t, c.Dir, ".bad"); len(bad) != 1 {
				t.Errorf("got %v, want one segment abandoned", bad)
			}
			got := read(t, s)
			want(t, slices.Compact(got), upTo(3)) // the one may be in both
			if st := s.Status(); st.State != "ok" {
				t.Errorf("got %+v", st)
			}
			_ = s.Close()
			s = open(t, c)
			keep(t, s, receipt(3, 100))
			want(t, slices.Compact(read(t, s)), upTo(4))
			if bad := files(t, c.Dir, ".bad"); len(bad) != 1 {
				t.Errorf("after a restart: got %v", bad)
			}
		})
	}
}

// A disk that syncs nothing: the caller hears it, no new call begins, and when
// the disk is well again so is the spool.
func TestDiskThatSyncsNothingBreaksTheSpoolUntilItDoes(t *testing.T) {
	c := spool.Config{Dir: t.TempDir(), Segment: small, Check: 10 * time.Millisecond}
	s := open(t, c)
	keep(t, s, receipt(0, 100))
	first, err := s.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	arm(t, "spool.sync:error:1+:EIO")
	if err := first.Keep(receipt(1, 100)); !errors.Is(err, lanyard.CodeSpoolUnavailable) || !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v, want spool_unavailable because of EIO", err)
	}
	if st := s.Status(); st.State != "broken" || !strings.Contains(st.Why, "input/output error") {
		t.Errorf("got %+v", st)
	}
	if _, err := s.Reserve(); !errors.Is(err, lanyard.CodeSpoolUnavailable) {
		t.Errorf("reserve: got %v, want spool_unavailable", err)
	}
	time.Sleep(100 * time.Millisecond) // it is tried, and does not help
	if st := s.Status(); st.State != "broken" {
		t.Errorf("got %+v", st)
	}
	arm(t, "")
	if err := second.Keep(receipt(2, 100)); err != nil {
		t.Errorf("a call that was under way: %v", err)
	}
	until(t, "the spool is well", func() bool { return s.Status().State == "ok" })
	keep(t, s, receipt(3, 100))
	_ = s.Close()
	got := read(t, open(t, c))
	for _, n := range []int{0, 2, 3} {
		if !slices.Contains(got, n) {
			t.Errorf("receipt %d was kept and is not there; got %v", n, got)
		}
	}
}

func TestSpoolHealsByItselfWithNobodyWriting(t *testing.T) {
	s := open(t, spool.Config{Dir: t.TempDir(), Segment: small, Check: 10 * time.Millisecond})
	arm(t, "spool.sync:error:1+:EIO")
	room, err := s.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	if err := room.Keep(receipt(0, 100)); err == nil {
		t.Fatal("want an error")
	}
	arm(t, "")
	until(t, "the spool is well", func() bool { return s.Status().State == "ok" })
	keep(t, s, receipt(1, 100))
}

// A write that hangs: no new call is made on top of it.
func TestStalledWriteLetsNoCallBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{Dir: t.TempDir(), Segment: small, Floor: -1})
		arm(t, "spool.sync:delay:1:30s")
		var wg sync.WaitGroup
		wg.Go(func() { keep(t, s, receipt(0, 100)) })
		time.Sleep(10 * time.Second)
		room, err := s.Reserve()
		if err != nil {
			t.Errorf("after 10 s: %v", err)
		} else {
			room.Release()
		}
		time.Sleep(10 * time.Second)
		if _, err := s.Reserve(); !errors.Is(err, lanyard.CodeSpoolUnavailable) || s.Status().State != "stalled" {
			t.Errorf("after 20 s: got %v, %+v", err, s.Status())
		}
		wg.Wait()
		keep(t, s, receipt(1, 100))
		want(t, read(t, s), upTo(2))
		_ = s.Close()
	})
}

// work is a little of everything, and says what was kept.
func work(t *testing.T, dir string) (kept []int) {
	defer func() { _ = recover() }() // a panic while it is being opened is the caller's
	s, err := spool.Open(spool.Config{Dir: dir, Segment: small, Floor: -1, Check: 5 * time.Millisecond})
	if err != nil {
		return nil
	}
	defer s.Close()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for n := range 12 {
		wg.Go(func() {
			defer func() { _ = recover() }() // a panic of the point is the caller's
			for begun := time.Now(); time.Since(begun) < 20*time.Second; {
				room, err := s.Reserve()
				if err != nil {
					time.Sleep(2 * time.Millisecond)
					continue
				}
				r := receipt(n, 200)
				if n%4 == 0 {
					r = receipt(n, spool.MaxSealed)
				}
				if err := room.Keep(r); err == nil {
					mu.Lock()
					kept = append(kept, n)
					mu.Unlock()
					s.Mark("grt_one", at(int64(n+1)))
				}
				return
			}
			t.Errorf("receipt %d found no room for a long time", n)
		})
	}
	wg.Wait()
	func() {
		defer func() { _ = recover() }()
		_ = s.Receipts(func(spool.Receipt) error { return nil })
	}()
	return kept
}

// Each point fails the first time, the second, and so on until there is no such
// time any more. What was kept is there, whole.
func TestEachPointInTurnLosesNothingThatWasKept(t *testing.T) {
	for _, spec := range fault.Table() {
		if !strings.HasPrefix(string(spec.Point), "spool.") {
			continue
		}
		for _, kind := range []fault.Kind{fault.Error, fault.Panic} {
			t.Run(fmt.Sprintf("%s %s", spec.Point, kind), func(t *testing.T) {
				times := 0
				for n := 1; n <= 25; n++ {
					dir := quickDir(t)
					undo, err := fault.Set(fmt.Sprintf("%s:%s:%d", spec.Point, kind, n))
					if err != nil {
						t.Fatal(err)
					}
					kept := work(t, dir)
					hits := fault.Hits(spec.Point)
					undo()
					if hits < n {
						break
					}
					times++
					s := open(t, spool.Config{Dir: dir, Segment: small})
					got := read(t, s)
					for _, n := range kept {
						if !slices.Contains(got, n) {
							t.Errorf("receipt %d was kept and is not there; got %v", n, got)
						}
					}
					if spec.Point != fault.SpoolMake && spec.Point != fault.SpoolSync && len(kept) < 11 { // those two fail while it is opened, too
						t.Errorf("only %d of 12 were kept", len(kept))
					}
					_ = s.Close()
					_ = os.RemoveAll(dir)
					if t.Failed() {
						t.Fatalf("the %d. time", n)
					}
				}
				if times == 0 {
					t.Error("nothing came by this point")
				}
			})
		}
	}
}

// The process is killed at each point in turn, the first time, the second, …
func TestKilledAtEachPointLosesNothingThatWasKept(t *testing.T) {
	for _, spec := range fault.Table() {
		if !strings.HasPrefix(string(spec.Point), "spool.") || spec.Point == fault.SpoolReplay {
			continue
		}
		t.Run(string(spec.Point), func(t *testing.T) {
			dir, killed := quickDir(t), 0
			w := &witness{begun: map[int]bool{}, kept: map[int]bool{}}
			for n := 1; n <= 12; n++ {
				cmd, pipe := command(t, dir, n*1000, 60, fmt.Sprintf("LANYARD_FAULT=%s:kill:%d", spec.Point, n))
				heard, err := io.ReadAll(bufio.NewReader(pipe))
				if err != nil {
					t.Fatal(err)
				}
				err = cmd.Wait()
				w.hear(heard)
				w.check(t, dir)
				if t.Failed() {
					t.Fatalf("the %d. time", n)
				}
				var exit *exec.ExitError
				if err == nil {
					break // no such time
				} else if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
					t.Fatalf("the child: %v", err)
				}
				killed++
			}
			if killed == 0 {
				t.Error("nothing came by this point")
			}
			if left, err := filepath.Glob(filepath.Join(dir, "*.new")); err != nil || len(left) > 2 {
				t.Errorf("got %v, %v: half made segments are not cleared away", left, err)
			}
		})
	}
}
