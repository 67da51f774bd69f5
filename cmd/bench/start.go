package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// starts is how often the start is measured.
const starts = 7

// starts measures the program itself, from before its process exists until
// /readyz answers 200, on the database that is there.
func (w *world) starts(ctx context.Context) (s start, err error) {
	program := w.lanyard
	if program == "" {
		program = filepath.Join(w.dir, "lanyard")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "lanyard/cmd/lanyard").CombinedOutput(); err != nil {
			return s, fmt.Errorf("build lanyard: %w: %s", err, out)
		}
	}
	var took []time.Duration
	for range starts {
		t, memory, err := w.start(ctx, program)
		if err != nil {
			return s, err
		}
		took, s.MemoryMB = append(took, t), float64(memory)/(1<<20)
	}
	slices.Sort(took)
	s.MedianMS, s.WorstMS = ms(took[len(took)/2]), ms(took[len(took)-1])
	return s, nil
}

func (w *world) start(ctx context.Context, program string) (took time.Duration, memory int64, err error) {
	address := w.address
	cmd := exec.CommandContext(ctx, program, "serve")
	cmd.Env = os.Environ()
	for name, value := range w.settings(address) {
		cmd.Env = append(cmd.Env, "LANYARD_"+strings.ToUpper(name)+"="+value)
	}
	var said strings.Builder
	cmd.Stderr = &said
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		err = errors.Join(err, cmd.Process.Signal(os.Interrupt))
		if end := cmd.Wait(); err != nil {
			err = fmt.Errorf("%w (%w): %s", err, end, said.String())
		}
	}()
	for time.Since(begin) < 20*time.Second {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
		if err != nil {
			return 0, 0, err
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			err = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return time.Since(begin), resident(cmd.Process.Pid), err
			}
		}
		time.Sleep(time.Millisecond)
	}
	return 0, 0, errors.New("not ready within 20 s")
}
