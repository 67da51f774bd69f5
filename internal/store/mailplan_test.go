package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard"
)

// The condition of the query for new events is that of the index, word for word, and
// the types in it are those that are told by e-mail: else every look reads all events.
func TestNewEventsAreFoundByTheIndex(t *testing.T) {
	for _, kind := range lanyard.MailedTypes {
		if !strings.Contains(unmailed, "'"+string(kind)+"'") {
			t.Errorf("the index does not name %s", kind)
		}
	}
	if n := strings.Count(unmailed, "'") / 2; n != len(lanyard.MailedTypes) {
		t.Errorf("the index names %d types, want %d", n, len(lanyard.MailedTypes))
	}
	db, err := Open(t.Context(), Config{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	err = db.Bookkeep(t.Context(), func(tx *Tx) error {
		for n := range 20 {
			e := lanyard.Event{ID: lanyard.EventID(fmt.Sprint("evt_", n)), Project: "prj_1", Type: lanyard.EventScopesChanged}
			if n == 7 {
				e.Type = lanyard.EventNeedsReauth
			}
			if err := tx.AddEvent(e); err != nil {
				return err
			}
		}
		look := &explainer{conn: tx.c}
		q := Query{ctx: tx.ctx, c: look, d: tx.d}
		got, err := q.UnmailedEvents(10)
		if err != nil || len(got) != 1 || got[0].ID != "evt_7" {
			t.Errorf("got %v, %v", got, err)
		}
		if _, err := q.CountMails("prj_1", time.Now()); err != nil {
			return err
		}
		for _, index := range []string{"events_unmailed", "mails_recent"} {
			if !slices.ContainsFunc(look.plans, func(p string) bool { return strings.Contains(p, "INDEX "+index) }) {
				t.Errorf("%s is not used: %q", index, look.plans)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
