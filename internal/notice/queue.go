package notice

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lanyard"
	"lanyard/internal/spool"
)

const (
	waitingExt = ".notice"
	badExt     = ".bad" // could not be read; for a person to look at
	newExt     = ".new" // half written by a process that died

	least    = 4 << 10   // what a file counts at least
	mostAll  = 256 << 20 // bytes
	mostEach = 64 << 20  // bytes of one app: nobody fills it for the others (T39)
)

// record is a notice on disk, as JSON.
type record struct {
	App        lanyard.AppID     `json:"app"`
	Project    lanyard.ProjectID `json:"project"`
	Provider   string            `json:"provider"`
	ReceivedAt time.Time         `json:"received_at"`
	Sealed     []byte            `json:"sealed"` // the body, under the project's key, bound to the name
}

// queue keeps notices on local disk, each in a file of its own, until the database has
// what came of them. The lock of the data directory sees to it that one process has it.
type queue struct {
	dir  string
	kick chan struct{} // something came

	mu      sync.Mutex
	waiting map[string]held // by name
	bytes   map[lanyard.AppID]int64
	total   int64
}

type held struct {
	app  lanyard.AppID
	size int64
}

// openQueue takes up what an earlier run has left.
func openQueue(dir string) (*queue, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	q := &queue{dir: dir, kick: make(chan struct{}, 1), waiting: map[string]held{}, bytes: map[lanyard.AppID]int64{}}
	for _, f := range files {
		name, ours := strings.CutSuffix(f.Name(), waitingExt)
		switch {
		case ours:
			info, err := f.Info()
			if err != nil {
				return nil, err
			}
			_, id, _ := strings.Cut(name, ".")
			q.waiting[name] = held{lanyard.AppID(id), max(info.Size(), least)}
			q.count(q.waiting[name], 1)
		case strings.HasSuffix(f.Name(), newExt):
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return nil, err
			}
		}
	}
	q.kick <- struct{}{}
	return q, nil
}

// newName is that of a new notice; names sort by time.
func newName(id lanyard.AppID) string {
	return fmt.Sprintf("%016x-%s.%s", time.Now().UnixMicro(), lanyard.Random(9), id)
}

// put returns when the notice is on disk. The error is CodeSpoolUnavailable.
func (q *queue) put(name string, r record) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	h := held{r.App, max(int64(len(raw)), least)}
	if !q.enter(h) {
		return unavailable(errors.New("too many notices wait"))
	}
	if err := spool.WriteFile(q.path(name), raw); err != nil {
		// It may be there all the same: then it is acted on after the next start, and the
		// provider's next try changes nothing.
		q.mu.Lock()
		q.count(h, -1)
		q.mu.Unlock()
		return unavailable(err)
	}
	q.mu.Lock()
	q.waiting[name] = h
	q.mu.Unlock()
	select {
	case q.kick <- struct{}{}:
	default:
	}
	return nil
}

func unavailable(err error) error {
	return &lanyard.Error{Code: lanyard.CodeSpoolUnavailable, RetryAfter: 10 * time.Second, Err: err}
}

// names lists what waits, oldest first.
func (q *queue) names() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	names := make([]string, 0, len(q.waiting))
	for n := range q.waiting {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func (q *queue) read(name string) (r record, err error) {
	raw, err := os.ReadFile(q.path(name))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(raw, &r)
}

// drop removes a notice that has had its effect. Where that does not work it stays,
// and has none again.
func (q *queue) drop(name string) error {
	if err := os.Remove(q.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	q.leave(name)
	return nil
}

// setAside keeps a notice that nobody can read out of the way.
func (q *queue) setAside(name string) error {
	if err := os.Rename(q.path(name), filepath.Join(q.dir, name+badExt)); err != nil {
		return err
	}
	q.leave(name)
	return nil
}

func (q *queue) path(name string) string { return filepath.Join(q.dir, name+waitingExt) }

// enter counts a notice that is about to be written, or says that there is no room.
func (q *queue) enter(h held) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.total+h.size > mostAll || q.bytes[h.app]+h.size > mostEach {
		return false
	}
	q.count(h, 1)
	return true
}

func (q *queue) leave(name string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count(q.waiting[name], -1)
	delete(q.waiting, name)
}

// count is with mu.
func (q *queue) count(h held, sign int64) {
	q.total += sign * h.size
	if q.bytes[h.app] += sign * h.size; q.bytes[h.app] == 0 {
		delete(q.bytes, h.app)
	}
}
