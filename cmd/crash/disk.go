package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2" //nolint:depguard // a run is repeated from its seed; nothing secret comes from it
	"os"
	"path/filepath"
	"time"
)

// diskSize has room for the spool with its floor, and for a small database.
const diskSize = 512 << 20

// onSmallDisk puts a node's data directory on a disk of its own.
func onSmallDisk(w *world, n *node) error {
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return err
	}
	if err := smallDisk(n.dir, diskSize); err != nil {
		return fmt.Errorf("mount a small file system (root is needed): %w", err)
	}
	w.undo = append(w.undo, func() error { return dropDisk(n.dir) })
	return nil
}

// fillDisk fills the disk to the floor or to the last byte, kills the node there
// or not, and makes room again.
func fillDisk(ctx context.Context, w *world) error {
	dice, n := w.dice(4), w.all[0]
	for i := range w.strikes {
		pause(ctx, between(dice, 500*time.Millisecond, 2*time.Second))
		if err := w.fillOnce(ctx, n, dice); err != nil {
			return err
		}
		w.counted.struck++
		w.progress(i + 1)
	}
	return ctx.Err()
}

func (w *world) fillOnce(ctx context.Context, n *node, dice *rand.Rand) error {
	ballast := filepath.Join(n.dir, "ballast")
	leave := []int64{0, 0, 4 << 10, 64 << 10, 1 << 20, 100 << 20}[dice.IntN(6)]
	over := w.suffers(n.name, fmt.Sprintf("disk full but for %d bytes", leave), false)
	defer over()
	if err := fill(ballast, n.dir, leave); err != nil {
		return err
	}
	pause(ctx, between(dice, 500*time.Millisecond, 4*time.Second))
	if dice.IntN(3) == 0 {
		w.note(n.name, "kill -9 on the full disk")
		if err := n.end("kill"); err != nil && !errors.Is(err, errNotRunning) {
			return err
		}
		w.counted.kills++
		if err := n.launch(ctx); err != nil { // whether it can run there is not said
			return err
		}
		pause(ctx, between(dice, 0, 2*time.Second))
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	return w.revive(ctx, n)
}

// fill writes a file until only so many bytes are left on its disk.
func fill(path, dir string, leave int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for {
		free, err := freeBytes(dir)
		if err != nil || free <= leave {
			return errors.Join(err, f.Close())
		}
		if _, err := f.Write(block[:min(int64(len(block)), max(free-leave, 1))]); err != nil { // full
			return f.Close()
		}
	}
}

// revive sees to it that a node runs and is ready.
func (w *world) revive(ctx context.Context, n *node) error {
	for end := time.Now().Add(time.Minute); ; {
		if n.running() {
			err := n.await(ctx, 30*time.Second)
			if err == nil || ctx.Err() != nil {
				return errors.Join(err, ctx.Err())
			}
			if time.Now().After(end) {
				return err
			}
			if n.running() { // alive, and of no use
				if err := n.end("kill"); err != nil && !errors.Is(err, errNotRunning) {
					return err
				}
			}
			continue
		}
		if err := n.start(ctx); err == nil || time.Now().After(end) || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		pause(ctx, 500*time.Millisecond)
	}
}
