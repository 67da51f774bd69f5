package spool_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lanyard"
	"lanyard/internal/spool"
)

// smallDisk runs the test that calls it again, in a process that has a file
// system of so many megabytes of its own, and returns its path there; "" in the
// process that only looks on. The kernel unmounts it with the process.
func smallDisk(t *testing.T, megabytes string) string {
	t.Helper()
	const inside = "SPOOL_TEST_DISK"
	if dir := os.Getenv(inside); dir != "" {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Fatalf("leave the others' mounts alone: %v", err)
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+megabytes+"m,mode=0700"); err != nil {
			t.Fatalf("mount: %v", err)
		}
		return dir
	}
	args := []string{"-test.run=^" + t.Name() + "$", "-test.v"}
	run := func(cmd *exec.Cmd) ([]byte, error) {
		cmd.Env = append(os.Environ(), inside+"="+t.TempDir())
		return cmd.CombinedOutput()
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 { // as root of a name space of its own
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := run(cmd)
	if err != nil && !strings.Contains(string(out), "--- FAIL: "+t.Name()) || strings.Contains(string(out), "mounts alone") {
		var also []byte // where that is forbidden, as root after all
		sudo := []string{"-n", "-E", "unshare", "-m", os.Args[0]}
		if also, err = run(exec.CommandContext(t.Context(), "sudo", append(sudo, args...)...)); err != nil && !strings.Contains(string(also), "--- FAIL: "+t.Name()) {
			if os.Getenv("CI") == "" {
				t.Skipf("no way to mount a small file system here: %s %s", out, also)
			}
			t.Fatalf("no way to mount a small file system here: %s %s", out, also)
		}
		out = also
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
	return ""
}

// fill writes until the disk is full, and returns the file.
func fill(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096, 1} {
		b := make([]byte, size)
		for err = nil; err == nil; {
			_, err = f.Write(b)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("got %v, want the disk full", err)
		}
	}
	return path
}

// The disk fills up while calls run: each of them still keeps the largest answer
// there is, no other call begins, and when there is space again all goes on.
func TestFullDiskKeepsWhatItHasPromised(t *testing.T) {
	dir := smallDisk(t, "64")
	if dir == "" {
		return
	}
	c := spool.Config{Dir: filepath.Join(dir, "spool"), Segment: small, Floor: 8 << 20, Check: 10 * time.Millisecond}
	s := open(t, c)
	var rooms []*spool.Room
	for range 20 {
		room, err := s.Reserve()
		if err != nil {
			t.Fatal(err)
		}
		rooms = append(rooms, room)
	}
	filler := fill(t, dir)
	if _, err := s.Reserve(); !errors.Is(err, lanyard.CodeSpoolUnavailable) {
		t.Errorf("got %v, want spool_unavailable", err)
	}
	if st := s.Status(); st.State != "below_floor" || st.Free >= 8<<20 {
		t.Errorf("got %+v", st)
	}
	for n, room := range rooms {
		if err := room.Keep(receipt(n, spool.MaxSealed)); err != nil {
			t.Errorf("keep %d on a full disk: %v", n, err)
		}
	}
	want(t, read(t, s), upTo(20))
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	until(t, "the spool takes receipts again", func() bool {
		room, err := s.Reserve()
		if err != nil {
			return false
		}
		room.Release()
		return true
	})
	keep(t, s, receipt(20, 100))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, read(t, open(t, c)), upTo(21))
}

// The disk is full before there is any room: no call begins, until there is space.
func TestFullDiskAtTheStartIsSaidAndHealsByItself(t *testing.T) {
	dir := smallDisk(t, "32")
	if dir == "" {
		return
	}
	filler := fill(t, dir)
	if err := os.Truncate(filler, 28<<20); err != nil { // enough for a directory, not for segments
		t.Fatal(err)
	}
	c := spool.Config{Dir: filepath.Join(dir, "spool"), Segment: small, Floor: -1, Check: 10 * time.Millisecond}
	s := open(t, c)
	if _, err := s.Reserve(); !errors.Is(err, lanyard.CodeSpoolUnavailable) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want spool_unavailable because of ENOSPC", err)
	}
	if st := s.Status(); st.State != "broken" || !strings.Contains(st.Why, "no space left") {
		t.Errorf("got %+v", st)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	until(t, "the spool takes receipts", func() bool { return s.Status().State == "ok" })
	keep(t, s, receipt(0, 100))
	want(t, read(t, s), upTo(1))
}

// Marks are written anew on a full disk as little as anything else; none is lost
// for it, and they are on disk as soon as there is space.
func TestMarksSurviveAFullDisk(t *testing.T) {
	dir := smallDisk(t, "32")
	if dir == "" {
		return
	}
	c := spool.Config{Dir: filepath.Join(dir, "spool"), Segment: smallest, Floor: -1, Check: 50 * time.Millisecond}
	s := open(t, c)
	s.Mark(grantOf(0), at(1))
	until(t, "the first mark is on disk", func() bool {
		info, err := os.Stat(filepath.Join(c.Dir, "marks"))
		return err == nil && info.Size() == 64
	})
	filler := fill(t, dir)
	for n := range 5000 {
		s.Mark(grantOf(n), at(int64(n+2)))
	}
	time.Sleep(1200 * time.Millisecond) // they are tried meanwhile, and fail
	if got := s.Marked(grantOf(4999)); !got.Equal(at(5001)) {
		t.Errorf("got %s", got)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	until(t, "they are on disk", func() bool {
		info, err := os.Stat(filepath.Join(c.Dir, "marks"))
		return err == nil && info.Size() >= 32*5000
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, c)
	for n := range 5000 {
		if got := s.Marked(grantOf(n)); !got.Equal(at(int64(n + 2))) {
			t.Fatalf("mark %d: got %s", n, got)
		}
	}
}
