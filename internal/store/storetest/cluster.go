package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"lanyard"
	"lanyard/internal/store"
)

// cluster is a PostgreSQL server: ours, or the one that was named to us.
type cluster struct {
	admin    *sql.DB
	url      func(database string) string
	template string // a migrated database to copy; empty: none
	copyWord string
	stop     io.Closer // closing it ends a server of ours, as does the end of this process
}

// A test binary has one cluster, for as long as it runs.
var theCluster = sync.OnceValues(startCluster)

const howToGet = `These tests need PostgreSQL's own programs (initdb, postgres):
  apt-get install postgresql        on Debian and Ubuntu
  brew install postgresql@17        on macOS
or set LANYARD_TEST_PG_BIN to the directory that has them,
or LANYARD_TEST_POSTGRES to the URL of a server where we may make databases.
Without them these tests are skipped, unless CI is set; "off" skips them always.`

// newDatabase makes a database that goes when the test ends, and returns its URL.
func newDatabase(t testing.TB, migrated bool) string {
	t.Helper()
	if os.Getenv("LANYARD_TEST_POSTGRES") == "off" {
		t.Skip("LANYARD_TEST_POSTGRES=off")
	}
	c, err := theCluster()
	if errors.Is(err, errNoPrograms) && os.Getenv("CI") == "" {
		t.Skipf("%v\n%s", err, howToGet)
	}
	if err != nil {
		t.Fatalf("start PostgreSQL: %v\n%s", err, howToGet)
	}
	ctx := context.Background()
	name := lanyard.NewID[string]("t_")
	make := "CREATE DATABASE " + name
	if migrated && c.template != "" {
		make += " TEMPLATE " + c.template + c.copyWord
	}
	if _, err := c.admin.ExecContext(ctx, make); err != nil {
		t.Fatalf("make database: %v", err)
	}
	t.Cleanup(func() {
		if _, err := c.admin.ExecContext(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return c.url(name)
}

func startCluster() (*cluster, error) {
	if dsn := os.Getenv("LANYARD_TEST_POSTGRES"); dsn != "" {
		u, err := url.Parse(dsn)
		if err != nil {
			return nil, errors.New("LANYARD_TEST_POSTGRES is not a URL")
		}
		admin, err := connect(dsn)
		if err != nil {
			return nil, err
		}
		return &cluster{admin: admin, url: func(database string) string {
			mine := *u
			mine.Path = "/" + database
			return mine.String()
		}}, nil
	}
	bin, err := findPrograms()
	if err != nil {
		return nil, err
	}
	c, err := initAndStart(bin)
	if err != nil {
		return nil, err
	}
	if err := c.makeTemplate(); err != nil {
		return nil, errors.Join(err, c.stop.Close())
	}
	return c, nil
}

var errNoPrograms = errors.New("its programs were not found")

// findPrograms returns the directory that has initdb and postgres.
func findPrograms() (string, error) {
	var places []string
	if dir := os.Getenv("LANYARD_TEST_PG_BIN"); dir != "" {
		places = append(places, dir)
	}
	if ctl, err := exec.LookPath("pg_ctl"); err == nil {
		if real, err := filepath.EvalSymlinks(ctl); err == nil {
			places = append(places, filepath.Dir(real))
		}
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		slices.Reverse(found) // the newest first
		places = append(places, found...)
	}
	for _, dir := range places {
		if has(dir, "initdb") && has(dir, "postgres") {
			return dir, nil
		}
	}
	return "", errNoPrograms
}

func has(dir, program string) bool {
	_, err := exec.LookPath(filepath.Join(dir, program))
	return err == nil
}

// guard runs the server and takes it and its files away when its own standard
// input ends: that is when this process does, however it does.
const guard = `"$1/postgres" -D "$2/data" -c fsync=off -c full_page_writes=off -c listen_addresses= -c "unix_socket_directories=$2" \
	-c max_connections=300 -c shared_buffers=32MB -c autovacuum=off >"$2/log" 2>&1 </dev/null &
read -r _
kill -QUIT $! && wait $!
cd / && rm -rf "$2"`

func initAndStart(bin string) (*cluster, error) {
	dir, err := os.MkdirTemp("", "lanyard-pg-")
	if err != nil {
		return nil, err
	}
	attributes, err := asNobody(dir) // the server refuses to run as root
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "lanyard", "-A", "trust", "-N",
		"--no-instructions", "-E", "UTF8", "--locale=C")
	initdb.Dir, initdb.SysProcAttr = dir, attributes
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), os.RemoveAll(dir))
	}
	server := exec.Command("/bin/sh", "-c", guard, "sh", bin, dir)
	server.Dir, server.SysProcAttr = dir, attributes
	stop, err := server.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	c := &cluster{stop: stop, url: func(database string) string {
		return "postgres:///" + database + "?user=lanyard&host=" + url.QueryEscape(dir)
	}}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c.admin, err = connect(c.url("postgres")); err == nil {
			return c, nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(dir, "log")) // what there is of it
			return nil, errors.Join(fmt.Errorf("it did not answer: %w\n%s", err, log), stop.Close())
		}
	}
}

func connect(dsn string) (*sql.DB, error) {
	admin, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, err
	}
	admin.SetMaxIdleConns(1)
	if err := admin.Ping(); err != nil {
		return nil, errors.Join(err, admin.Close())
	}
	return admin, nil
}

// makeTemplate migrates a database once, so that each test copies it in the time
// of a file copy. The copies must not share the id of an instance.
func (c *cluster) makeTemplate() error {
	ctx := context.Background()
	if _, err := c.admin.ExecContext(ctx, "CREATE DATABASE template_lanyard"); err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Config{URL: c.url("template_lanyard"), Version: Version, MaxConns: 2})
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	inside, err := connect(c.url("template_lanyard"))
	if err != nil {
		return err
	}
	_, err = inside.ExecContext(ctx, "DELETE FROM meta WHERE key = 'instance_id'")
	if err := errors.Join(err, inside.Close()); err != nil {
		return err
	}
	var version string
	if err := c.admin.QueryRowContext(ctx, "SHOW server_version_num").Scan(&version); err != nil {
		return err
	}
	if n, err := strconv.Atoi(strings.TrimSpace(version)); err == nil && n >= 150000 {
		c.copyWord = " STRATEGY file_copy"
	}
	c.template = "template_lanyard"
	return nil
}
