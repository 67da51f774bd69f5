package instance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

// Files in the data directory. The name lasts: by it a node that comes back finds
// what it left open. The place says where the last process of that name ran.
const (
	nameFile  = "node"
	placeFile = "node.place"
)

// nodeName reads this node's name, or makes one. same says that nobody else can be
// using it: it is new, or the last process that did ran in this very directory,
// since the machine has started, and has ended, since we have the lock.
func nodeName(dir string) (name string, same bool, err error) {
	path := filepath.Join(dir, nameFile)
	raw, err := os.ReadFile(path)
	if err == nil {
		if name = strings.TrimSpace(string(raw)); !lanyard.ValidID("nod_", name) {
			return "", false, fmt.Errorf("%s does not hold the name of a node; if the directory is new, delete the file", path)
		}
		was, err := os.ReadFile(filepath.Join(dir, placeFile))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", false, fmt.Errorf("read the node's place: %w", err)
		}
		is := place(dir)
		return name, is != "" && is == strings.TrimSpace(string(was)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", false, fmt.Errorf("read the node's name: %w", err)
	}
	name = lanyard.NewID[string]("nod_")
	if err := writeWhole(path, name); err != nil {
		return "", false, fmt.Errorf("write the node's name: %w", err)
	}
	return name, true, nil
}

func writePlace(dir string) error {
	if err := writeWhole(filepath.Join(dir, placeFile), place(dir)); err != nil {
		return fmt.Errorf("write the node's place: %w", err)
	}
	return nil
}

// writeWhole replaces a file, so that it is never there in part.
func writeWhole(path, line string) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func nameTaken(name, dir string) *lanyard.Error {
	return &lanyard.Error{Code: lanyard.CodeNodeNameTaken, RetryAfter: time.Minute, Message: fmt.Sprintf(
		"another process uses this node's name, %s, on the same database: one data directory is a copy of the other. Stop the copy, delete the files node and node.place and the folder spool in its data directory (here it is %s), and start it again: it makes a name of its own", name, dir)}
}

// alone waits until it is certain that nobody uses the name, or that somebody does:
// a sign of life comes every 10 s.
func (i *Instance) alone(ctx context.Context) error {
	var first lanyard.Node
	for try := 0; ; try++ {
		var n lanyard.Node
		var now time.Time
		err := i.Store.View(ctx, func(q *store.Query) (err error) {
			if now, err = q.Now(); err == nil {
				n, err = q.Node(i.self.ID)
			}
			return err
		})
		switch {
		case errors.Is(err, lanyard.NotFound):
			return nil // never seen, or it has left in good order
		case err != nil:
			return fmt.Errorf("look for others of this node's name: %w", err)
		case try > 0 && (n.SeenAt.After(first.SeenAt) || !n.StartedAt.Equal(first.StartedAt)):
			return nameTaken(i.self.ID, i.DataDir)
		case !n.SeenAt.After(now.Add(-alive)):
			return nil
		case try == 0:
			first = n
			i.Logger.Warn("another process may be using this node's name; waiting for a sign of it", "node", i.self.ID, "at_most", alive.String())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
