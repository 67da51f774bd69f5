package spool_test

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lanyard/internal/spool"
)

var long = flag.Bool("long", false, "crash 400 times, not 40")

// childDir names the spool of a child process, which is this test binary again.
const childDir = "SPOOL_TEST_CHILD"

// child writes receipts until it dies, or until it has written this many. It says
// what it begins ("b n"), what is kept ("k n") and what it marks ("m n").
func child(dir string, first, most int) error {
	s, err := spool.Open(spool.Config{Dir: dir, Segment: small, Floor: -1, Check: 20 * time.Millisecond})
	if err != nil {
		return err
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(first), uint64(w)))
			for {
				n := first + int(next.Add(1)) - 1
				if n >= first+most {
					return
				}
				size := random.IntN(8000)
				if random.IntN(100) == 0 {
					size = random.IntN(spool.MaxSealed)
				}
				r := receipt(n, size)
				room, err := s.Reserve()
				if err != nil {
					fmt.Println("r", err) // a test that goes on will find it missing where it should not be
					continue
				}
				fmt.Printf("b %d\n", n)
				if err := room.Keep(r); err != nil {
					continue
				}
				fmt.Printf("k %d\n", n)
				if n%3 == 0 {
					s.Settle(r.Attempt)
				}
				fmt.Printf("m %d\n", n)
				s.Mark("grt_one", at(int64(n+1)))
			}
		})
	}
	wg.Wait()
	return s.Close()
}

func TestMain(m *testing.M) {
	var first, most int
	if dir := os.Getenv(childDir); dir != "" {
		if _, err := fmt.Sscan(os.Getenv(childDir+"_N"), &first, &most); err != nil {
			panic(err)
		}
		if err := child(dir, first, most); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// witness is what children have said.
type witness struct {
	begun, kept map[int]bool
	marked      int
}

func (w *witness) hear(out []byte) {
	for line := range strings.Lines(string(out)) {
		var what byte
		var n int
		if _, err := fmt.Sscanf(line, "%c %d\n", &what, &n); err != nil {
			continue // its last words
		}
		switch what {
		case 'b':
			w.begun[n] = true
		case 'k':
			w.kept[n] = true
		case 'm':
			w.marked = max(w.marked, n+1)
		}
	}
}

// check opens what a child has left, and compares.
func (w *witness) check(t *testing.T, dir string) {
	t.Helper()
	s, err := spool.Open(spool.Config{Dir: dir, Segment: small, Floor: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	there := map[int]bool{}
	for _, n := range read(t, s) { // and each is what its number says
		there[n] = true
		if !w.begun[n] {
			t.Errorf("receipt %d is there, and nobody wrote it", n)
		}
	}
	for n := range w.kept {
		if !there[n] {
			t.Errorf("receipt %d was kept, and is not there", n)
		}
	}
	if got := s.Marked("grt_one"); got.After(at(int64(w.marked))) {
		t.Errorf("the mark is %s, and %s is the furthest that was made", got, at(int64(w.marked)))
	}
}

func command(t *testing.T, dir string, first, most int, env ...string) (*exec.Cmd, io.Reader) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), childDir+"="+dir, fmt.Sprintf("%s_N=%d %d", childDir, first, most)), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

func TestKilledAtRandomWhileWritingLosesNothingThatWasKept(t *testing.T) {
	dir := ""
	rounds := 40
	if *long {
		rounds = 400
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	var w *witness
	for round := range rounds {
		if round%10 == 0 { // reading it again and again is not what takes the time
			if dir = quickDir(t); round%20 == 10 {
				dir = t.TempDir() // a real disk
			}
			w = &witness{begun: map[int]bool{}, kept: map[int]bool{}}
		}
		cmd, pipe := command(t, dir, round*1_000_000, 1_000_000)
		out := bufio.NewReader(pipe)
		heard, err := out.ReadBytes('\n') // it has begun
		if err != nil {
			t.Fatalf("the child said nothing: %v", err)
		}
		end := time.AfterFunc(time.Duration(random.IntN(60_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		rest, err := io.ReadAll(out)
		end.Stop()
		if err != nil {
			t.Fatal(err)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
			t.Fatalf("the child ended by itself: %v", err)
		}
		w.hear(bytes.Join([][]byte{heard, rest}, nil))
		w.check(t, dir)
		if t.Failed() {
			t.Fatalf("round %d, seed %d", round, seed)
		}
	}
	t.Logf("%d rounds; in the last spool %d receipts kept, %d begun", rounds, len(w.kept), len(w.begun))
}
