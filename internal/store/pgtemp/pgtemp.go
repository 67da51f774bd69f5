// Package pgtemp runs a throw-away PostgreSQL server with what is installed on
// this machine. It listens on a Unix socket only, and it and its files are gone
// when Close is called or this process ends, however it ends.
//
//	Find     where initdb and postgres are
//	Start    initdb in a temporary directory, run, wait until it answers
//	URL      of one of its databases
//	Stop     as a crash does; Run starts it again
//	Standby  a copy that follows it; Promote makes it the one that takes changes
package pgtemp

import (
	"bufio"
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

// Cluster is a server: running, or stopped by Stop.
type Cluster struct {
	cfg  Config
	bin  string
	dir  string
	tell io.WriteCloser // closing it ends the server, as does the end of this process
	said *bufio.Reader
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

// guard runs the server, does what the lines of its standard input say, and takes
// the server and its files away when that input ends: that is when this process
// does, however it does.
const guard = `bin=$1 dir=$2 sync=$3 buffers=$4
run() {
	"$bin/postgres" -D "$dir/data" -c "fsync=$sync" -c "full_page_writes=$sync" -c "autovacuum=$sync" -c "shared_buffers=$buffers" \
		-c listen_addresses= -c "unix_socket_directories=$dir" -c max_connections=300 >>"$dir/log" 2>&1 </dev/null &
}
run
while read -r word; do
	case $word in
	run) run ;;
	*) kill "-$word" $! && wait $! ;;
	esac
	echo done
done
kill -QUIT $! 2>/dev/null && wait $!
cd / && rm -rf "$dir" 2>/dev/null
exit 0`

// Start makes and runs a server, as another user where this one is root.
func Start(cfg Config) (*Cluster, error) {
	c, err := folder(cfg)
	if err != nil {
		return nil, err
	}
	err = c.command("initdb", "-D", filepath.Join(c.dir, "data"), "-U", "lanyard", "-A", "trust", "-N", "--no-instructions", "-E", "UTF8", "--locale=C")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	return c, c.run()
}

// folder makes the directory of a server.
func folder(cfg Config) (*Cluster, error) {
	bin, err := Find()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(cfg.Dir, "lanyard-pg-")
	return &Cluster{cfg: cfg, bin: bin, dir: dir}, err
}

// command runs one of PostgreSQL's programs.
func (c *Cluster) command(name string, args ...string) error {
	attributes, err := asNobody(c.dir) // the server refuses to run as root
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir, cmd.SysProcAttr = c.dir, attributes
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// run starts the server and waits until it answers.
func (c *Cluster) run() error {
	fail := func(err error) error { return errors.Join(err, os.RemoveAll(c.dir)) }
	attributes, err := asNobody(c.dir)
	if err != nil {
		return fail(err)
	}
	sync, buffers := "off", "32MB"
	if c.cfg.Durable {
		sync, buffers = "on", "128MB"
	}
	server := exec.Command("/bin/sh", "-c", guard, "sh", c.bin, c.dir, sync, buffers)
	server.Dir, server.SysProcAttr = c.dir, attributes
	if c.tell, err = server.StdinPipe(); err != nil {
		return fail(err)
	}
	said, err := server.StdoutPipe()
	if err != nil {
		return fail(err)
	}
	if err := server.Start(); err != nil {
		return fail(err)
	}
	c.said, c.wait = bufio.NewReader(said), server.Wait
	return c.ready()
}

// order has the guard do something, and waits until it is done.
func (c *Cluster) order(word string) error {
	if _, err := io.WriteString(c.tell, word+"\n"); err != nil {
		return err
	}
	_, err := c.said.ReadString('\n')
	return err
}

// Stop ends the server at once, as a crash does; its data stays. Nothing answers
// until Run.
func (c *Cluster) Stop() error { return c.order("QUIT") }

// Run starts the server again after Stop, and waits until it answers.
func (c *Cluster) Run() error { return errors.Join(c.order("run"), c.ready()) }

// Standby makes and runs a copy of the server that follows it, as far as the
// connection reaches: through is how to connect, "host=127.0.0.1 port=7001" for
// somebody in between, empty for this server's own socket.
func (c *Cluster) Standby(through string) (*Cluster, error) {
	s, err := folder(c.cfg)
	if err != nil {
		return nil, err
	}
	if through == "" {
		through = "host=" + c.dir
	}
	err = s.command("pg_basebackup", "-d", through+" user=lanyard dbname=postgres", "-D", filepath.Join(s.dir, "data"), "-R", "-X", "stream", "-c", "fast", "--no-sync")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, s.run()
}

// Promote makes a standby the server that takes changes, with what it has
// received.
func (c *Cluster) Promote() error {
	db, err := sql.Open("pgx", c.URL("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec("SELECT pg_promote()")
	return err
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

// Socket is the Unix socket that the server listens on.
func (c *Cluster) Socket() string { return filepath.Join(c.dir, ".s.PGSQL.5432") }

// Dir is the directory of the socket: the host of a connection string.
func (c *Cluster) Dir() string { return c.dir }

// Close ends the server and removes its files. It returns when that is done.
func (c *Cluster) Close() error {
	return errors.Join(c.tell.Close(), c.wait(), os.RemoveAll(c.dir)) // the guard's user may not be able to
}
