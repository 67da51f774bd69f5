package spool

import (
	"bytes"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"lanyard"
)

func sample(sealed []byte) Receipt {
	return Receipt{Sequence: 7, At: time.UnixMicro(1_700_000_000_000_001).UTC(), Attempt: "att_1", Project: "prj_1", App: "app_1",
		Grant: "grt_1", Flow: "flw_1", Kind: lanyard.AttemptRefresh, Family: "f", Generation: 3, Sealed: sealed}
}

// FuzzRecord reads bytes that anything may have written. What comes out is what
// could have been written; a whole record behind them is found; nothing panics.
func FuzzRecord(f *testing.F) {
	one := sample([]byte("sealed"))
	whole := encode(nil, &one)
	f.Add(whole, []byte("x"), int64(1))
	f.Add(whole[:len(whole)-1], []byte{}, int64(-1))
	f.Add(append(bytes.Clone(whole[:20]), whole...), whole, int64(0))
	f.Add(append(make([]byte, 5000), whole...), bytes.Repeat(recordMagic, 10), int64(1<<62))
	long := bytes.Clone(whole)
	long[4], long[5], long[6] = 0xff, 0xff, 0x0f // longer than all there is
	f.Add(long, recordMagic, int64(5))
	old := bytes.Clone(whole)
	old[24] = 9
	f.Add(old, []byte("y"), int64(5))
	f.Fuzz(func(t *testing.T, b, sealed []byte, generation int64) {
		last, n := 0, 0
		_, err := scan(b, func(r Receipt, end int) error {
			if again := encode(nil, &r); end-len(again) < last || !bytes.Equal(again, b[end-len(again):end]) {
				t.Errorf("a record that was read is not the bytes it was read from")
			}
			last = end
			n++
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if len(sealed) > MaxSealed {
			return
		}
		r := sample(sealed)
		r.Generation, r.Sequence = generation, uint64(generation)
		if utf8.Valid(b) && len(b) < 255 {
			r.Family = string(b)
		}
		behind := encode(bytes.Clone(b), &r)
		if r.size() != len(behind)-len(b) {
			t.Errorf("got %d bytes, size says %d", len(behind)-len(b), r.size())
		}
		found := false
		if _, err := scan(behind, func(got Receipt, end int) error {
			if end == len(behind) {
				found = cmp.Equal(got.Sealed, r.Sealed) || len(got.Sealed)+len(r.Sealed) == 0
				got.Sealed, r.Sealed = nil, nil
				found = found && cmp.Equal(got, r)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		if !found {
			t.Error("a whole record behind other bytes was not found")
		}
	})
}

func TestUsedIsWhereTheZerosBegin(t *testing.T) {
	for _, size := range []int{0, 1, 511, 512, 513, 5000} {
		for _, n := range []int{0, 1, 2, 511, 512, 513, 4999, 5000} {
			if n > size {
				continue
			}
			b := make([]byte, size)
			if n > 0 {
				b[n-1] = 1
			}
			if got := used(b); got != n {
				t.Errorf("%d of %d: got %d", n, size, got)
			}
		}
	}
}
