package pgtemp_test

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"testing"
	"time"

	"lanyard/internal/store/pgtemp"
)

func TestAServerAnswersAndLeavesNothing(t *testing.T) {
	if os.Getenv("LANYARD_TEST_POSTGRES") != "" {
		t.Skip("LANYARD_TEST_POSTGRES is set")
	}
	for name, want := range map[string]string{"throw-away": "off", "durable": "on"} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "lanyard-pg-of-") // in which the server's user cannot remove anything, where that is another
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := os.Remove(dir); err != nil {
					t.Error(err)
				}
			})
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			c, err := pgtemp.Start(pgtemp.Config{Durable: want == "on", Dir: dir})
			if errors.Is(err, pgtemp.ErrNoPrograms) && os.Getenv("CI") == "" {
				t.Skip(pgtemp.HowToGet)
			}
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(c.URL("postgres"))
			if err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open("pgx", c.URL("postgres"))
			if err != nil {
				t.Fatal(err)
			}
			var got string
			if err := db.QueryRow("SHOW fsync").Scan(&got); err != nil || got != want {
				t.Errorf("fsync: got %q (%v), want %q", got, err, want)
			}
			if err := errors.Join(db.Close(), c.Close()); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(u.Query().Get("host")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("its directory: got %v, want it gone", err)
			}
		})
	}
}

// count returns how many rows are in table t, or why it cannot be said.
func count(t *testing.T, c *pgtemp.Cluster) (n int, err error) {
	t.Helper()
	db, err := sql.Open("pgx", c.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return n, db.QueryRow("SELECT count(*) FROM t").Scan(&n)
}

func exec(t *testing.T, c *pgtemp.Cluster, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", c.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func TestAServerCrashesAndAStandbyTakesOver(t *testing.T) {
	if os.Getenv("LANYARD_TEST_POSTGRES") != "" {
		t.Skip("LANYARD_TEST_POSTGRES is set")
	}
	c, err := pgtemp.Start(pgtemp.Config{})
	if errors.Is(err, pgtemp.ErrNoPrograms) && os.Getenv("CI") == "" {
		t.Skip(pgtemp.HowToGet)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	exec(t, c, "CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := count(t, c); err == nil {
		t.Error("a server that was stopped answers")
	}
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	s, err := c.Standby("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	exec(t, c, "INSERT INTO t VALUES (2)")
	got, err := 0, error(nil)
	for end := time.Now().Add(20 * time.Second); got != 2 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		got, err = count(t, s)
	}
	if got != 2 {
		t.Fatalf("got %d rows (%v) at the standby, want 2", got, err)
	}
	if err := errors.Join(c.Stop(), s.Promote()); err != nil {
		t.Fatal(err)
	}
	exec(t, s, "INSERT INTO t VALUES (3)")
	if got, err := count(t, s); got != 3 {
		t.Errorf("got %d rows (%v) after the promotion, want 3", got, err)
	}
}
