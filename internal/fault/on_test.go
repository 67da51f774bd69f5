//go:build faults && unix

package fault_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"lanyard/internal/fault"
)

func set(t *testing.T, list string) {
	t.Helper()
	undo, err := fault.Set(list)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(undo)
}

func TestErrorStrikesTheNthTimeAndOnlyThen(t *testing.T) {
	set(t, "spool.sync:error:2:EIO, spool.write:error:2+:ENOSPC")
	for n := 1; n <= 4; n++ {
		if err := fault.At(t.Context(), fault.SpoolSync); errors.Is(err, syscall.EIO) != (n == 2) {
			t.Errorf("time %d: got %v", n, err)
		}
		if err := fault.At(t.Context(), fault.SpoolWrite); errors.Is(err, syscall.ENOSPC) != (n >= 2) {
			t.Errorf("from the second on, time %d: got %v", n, err)
		}
		if err := fault.At(t.Context(), fault.SpoolTorn); err != nil {
			t.Errorf("another point: got %v", err)
		}
	}
	if n := fault.Hits(fault.SpoolSync); n != 4 {
		t.Errorf("got %d hits, want 4", n)
	}
}

func TestUndoPutsBackWhatWas(t *testing.T) {
	set(t, "spool.sync:error")
	undo, err := fault.Set("")
	if err != nil {
		t.Fatal(err)
	}
	if err := fault.At(t.Context(), fault.SpoolSync); err != nil {
		t.Errorf("got %v, want nothing armed", err)
	}
	undo()
	if err := fault.At(t.Context(), fault.SpoolSync); err == nil {
		t.Error("want what was armed before")
	}
}

func TestDelayLastsAndEndsWithTheContext(t *testing.T) {
	set(t, "spool.sync:delay:1+:50ms")
	start := time.Now()
	if err := fault.At(t.Context(), fault.SpoolSync); err != nil || time.Since(start) < 50*time.Millisecond {
		t.Errorf("got %v after %s", err, time.Since(start))
	}
	set(t, "spool.sync:delay:1+:1h")
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if err := fault.At(ctx, fault.SpoolSync); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestPanicNamesThePoint(t *testing.T) {
	set(t, "spool.sync:panic")
	defer func() {
		if v, _ := recover().(string); !strings.Contains(v, "spool.sync") {
			t.Errorf("got %q", v)
		}
	}()
	_ = fault.At(t.Context(), fault.SpoolSync)
	t.Error("it went on")
}

func TestWhatCannotBeMeantIsRefused(t *testing.T) {
	for _, list := range []string{"spool.sync", "nowhere:kill", "spool.sync:sleep", "grant.claimed:error", "spool.sync:error:0",
		"spool.sync:error:x", "spool.sync:error:1:EWHAT", "spool.sync:delay:1:long", "spool.sync:kill:1:x", "a:b:c:d:e"} {
		if _, err := fault.Set(list); err == nil {
			t.Errorf("%q: want it refused", list)
		}
	}
}

// The process itself, armed by its environment.
func TestKillAndStop(t *testing.T) {
	if os.Getenv("FAULT_TEST_CHILD") != "" {
		_ = fault.At(t.Context(), fault.SpoolSync)
		os.Exit(0)
	}
	child := func(list string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillAndStop$")
		cmd.Env = append(os.Environ(), "FAULT_TEST_CHILD=1", "LANYARD_FAULT="+list)
		return cmd
	}
	var exit *exec.ExitError
	err := child("spool.sync:kill").Run()
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("kill: got %v", err)
	}
	if err := child("spool.sync:kill:2").Run(); err != nil {
		t.Errorf("the second time never came: got %v", err)
	}
	if err := child("no such thing").Run(); err == nil {
		t.Error("a setting that means nothing: want the process to end")
	}
	cmd := child("spool.sync:stop")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var st syscall.WaitStatus
	if _, err := syscall.Wait4(cmd.Process.Pid, &st, syscall.WUNTRACED, nil); err != nil || !st.Stopped() {
		t.Fatalf("got %v, %v, want it stopped", st, err)
	}
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGCONT: got %v", err)
	}
}
