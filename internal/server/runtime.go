package server

import (
	"context"
	"log"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	// spare is what the heap may grow between two collections although little of
	// it is in use: a server that holds 8 MB would else collect many times a second.
	spare = 24 << 20
	// A heap this large is collected as Go does it by itself.
	gcLeast, gcMost = 100, 400
)

// gcPercent is how much a heap with so many bytes in use may grow, in percent.
func gcPercent(live uint64) int {
	return int(min(max(spare*100/max(live, 1), gcLeast), gcMost))
}

// paceCollector keeps that as the heap changes, until ctx ends. Whoever sets GOGC
// knows better, and is left alone.
func paceCollector(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	is := 0
	t := time.NewTicker(2 * time.Second)
	defer t.Stop()
	for {
		metrics.Read(sample)
		if want := gcPercent(sample[0].Value.Uint64()); want < is || want > is+is/4 { // each change stops the world for a moment
			debug.SetGCPercent(want)
			is = want
		}
		select {
		case <-ctx.Done():
			debug.SetGCPercent(100)
			return
		case <-t.C:
		}
	}
}

// moreProcessors lets Go run on two processors more than there are. SQLite's one
// writer waits for the disk inside a system call, and Go takes some time to notice
// that the processor it held is idle: with two of them, that is half of the server.
// Whoever sets GOMAXPROCS knows better. Once for the process, which has one number.
var moreProcessors = sync.OnceFunc(func() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2)
	}
})

// quietLibraries takes the words out of what libraries print by themselves. net/http
// prints what a provider sends without being asked, and that may be tokens (T15).
// There is one such output in a process.
func quietLibraries(l *slog.Logger) { log.SetOutput(quietLog(l).Writer()) }
