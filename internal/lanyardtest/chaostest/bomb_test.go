package chaostest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"
)

// flood writes the same bytes until so many have gone out, or the product has hung up.
func (k *call) flood(with string, total int64) {
	chunk := bytes.Repeat([]byte(with), max(1, (256<<10)/len(with)))
	for total > 0 {
		n, err := k.Write(chunk[:min(int64(len(chunk)), total)])
		if err != nil {
			return
		}
		total -= int64(n)
	}
}

const gib = 1 << 30

// bombs are answers without an end, or with too much behind it.
func bombs() []cell {
	endless := func(head, with string) func(*call) {
		return spends(func(k *call) {
			write(k, []byte(head))
			k.flood(with, gib)
		})
	}
	behind := func(head, with string) func(*call) { // the answer is good, and then it goes on
		return spends(func(k *call) {
			k.arrives()
			body := k.fill(good)
			write(k, []byte(strings.NewReplacer("{LEN}", strconv.Itoa(len(body)+gib), "{HEX}", strconv.FormatInt(int64(len(body)), 16)).Replace(head)))
			write(k, []byte(body))
			k.flood(with, gib)
		})
	}
	zip := func(b ...[]byte) []byte {
		var out bytes.Buffer
		z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
		for _, b := range b {
			_, _ = z.Write(b)
		}
		_ = z.Close()
		return out.Bytes()
	}
	zeros := bytes.Repeat(zip(bytes.Repeat([]byte(" "), 32<<20)), 31) // members of one stream: a gigabyte
	const ok, chunked = "HTTP/1.1 200 OK\r\n", "Transfer-Encoding: chunked\r\n"
	const okay = "ok ok_partial"
	return []cell{
		{name: "a gigabyte of zeros", want: "unknown", play: endless(fmt.Sprintf(ok+"Content-Length: %d\r\n\r\n", gib), "\x00")},
		{name: "a gigabyte in chunks", want: "unknown", play: endless(ok+chunked+"\r\n", "8\r\nxxxxxxxx\r\n")},
		{name: "a gigabyte without a length", want: "unknown", play: endless(ok+"\r\n", " ")},
		{name: "a gigabyte of one string", want: "unknown", play: endless(ok+"\r\n{\"access_token\":\"", "x")},
		{name: "a gigabyte of brackets", want: "unknown", play: endless(ok+"\r\n", "[")},
		{name: "a gigabyte of nesting", want: "unknown", play: endless(ok+"\r\n", `{"a":`)},
		{name: "a gigabyte of members", want: "unknown", play: endless(ok+"\r\n{", `"a":1,`)},
		{name: "a gigabyte of escapes", want: "unknown", play: endless(ok+"\r\n{\"a\":\"", `\"`)},
		{name: "a gigabyte of a form", want: "unknown", play: endless(ok+"\r\n", "a=%41&")},
		{name: "an error of a gigabyte", want: "unknown", play: endless("HTTP/1.1 400 Bad Request\r\n\r\n{\"error\":\"invalid_grant\",\"error_description\":\"", said)},
		{name: "headers without an end", want: "unknown", play: endless(ok, "X-A: "+strings.Repeat("b", 500)+"\r\n")},
		{name: "one header without an end", want: "unknown", play: endless(ok+"X: ", "b")},
		{name: "a status line without an end", want: "unknown", play: endless("HTTP/1.1 200 ", "b")},
		{name: "hints without an end", want: "unknown", play: endless("", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")},
		{name: "a chunk's size without an end", want: "unknown", play: endless(ok+chunked+"\r\n1;x=", "b")},
		{name: "a good answer and a gigabyte of space", want: okay, play: behind(ok+"Content-Length: {LEN}\r\n\r\n", " ")},
		{name: "a good answer and a gigabyte of words", want: okay, play: behind(ok+"\r\n", said)},
		{name: "a good answer in a chunk, and trailers without an end", want: "ok_partial ok unknown", play: spends(func(k *call) {
			k.arrives()
			body := k.fill(good)
			write(k, fmt.Appendf(nil, ok+chunked+"\r\n%x\r\n%s\r\n0\r\n", len(body), body))
			k.flood("X-A: "+strings.Repeat("b", 500)+"\r\n", gib)
		})},
		{name: "gzip of a gigabyte", want: "unknown", play: spends(func(k *call) { write(k, plain(200, string(zeros), "Content-Encoding: gzip")) })},
		{name: "gzip of a good answer and a gigabyte", want: okay, play: spends(func(k *call) {
			k.arrives()
			write(k, plain(200, string(zip([]byte(k.fill(good))))+string(zeros), "Content-Encoding: gzip"))
		})},
	}
}

// mostPerCall is what one call may take of memory at most: a megabyte is read,
// sealed for the disk, and taken apart.
const mostPerCall = 6 << 20

// However much a provider sends, what it costs is bounded, and what was good in it
// is kept.
func TestABombCostsABoundedAmountOfMemory(t *testing.T) {
	c := newChaos(t)
	all := bombs()
	debug.FreeOSMemory()
	before := heap()
	const atOnce = 10
	places := make(chan struct{}, atOnce)
	stop, most := make(chan struct{}), make(chan uint64)
	go func() {
		var top uint64
		for {
			select {
			case <-stop:
				most <- top
				return
			case <-time.After(2 * time.Millisecond):
				top = max(top, heap())
			}
		}
	}()
	began := time.Now()
	t.Run("bombs", func(t *testing.T) {
		for _, with := range all {
			for _, class := range classes {
				t.Run(with.name+"/"+class, func(t *testing.T) {
					t.Parallel()
					places <- struct{}{}
					defer func() { <-places }()
					c.in(t).play(with, class)
				})
			}
		}
	})
	close(stop)
	top := <-most
	t.Logf("%d answers of a gigabyte in %s; the heap grew from %d to %d MiB, the process to %s", len(all)*len(classes), time.Since(began).Round(time.Second), before>>20, top>>20, resident())
	if top > before+atOnce*mostPerCall {
		t.Errorf("the heap grew from %d to %d MiB, with %d calls at once", before>>20, top>>20, atOnce)
	}
	c.quiet(t)
}

// heap is what was in use of the heap when the collector last looked, in bytes.
// What it had not yet thrown away depends on when it ran, and failed this test on a
// busy machine.
func heap() uint64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return live[0].Value.Uint64()
}

// resident is the process's own word, where the system gives it.
func resident() string {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "an unknown size"
	}
	_, line, _ := strings.Cut(string(raw), "VmHWM:")
	line, _, _ = strings.Cut(line, "\n")
	return strings.TrimSpace(line)
}
