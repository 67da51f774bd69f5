package spool_test

import (
	"fmt"
	"testing"

	"lanyard"
	"lanyard/internal/spool"
)

func TestSmoke(t *testing.T) {
	dir := t.TempDir()
	s, err := spool.Open(spool.Config{Dir: dir, Floor: -1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		r, err := s.Reserve()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Keep(spool.Receipt{Attempt: lanyard.AttemptID(fmt.Sprint("att_", i)), Sealed: make([]byte, i*10000)}); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%+v", s.Status())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = spool.Open(spool.Config{Dir: dir, Floor: -1})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := s.Receipts(func(r spool.Receipt) error {
		if r.Sequence != uint64(n+1) || len(r.Sealed) != n*10000 {
			t.Fatalf("%d %d %d", n, r.Sequence, len(r.Sealed))
		}
		n++
		return nil
	}); err != nil || n != 100 {
		t.Fatal(err, n)
	}
	t.Logf("%+v", s.Status())
	s.Close()
}
