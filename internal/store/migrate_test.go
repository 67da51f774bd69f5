package store_test

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

var update = flag.Bool("update", false, "rewrite the schema dumps")

// The dumps in schema/ are what the migrations make.
func TestSchemaDump(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		db, err := store.Open(t.Context(), cfg)
		must(t, err)
		defer db.Close()
		second := secondConnection(t, cfg)
		defer second.Close()
		dump := map[string]func(*testing.T, *sql.DB) string{"sqlite": dumpSQLite, "postgres": dumpPostgres}
		got := dump[db.Backend()](t, second)
		file := filepath.Join("schema", db.Backend()+".sql")
		if *update {
			must(t, os.MkdirAll("schema", 0o755))
			must(t, os.WriteFile(file, []byte(got), 0o644))
		}
		want, err := os.ReadFile(file)
		must(t, err)
		same(t, file+" (rewrite it with -update)", strings.Split(got, "\n"), strings.Split(string(want), "\n"))
	})
}

const dumpHead = "-- What the migrations make. Written by: go test ./internal/store -run TestSchemaDump -update\n\n"

func lines(t *testing.T, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(query, args...)
	must(t, err)
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		must(t, rows.Scan(&s))
		out = append(out, s)
	}
	must(t, rows.Err())
	return out
}

func dumpSQLite(t *testing.T, db *sql.DB) string {
	return dumpHead + strings.Join(lines(t, db, `SELECT sql || ';' FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'goose%'
		AND name NOT LIKE 'sqlite%' ORDER BY tbl_name, type DESC, name`), "\n\n") + "\n"
}

func dumpPostgres(t *testing.T, db *sql.DB) string {
	var b strings.Builder
	b.WriteString(dumpHead)
	for _, table := range lines(t, db, `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'goose%' ORDER BY 1`) {
		columns := lines(t, db, `SELECT '	' || a.attname || ' ' || upper(format_type(a.atttypid, a.atttypmod))
			|| CASE WHEN c.collname IS NOT NULL AND c.collname <> 'default' THEN ' COLLATE "' || c.collname || '"' ELSE '' END
			|| CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
			FROM pg_attribute a LEFT JOIN pg_collation c ON c.oid = a.attcollation
			WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, table)
		fmt.Fprintf(&b, "CREATE TABLE %s (\n%s\n);\n", table, strings.Join(columns, ",\n"))
		for _, index := range lines(t, db, `SELECT indexdef || ';' FROM pg_indexes WHERE schemaname = 'public' AND tablename = $1 ORDER BY indexname`, table) {
			b.WriteString(index + "\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// A database that a newer binary has migrated is refused, with the name of what
// opens it; and what it has can still be listed.
func TestNewerDatabaseIsRefused(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		db, err := store.Open(t.Context(), cfg)
		must(t, err)
		must(t, db.Close())
		second := secondConnection(t, cfg)
		defer second.Close()
		_, err = second.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, ` +
			map[bool]string{true: "1", false: "true"}[cfg.URL == ""] + `)`)
		must(t, err)
		_, err = store.Open(t.Context(), cfg)
		if !errors.Is(err, lanyard.CodeStoreUnavailable) || !strings.Contains(err.Error(), "schema 99, written by a newer version") {
			t.Errorf("got %v, want a refusal", err)
		}
		_, err = second.Exec(`INSERT INTO meta (key, value) VALUES ('schema.0099', 'v9.9.9')`)
		must(t, err)
		_, err = store.Open(t.Context(), cfg)
		for _, want := range []string{"schema 99", "lanyard v9.9.9", "lanyard " + storetest.Version, "start lanyard v9.9.9"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want it to say %q", err, want)
			}
		}
		steps, err := store.Migrations(t.Context(), cfg)
		must(t, err)
		last := steps[len(steps)-1]
		if last.Version != 99 || last.Lanyard != "v9.9.9" || last.AppliedAt.IsZero() || steps[0].Lanyard != storetest.Version {
			t.Errorf("got %+v", steps)
		}
	})
}

func TestMigrationsAreListedWithoutApplyingThem(t *testing.T) {
	for name, cfg := range map[string]store.Config{"sqlite": storetest.EmptySQLite(t), "postgres": storetest.EmptyPostgreSQL(t)} {
		steps, err := store.Migrations(t.Context(), cfg)
		must(t, err)
		if len(steps) == 0 || slices.ContainsFunc(steps, func(m store.Migration) bool { return !m.AppliedAt.IsZero() || m.Name == "" }) {
			t.Errorf("%s: got %+v, want all of them pending", name, steps)
		}
		db, err := store.Open(t.Context(), cfg)
		must(t, err)
		if steps, err = db.Migrations(t.Context()); err != nil || slices.ContainsFunc(steps, func(m store.Migration) bool { return m.AppliedAt.IsZero() }) {
			t.Errorf("%s: got %+v, %v, want all of them applied", name, steps, err)
		}
		must(t, db.Close())
	}
}

// Nodes that start at once on an empty database migrate it once, and agree on its id.
func TestNodesStartTogether(t *testing.T) {
	cfg := storetest.EmptyPostgreSQL(t)
	var wg sync.WaitGroup
	ids := make([]string, 4)
	for i := range ids {
		mine := cfg
		mine.DataDir = t.TempDir()
		wg.Go(func() {
			db, err := store.Open(t.Context(), mine)
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if ids[i], err = db.InstanceID(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(slices.Compact(slices.Clone(ids))) != 1 || ids[0] == "" {
		t.Errorf("got ids %q, want one", ids)
	}
}
