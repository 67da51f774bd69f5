package notice

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanyard"
)

func rec(app lanyard.AppID, size int) record {
	return record{App: app, Project: "prj_1", Provider: "zoom", ReceivedAt: time.Unix(1_740_439_733, 0).UTC(), Sealed: make([]byte, size)}
}

// What an earlier run has taken is there after a start, oldest first, and what it had
// half written is not.
func TestTheQueueOutlivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	q, err := openQueue(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for range 3 {
		names = append(names, newName("app_1"))
		if err := q.put(names[len(names)-1], rec("app_1", 10)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	half := filepath.Join(dir, newName("app_1")+waitingExt+newExt)
	if err := os.WriteFile(half, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if q, err = openQueue(dir); err != nil {
		t.Fatal(err)
	}
	if got := q.names(); strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("got %q, want %q", got, names)
	}
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want what is half written gone", err)
	}
	if r, err := q.read(names[0]); err != nil || r.App != "app_1" || len(r.Sealed) != 10 || !r.ReceivedAt.Equal(rec("", 0).ReceivedAt) {
		t.Errorf("got %+v, %v, want it as it was", r, err)
	}
	if err := errors.Join(q.drop(names[0]), q.drop(names[0]), q.setAside(names[1])); err != nil {
		t.Fatal(err)
	}
	if q.total != least || q.bytes["app_1"] != least || len(q.names()) != 1 {
		t.Errorf("got %d bytes of %v, want one notice", q.total, q.waiting)
	}
	if q, err = openQueue(dir); err != nil || len(q.names()) != 1 || q.bytes["app_1"] != least {
		t.Errorf("got %v, %v, want one that waits", q.waiting, err)
	}
	if info, err := os.Stat(filepath.Join(dir, names[2]+waitingExt)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want it for its user only", info, err)
	}
}

// One app does not fill the disk for the others; and what does not get to the disk is
// refused, so that the provider sends it again.
func TestTheQueueIsBounded(t *testing.T) {
	q, err := openQueue(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	q.count(held{"app_1", mostEach - least}, 1)
	put := func(app lanyard.AppID) error { return q.put(newName(app), rec(app, 10)) }
	if err := put("app_1"); err != nil {
		t.Errorf("the last that fits: %v", err)
	}
	if err := put("app_1"); !errors.Is(err, lanyard.CodeSpoolUnavailable) {
		t.Errorf("one too many: got %v, want spool_unavailable", err)
	}
	if err := put("app_2"); err != nil {
		t.Errorf("another app: %v", err)
	}
	before := q.total
	if err := os.RemoveAll(q.dir); err != nil {
		t.Fatal(err)
	}
	if err := put("app_2"); !errors.Is(err, lanyard.CodeSpoolUnavailable) || q.total != before {
		t.Errorf("no disk: got %v and %d bytes, want spool_unavailable and %d", err, q.total, before)
	}
	q.count(held{"app_3", mostAll - q.total}, 1)
	if err := put("app_4"); !errors.Is(err, lanyard.CodeSpoolUnavailable) {
		t.Errorf("full: got %v, want spool_unavailable", err)
	}
}
