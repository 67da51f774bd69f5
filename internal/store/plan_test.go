package store

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"lanyard"
)

// explainer runs what it is asked to, and notes how SQLite goes about it.
type explainer struct {
	conn
	plans []string
}

func (e *explainer) note(ctx context.Context, query string, args []any) error {
	rows, err := e.conn.query(ctx, "EXPLAIN QUERY PLAN "+query, args)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return err
		}
		e.plans = append(e.plans, step)
	}
	return rows.Err()
}

func (e *explainer) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	if err := e.note(ctx, query, args); err != nil {
		return nil, err
	}
	return e.conn.query(ctx, query, args)
}

func (e *explainer) exec(ctx context.Context, query string, args []any) (int64, error) {
	if err := e.note(ctx, query, args); err != nil {
		return 0, err
	}
	return e.conn.exec(ctx, query, args)
}

// fillGrants writes n grants of as many apps, most of them due later, in one statement.
func fillGrants(t *testing.T, db *DB, n, apps int, now time.Time) {
	t.Helper()
	err := db.Bookkeep(t.Context(), func(tx *Tx) error {
		_, err := tx.exec(`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1 - 1)
			INSERT INTO grants (`+grantColumns+`) SELECT 'grt_' || i, 'prj_' || (i % $2), 'app_' || (i % $2), 'iss', 'user', CAST('s' || i AS BLOB),
				'fam', 1, CAST('t' AS BLOB), NULL, '', '', 0, 1, CASE WHEN i % 97 = 0 THEN 'dead' ELSE 'healthy' END, '', '', 0,
				CASE WHEN i % 13 = 0 THEN 0 ELSE $3 + (i % 1000 - 100) * 1000000 END, 0,
				CASE WHEN i % 101 = 0 THEN $3 ELSE 0 END, CASE WHEN i % 89 = 0 THEN $3 + 1000000 ELSE 0 END, 0, 0, 0, i % 4,
				CASE WHEN i % 103 = 0 THEN $3 + 3600000000 ELSE 0 END, CASE WHEN i % 103 = 0 THEN $3 - 1000000 ELSE 0 END,
				CASE WHEN i % 97 = 0 THEN $3 ELSE 0 END, 0, 1, 1 FROM n`, n, apps, micros(now))
		if err == nil {
			_, err = tx.exec("ANALYZE") // what SQLite knows of the table must not mislead it either
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever looks for work finds it by an index, however many grants there are: no
// table is read from one end to the other, and nothing is sorted that is not a
// handful. A plan is a promise that does not depend on how fast this machine is.
func TestWorkIsFoundByAnIndexAmongAHundredThousandGrants(t *testing.T) {
	db, err := Open(t.Context(), Config{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := processClock()
	const grants, apps = 100_000, 10
	fillGrants(t, db, grants, apps, now)
	app := lanyard.AppID("app_3")

	read := func(fn func(q *Query) error) func(e *explainer) error {
		return func(e *explainer) error {
			e.conn = db.reads
			return fn(&Query{ctx: t.Context(), c: e, d: db.d})
		}
	}
	write := func(fn func(tx *Tx) error) func(e *explainer) error {
		return func(e *explainer) error {
			return db.Bookkeep(t.Context(), func(tx *Tx) error {
				e.conn = tx.c
				mine := *tx
				mine.c = e
				return fn(&mine)
			})
		}
	}
	for name, tc := range map[string]struct {
		index string // that grants are found by; each time
		run   func(e *explainer) error
	}{
		"apps that are due": {"grants_due", read(func(q *Query) error {
			got, err := q.DueApps(now)
			if len(got) != apps {
				t.Errorf("got %d apps due, want %d", len(got), apps)
			}
			return err
		})},
		"what is due": {"grants_due", read(func(q *Query) error {
			got, err := q.Due(app, now, 50)
			if len(got) != 50 || got[49].RefreshAt.After(now) {
				t.Errorf("got %d due, want 50 whose time has come", len(got))
			}
			return err
		})},
		"how many are due": {"grants_due", read(func(q *Query) error { _, err := q.CountDue(app, now, 1000); return err })},
		"what expires": {"grants_expiring", read(func(q *Query) error {
			got, err := q.Expiring(now, now.Add(7*24*time.Hour), 50)
			for _, g := range got {
				if g.Health == lanyard.Dead || g.ExpiringAt.After(now) {
					t.Errorf("got %s, which is %s and expires at %s", g.ID, g.Health, g.RefreshExpires)
				}
			}
			if len(got) == 0 {
				t.Error("got none that expires")
			}
			return err
		})},
		"a storm": {"grants_rejected", read(func(q *Query) error {
			n, err := q.RejectedSince(app, now.Add(-time.Second))
			want := 0
			for i := 3; i < grants; i += apps {
				if i%101 == 0 {
					want++
				}
			}
			if n != want {
				t.Errorf("got %d refused, want %d", n, want)
			}
			return err
		})},
		"an app's grants":      {"grants_", read(func(q *Query) error { _, err := q.CountGrants(app, 1000); return err })},
		"a witness":            {"grants_", write(func(tx *Tx) error { return tx.WakeWitness(app, "grt_77") })},
		"others":               {"grants_", read(func(q *Query) error { _, err := q.Others(app, "grt_77"); return err })},
		"what waits":           {"grants_waiting", write(func(tx *Tx) error { _, err := tx.WakeGrants(app, 10); return err })},
		"the dead":             {"grants_dead", write(func(tx *Tx) error { _, err := tx.DropDead(now.Add(time.Second), 10); return err })},
		"what was just used":   {"sqlite_autoindex_grants_1", write(func(tx *Tx) error { return tx.UseGrant("grt_77", now) })},
		"what a meeting needs": {"sqlite_autoindex_grants_1", write(func(tx *Tx) error { return tx.NeedGrant("grt_77", now, now) })},
	} {
		e := &explainer{}
		if err := tc.run(e); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		looked := false
		for _, step := range e.plans {
			onGrants := strings.HasPrefix(step, "SEARCH g ") || strings.HasPrefix(step, "SEARCH grants ")
			looked = looked || onGrants && strings.Contains(step, tc.index)
			byRow := strings.HasSuffix(step, "INDEX sqlite_autoindex_grants_1 (id=?)") // the rows that the index has named
			if strings.HasPrefix(step, "SCAN g") || onGrants && !byRow && !strings.Contains(step, "INDEX "+tc.index) {
				t.Errorf("%s: got %q in the plan, want only look-ups by %s", name, step, tc.index)
			}
			if strings.Contains(step, "TEMP B-TREE") && name != "apps that are due" {
				t.Errorf("%s: got %q in the plan, want nothing sorted", name, step)
			}
		}
		if !looked {
			t.Errorf("%s: got the plan %q, want grants found by %s", name, e.plans, tc.index)
		}
	}
}
