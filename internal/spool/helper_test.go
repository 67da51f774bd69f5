package spool_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lanyard"
	"lanyard/internal/spool"
)

// receipt is the nth receipt of a test. All of it follows from its attempt, so
// that one that was read can be judged by itself.
func receipt(n, size int) spool.Receipt {
	id := fmt.Sprintf("%08d-%d", n, size)
	r := spool.Receipt{Attempt: lanyard.AttemptID("att_" + id), Project: "prj_" + lanyard.ProjectID(id), App: "app_" + lanyard.AppID(id),
		Grant: "grt_" + lanyard.GrantID(id), Flow: "flw_" + lanyard.FlowID(id), Kind: lanyard.AttemptRefresh, Family: "fam" + id, Generation: int64(n)}
	for i := uint64(0); len(r.Sealed) < size; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(id), i))
		r.Sealed = append(r.Sealed, sum[:]...)
	}
	r.Sealed = r.Sealed[:size]
	return r
}

// judge says what is wrong with a receipt that was read, if anything is.
func judge(got spool.Receipt) (n int, diff string) {
	var size int
	if _, err := fmt.Sscanf(string(got.Attempt), "att_%d-%d", &n, &size); err != nil {
		return 0, fmt.Sprintf("attempt %q was never written", got.Attempt)
	}
	want := receipt(n, size)
	if bytes.Equal(got.Sealed, want.Sealed) {
		want.Sealed, got.Sealed = nil, nil // a short diff
	}
	want.Sequence, want.At = got.Sequence, got.At
	return n, cmp.Diff(want, got)
}

// quickDir is a directory in memory, where there is one with room: for tests that
// open many spools and ask nothing of the disk.
func quickDir(t testing.TB) string {
	t.Helper()
	const memory = "/dev/shm"
	if free, err := spool.FreeBytes(memory); err != nil || free < 512<<20 {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "lanyard-spool-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func open(t testing.TB, c spool.Config) *spool.Spool {
	t.Helper()
	if c.Floor == 0 {
		c.Floor = -1
	}
	s, err := spool.Open(c)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func keep(t testing.TB, s *spool.Spool, r spool.Receipt) {
	t.Helper()
	room, err := s.Reserve()
	if err != nil {
		t.Fatalf("reserve: %v", err)
	}
	if err := room.Keep(r); err != nil {
		t.Fatalf("keep: %v", err)
	}
}

// read returns the numbers of the receipts, in the order they are offered. What
// is offered a second time may be anywhere behind.
func read(t testing.TB, s *spool.Spool) (list []int) {
	t.Helper()
	last := uint64(0)
	err := s.Receipts(func(r spool.Receipt) error {
		n, diff := judge(r)
		if diff != "" {
			t.Errorf("receipt %d is not what was kept (-want +got):\n%s", n, diff)
		}
		if r.Sequence < last && !slices.Contains(list, n) {
			t.Errorf("receipt %d has number %d, after %d", n, r.Sequence, last)
		}
		last = max(last, r.Sequence)
		list = append(list, n)
		return nil
	})
	if err != nil {
		t.Fatalf("receipts: %v", err)
	}
	return list
}

func upTo(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

func want(t testing.TB, got, want []int) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("receipts (-want +got):\n%s", diff)
	}
}

// until waits for something that another goroutine brings about.
func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: it does not come to pass", what)
		}
	}
}

// files are the names in a spool that end so.
func files(t testing.TB, dir, ext string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*"+ext))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func change(t testing.TB, path string, f func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, f(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
