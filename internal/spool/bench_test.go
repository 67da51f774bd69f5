package spool_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lanyard/internal/spool"
)

// size is that of a usual answer, sealed.
const size = 2500

// BenchmarkKeep is what it takes to make an answer safe, by so many at once.
func BenchmarkKeep(b *testing.B) {
	for _, workers := range []int{1, 32, 256} {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			s := open(b, spool.Config{Dir: b.TempDir()})
			r := receipt(1, size)
			var warm sync.WaitGroup // the segments that so many need
			for range workers {
				warm.Go(func() { keep(b, s, r) })
			}
			warm.Wait()
			spread(b, workers, func() {
				room, err := s.Reserve()
				if err != nil {
					b.Error(err)
					return
				}
				if err := room.Keep(r); err != nil {
					b.Error(err)
				}
				s.Settle(r.Attempt)
			})
		})
	}
}

// BenchmarkRaw is the same bytes in a file of the same kind, one write and one
// fdatasync each, and nothing else.
func BenchmarkRaw(b *testing.B) {
	for _, workers := range []int{1, 32, 256} {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			const whole = 16 << 20
			f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			if _, err := f.Write(make([]byte, whole)); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
			var at atomic.Int64
			buf := make([]byte, 4096)
			spread(b, workers, func() {
				if _, err := f.WriteAt(buf, (at.Add(1)*4096)%whole); err != nil {
					b.Error(err)
				}
				if err := spool.SyncData(f); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

// spread runs f b.N times on so many goroutines and reports what the slowest in
// a hundred took.
func spread(b *testing.B, workers int, f func()) {
	var left atomic.Int64
	left.Store(int64(b.N))
	took := make([][]time.Duration, workers)
	var wg sync.WaitGroup
	b.ResetTimer()
	for w := range workers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				start := time.Now()
				f()
				took[w] = append(took[w], time.Since(start))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "/s")
}
