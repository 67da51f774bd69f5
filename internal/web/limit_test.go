package web_test

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/web"
)

func TestBucketsRefill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := web.NewBuckets(3, time.Minute)
		for i := range 3 {
			if _, ok := b.Take("a"); !ok {
				t.Fatalf("got %d let through, want 3", i)
			}
		}
		wait, ok := b.Take("a")
		if ok || wait < 19*time.Second || wait > 20*time.Second {
			t.Fatalf("got %v, %t; want to wait a third of a minute", wait, ok)
		}
		if _, ok := b.Take("b"); !ok {
			t.Error("got another key refused, want each its own")
		}
		time.Sleep(wait)
		if _, ok := b.Take("a"); !ok {
			t.Error("got refused after the time it said")
		}
		if _, ok := web.NewBuckets(0, time.Minute).Take("a"); !ok {
			t.Error("got 0 to mean nothing, want no limit")
		}
	})
}

// A flood of keys must not take the memory, nor block anybody.
func TestBucketsAreBounded(t *testing.T) {
	b := web.NewBuckets(1, time.Hour)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range 500_000 {
		if _, ok := b.Take(fmt.Sprint(i)); !ok {
			t.Fatal("got a new key refused")
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 40<<20 {
		t.Errorf("got %d MB in use after a flood of keys, want less than 40", grown>>20)
	}
	if _, ok := b.Take("499999"); ok {
		t.Error("got the latest key forgotten")
	}
	runtime.KeepAlive(b)
}
