// Package pgtemp runs a throw-away PostgreSQL server with what is installed on
// this machine. It listens on a Unix socket only, and it and its files are gone
// when Close is called or this process ends, however it ends.
//
//	Find     where initdb and postgres are
//	Start    initdb in a temporary directory, run, wait until it answers
//	URL      of one of its databases
package pgtemp

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// HowToGet says what to do where ErrNoPrograms is returned.
const HowToGet = `PostgreSQL's own programs (initdb, postgres) are needed:
  apt-get install postgresql        on Debian and Ubuntu
  brew install postgresql@17        on macOS
or set LANYARD_TEST_PG_BIN to the directory that has them`

// ErrNoPrograms: initdb and postgres are not on this machine.
var ErrNoPrograms = errors.New("its programs were not found")

// Config says how the server keeps its data.
type Config struct {
	Dir     string // where its directory is made; empty: the system's for temporary files
	Durable bool   // a commit waits for the disk, as in production; false: for tests, which lose nothing by a power cut
}

// Cluster is a running server.
type Cluster struct {
	dir  string
	stop io.Closer // closing it ends the server, as does the end of this process
	wait func() error
}

// Find returns the directory that has initdb and postgres: that of
// LANYARD_TEST_PG_BIN, of pg_ctl on the path, or the newest where distributions
// put them. ErrNoPrograms if there is none.
func Find() (string, error) {
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
	return "", ErrNoPrograms
}

func has(dir, program string) bool {
	_, err := exec.LookPath(filepath.Join(dir, program))
	return err == nil
}

// guard runs the server and takes it and its files away when its own standard
// input ends: that is when this process does, however it does.
const guard = `"$1/postgres" -D "$2/data" -c "fsync=$3" -c "full_page_writes=$3" -c "autovacuum=$3" -c "shared_buffers=$4" \
	-c listen_addresses= -c "unix_socket_directories=$2" -c max_connections=300 >"$2/log" 2>&1 </dev/null &
read -r _
kill -QUIT $! && wait $!
cd / && rm -rf "$2"`

// Start makes and runs a server, as another user where this one is root.
func Start(cfg Config) (*Cluster, error) {
	bin, err := Find()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(cfg.Dir, "lanyard-pg-")
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
	sync, buffers := "off", "32MB"
	if cfg.Durable {
		sync, buffers = "on", "128MB"
	}
	server := exec.Command("/bin/sh", "-c", guard, "sh", bin, dir, sync, buffers)
	server.Dir, server.SysProcAttr = dir, attributes
	stop, err := server.StdinPipe()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := server.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	c := &Cluster{dir: dir, stop: stop, wait: server.Wait}
	return c, c.ready()
}

// ready waits until the server answers.
func (c *Cluster) ready() error {
	db, err := sql.Open("pgx", c.URL("postgres"))
	if err != nil {
		return errors.Join(err, c.Close())
	}
	defer db.Close()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err = db.Ping(); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(c.dir, "log")) // what there is of it
			return errors.Join(fmt.Errorf("it did not answer: %w\n%s", err, log), c.Close())
		}
	}
}

// URL returns the URL of a database of the server, for the user who may do everything.
func (c *Cluster) URL(database string) string {
	return "postgres:///" + database + "?user=lanyard&host=" + url.QueryEscape(c.dir)
}

// Close ends the server and removes its files. It returns when that is done.
func (c *Cluster) Close() error {
	return errors.Join(c.stop.Close(), c.wait())
}
