package store

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"lanyard"
)

// A key has leaked, in a project whose bots have made token URLs for a month: those that the
// key made are found by an index, and while they are ended everybody else's writes wait.
func TestTokenURLsOfAKeyAreFoundByAnIndex(t *testing.T) {
	db, err := Open(t.Context(), Config{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Bookkeep(t.Context(), func(tx *Tx) error {
		_, err := tx.exec(`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19999)
			INSERT INTO token_urls (` + tokenURLColumns + `) SELECT 'tu_' || i, 'prj_1', '', CAST('s' || i AS BLOB), '', 'plain', NULL, 'bot_' || i, '', '', '',
				CASE WHEN i % 500 = 0 THEN 'lyk_leaked' ELSE 'lyk_' || (i % 3) END, '', '', 0, CASE WHEN i % 1000 = 0 THEN 0 ELSE 1 END, 0, 1 FROM n`)
		if err == nil {
			_, err = tx.exec("ANALYZE") // what SQLite knows of the table must not mislead it either
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		index string
		run   func(q *Query, tx *Tx) (int, error)
		want  int
	}{
		"all that it made": {"token_urls_made", func(q *Query, _ *Tx) (int, error) {
			list, _, err := q.TokenURLsOfKey("prj_1", "lyk_leaked", lanyard.Page{Limit: 200})
			return len(list), err
		}, 40},
		"what is in force": {"token_urls_key", func(q *Query, _ *Tx) (int, error) {
			made, err := q.TokenURLsInForce("lyk_leaked")
			if err != nil || len(made) != 1 {
				return 0, err
			}
			return made[0].Count, nil
		}, 20},
		"to end them": {"token_urls_key", func(_ *Query, tx *Tx) (int, error) { return tx.RevokeTokenURLsOfKey("prj_1", "lyk_leaked") }, 20},
	} {
		e := &explainer{}
		undone := errors.New("taken back, for the next")
		err := db.Bookkeep(t.Context(), func(tx *Tx) error {
			e.conn, e.plans = tx.c, nil
			mine := *tx
			mine.c = e
			n, err := c.run(&mine.Query, &mine)
			if err == nil && n != c.want {
				t.Errorf("%s: got %d, want %d", name, n, c.want)
			}
			if err == nil {
				err = undone
			}
			return err
		})
		if !errors.Is(err, undone) {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.ContainsFunc(e.plans, func(step string) bool { return strings.Contains(step, "INDEX "+c.index+" ") }) ||
			slices.ContainsFunc(e.plans, func(step string) bool {
				return strings.HasPrefix(step, "SCAN") || strings.Contains(step, "TEMP B-TREE") && name != "what is in force"
			}) {
			t.Errorf("%s: got the plan %q, want only look-ups by %s", name, e.plans, c.index)
		}
	}
}
