package lanyardtest_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"lanyard/internal/server"
)

func (p *play) database(ts *testscript.TestScript, more string) *sql.DB {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.w.DataDir, "lanyard.db")+"?_pragma=busy_timeout(10000)"+more)
	ts.Check(err)
	return db
}

// rows returns the answer to a query: columns by spaces, rows by lines.
func rows(ts *testscript.TestScript, db *sql.DB, query string) string {
	r, err := db.QueryContext(context.Background(), query)
	if err != nil {
		ts.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = r.Close() }()
	columns, err := r.Columns()
	ts.Check(err)
	var lines []string
	for r.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		ts.Check(r.Scan(values...))
		var cells []string
		for _, v := range values {
			cell := *v.(*any)
			if b, ok := cell.([]byte); ok {
				cell = fmt.Sprintf("%x", b)
			}
			cells = append(cells, fmt.Sprint(cell))
		}
		lines = append(lines, strings.Join(cells, " "))
	}
	ts.Check(r.Err())
	return strings.Join(lines, "\n")
}

// sql QUERY WANT asks the database, which it cannot change.
func cmdSQL(p *play, ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: sql QUERY WANT")
	}
	db := p.database(ts, "&_pragma=query_only(1)")
	defer func() { _ = db.Close() }()
	if got := rows(ts, db, args[0]); (got == args[1]) == neg {
		ts.Fatalf("%s: got %s, want %q", args[0], clip(got), args[1])
	}
}

// tamper STATEMENT changes the database behind the server's back.
func cmdTamper(p *play, ts *testscript.TestScript, _ bool, args []string) {
	p.w.Disturb(args[0])
	db := p.database(ts, "")
	defer func() { _ = db.Close() }()
	done, err := db.ExecContext(context.Background(), args[0])
	ts.Check(err)
	if n, err := done.RowsAffected(); strings.HasPrefix(args[0], "UPDATE") && (err != nil || n == 0) {
		ts.Fatalf("%s changed nothing (%v)", args[0], err)
	}
}

// snapshot is what is in every table but those named.
func (p *play) snapshot(ts *testscript.TestScript, but []string) string {
	db := p.database(ts, "&_pragma=query_only(1)")
	defer func() { _ = db.Close() }()
	var out strings.Builder
	for table := range strings.FieldsSeq(rows(ts, db, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`)) {
		skip := false
		for _, b := range but {
			skip = skip || b == "but="+table
		}
		if !skip {
			what := "*"
			if table == "events" { // that tasks have looked at them is written soon after, whatever the script does
				what = "id, project_id, at, type, connection_id, data"
			}
			content := rows(ts, db, `SELECT `+what+` FROM "`+table+`"`)
			fmt.Fprintf(&out, "%s: %d lines, %.8x\n", table, strings.Count(content+"\n", "\n"), sha256.Sum256([]byte(content)))
		}
	}
	return out.String()
}

// remember [but=TABLE…] notes what is in the database; unchanged compares.
func cmdRemember(p *play, ts *testscript.TestScript, _ bool, args []string) {
	p.noted = p.snapshot(ts, args)
}

func cmdUnchanged(p *play, ts *testscript.TestScript, neg bool, args []string) {
	if now := p.snapshot(ts, args); (now == p.noted) == neg {
		ts.Fatalf("the database was\n%sand is\n%s", p.noted, now)
	}
}

// nowhere VALUE… looks for secrets where none may be: the log, /metrics, error
// answers and pages, and the bytes of every file of the server's and every
// temporary file. ! nowhere VALUE must find it, which shows that it looks.
func cmdNowhere(p *play, ts *testscript.TestScript, neg bool, args []string) {
	places := map[string]string{"the log": p.w.Log.String(), "an error answer or a page": strings.Join(p.shown, "\n")}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, p.w.URL+"/metrics", nil)
	ts.Check(err)
	was := p.last
	p.do(ts, p.operator(), r)
	places["/metrics"], p.last = p.last.body, was
	if !strings.Contains(places["/metrics"], "lanyard_http_request_seconds") {
		ts.Fatalf("/metrics is not what it should be: %.200s", places["/metrics"])
	}
	var files int
	for _, dir := range []string{p.w.DataDir, os.TempDir()} {
		ts.Check(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil //nolint:nilerr // other scripts' files come and go
			}
			if raw, err := os.ReadFile(path); err == nil {
				places[path] = string(raw)
				files++
			}
			return nil
		}))
	}
	if _, err := os.Stat(filepath.Join(p.w.DataDir, "lanyard.db-wal")); err != nil {
		ts.Fatalf("there is no WAL to look through: %v", err)
	}
	for _, value := range args {
		if len(value) < 8 {
			ts.Fatalf("%q is too short to be told from chance", value)
		}
		found := ""
		for place, text := range places {
			if strings.Contains(text, value) {
				found += place + "; "
			}
		}
		if !neg {
			p.searched = append(p.searched, value)
		}
		if (found == "") == neg {
			ts.Fatalf("%s was found in: %s(%d files looked through)", clip(value), found, files)
		}
	}
}

// searched N says that nowhere has looked for so many values at least.
func cmdSearched(p *play, ts *testscript.TestScript, _ bool, args []string) {
	seen := map[string]bool{}
	for _, v := range p.searched {
		seen[v] = true
	}
	if got := fmt.Sprint(len(seen)); len(got) < len(args[0]) || len(got) == len(args[0]) && got < args[0] {
		ts.Fatalf("%s values were looked for, want %s", got, args[0])
	}
}

// opens [kek] starts a server on a copy of the data directory elsewhere, with a
// key-encryption key of its own or, with kek, the one that belongs to it. What it
// says when it does not start is on stdout.
func cmdOpens(p *play, ts *testscript.TestScript, neg bool, args []string) {
	dir := filepath.Join(ts.MkAbs("."), "copy")
	ts.Check(os.CopyFS(dir, os.DirFS(p.w.DataDir)))
	defer func() { _ = os.RemoveAll(dir) }()
	settings := p.w.Settings
	settings.DataDir, settings.Socket = dir, filepath.Join(dir, "s")
	if len(args) == 0 {
		settings.KEK = "file:" + filepath.Join(ts.MkAbs("."), "kek")
	}
	s, err := server.New(context.Background(), settings, slog.New(slog.DiscardHandler))
	if err == nil {
		ts.Check(s.Close(context.Background()))
	} else {
		_, _ = fmt.Fprintln(ts.Stdout(), err)
	}
	if (err == nil) == neg {
		ts.Fatalf("opened: %v (%v)", err == nil, err)
	}
}
