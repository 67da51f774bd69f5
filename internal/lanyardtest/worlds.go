package lanyardtest

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the two drivers, for looking behind the server's back
	_ "modernc.org/sqlite"

	"lanyard"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
)

// Each runs a test in a world on SQLite and in one on PostgreSQL.
func Each(t *testing.T, f func(t *testing.T, w *World), options ...Option) {
	t.Run("sqlite", func(t *testing.T) { f(t, New(t, options...)) })
	t.Run("postgres", func(t *testing.T) {
		w := New(t, append(options, func(s *server.Settings) {
			s.DatabaseURL = lanyard.NewSecret(storetest.PostgreSQL(t).URL)
		})...)
		f(t, w)
	})
}

// SQL changes the database behind the server's back, as a thief, an accident or a
// test of time would.
func (w *World) SQL(query string, args ...any) {
	w.T.Helper()
	w.Disturb(query)
	db := w.open()
	defer func() { _ = db.Close() }()
	_, err := db.ExecContext(w.T.Context(), query, args...)
	w.must(err)
}

// One reads one value from the database.
func (w *World) One(to any, query string, args ...any) {
	w.T.Helper()
	db := w.open()
	defer func() { _ = db.Close() }()
	w.must(db.QueryRowContext(w.T.Context(), query, args...).Scan(to))
}

func (w *World) open() *sql.DB {
	w.T.Helper()
	driver, dsn := "sqlite", "file:"+filepath.Join(w.DataDir, "lanyard.db")+"?_pragma=busy_timeout(10000)"
	if w.dsn != "" {
		driver, dsn = "pgx", w.dsn
	}
	db, err := sql.Open(driver, dsn)
	w.must(err)
	return db
}

// Expire makes the access token of every grant expire in so many seconds; they
// may be negative.
func (w *World) Expire(seconds int64) {
	w.T.Helper()
	w.SQL(`UPDATE grants SET access_expires = $1`, time.Now().UnixMicro()+seconds*1_000_000)
}

// Find returns the first table that has a value with these bytes in it; "" if none has.
func (w *World) Find(what string) string {
	w.T.Helper()
	db := w.open()
	defer func() { _ = db.Close() }()
	tables := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if w.dsn != "" {
		tables = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`
	}
	for _, table := range w.values(db, tables) {
		for _, v := range w.values(db, `SELECT * FROM `+table) {
			if strings.Contains(v, what) {
				return table
			}
		}
	}
	return ""
}

// values reads every value that a query finds, as it is stored.
func (w *World) values(db *sql.DB, query string) (out []string) {
	w.T.Helper()
	rows, err := db.QueryContext(w.T.Context(), query)
	w.must(err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	w.must(err)
	for rows.Next() {
		row := make([]sql.RawBytes, len(columns))
		to := make([]any, len(columns))
		for i := range row {
			to[i] = &row[i]
		}
		w.must(rows.Scan(to...))
		for _, v := range row {
			out = append(out, string(v))
		}
	}
	w.must(rows.Err())
	return out
}
