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
	"time"
)

// Pooler is a PgBouncer in transaction mode in front of a server: what a client
// keeps in a session may be another client's the next time.
type Pooler struct {
	dir  string
	stop io.Closer
	wait func() error
}

// ErrNoPooler: PgBouncer is not on this machine.
var ErrNoPooler = errors.New("PgBouncer was not found: apt-get install pgbouncer, or put it on PATH")

// Pooler runs a PgBouncer in front of the server, with few connections for many
// clients, so that they do share them.
func (c *Cluster) Pooler() (_ *Pooler, err error) {
	program := ""
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} { // the latter is not on everybody's path
		if program, err = exec.LookPath(name); err == nil {
			break
		}
	}
	if err != nil {
		return nil, ErrNoPooler
	}
	p := &Pooler{}
	if p.dir, err = os.MkdirTemp(c.cfg.Dir, "lanyard-pool-"); err != nil {
		return nil, err
	}
	fail := func(err error) (*Pooler, error) { return nil, errors.Join(err, os.RemoveAll(p.dir)) }
	ini := filepath.Join(p.dir, "pgbouncer.ini")
	settings := fmt.Sprintf(`[databases]
* = host=%s
[pgbouncer]
unix_socket_dir = %s
listen_addr =
listen_port = 6432
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = 4
max_client_conn = 500
server_idle_timeout = 5
`, c.dir, p.dir, filepath.Join(p.dir, "users"))
	err = errors.Join(os.WriteFile(filepath.Join(p.dir, "users"), []byte("\"lanyard\" \"\"\n"), 0o644),
		os.WriteFile(ini, []byte(settings), 0o644))
	if err != nil {
		return fail(err)
	}
	attributes, err := asNobody(p.dir) // it refuses to run as root
	if err != nil {
		return fail(err)
	}
	run := exec.Command("/bin/sh", "-c", `"$1" -q "$2/pgbouncer.ini" >"$2/log" 2>&1 </dev/null &
read -r _
kill -KILL $!; wait $!
cd / && rm -rf "$2"`, "sh", program, p.dir)
	run.Dir, run.SysProcAttr = p.dir, attributes
	if p.stop, err = run.StdinPipe(); err != nil {
		return fail(err)
	}
	if err := run.Start(); err != nil {
		return fail(err)
	}
	p.wait = run.Wait
	return p, p.ready()
}

func (p *Pooler) ready() error {
	db, err := sql.Open("pgx", p.URL("postgres")+"&default_query_exec_mode=exec")
	if err != nil {
		return errors.Join(err, p.Close())
	}
	defer db.Close()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err = db.Ping(); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(p.dir, "log")) // what there is of it
			return errors.Join(fmt.Errorf("PgBouncer did not answer: %w\n%s", err, log), p.Close())
		}
	}
}

// URL returns the URL of one of the server's databases, through the pooler.
func (p *Pooler) URL(database string) string {
	return "postgres:///" + database + "?user=lanyard&port=6432&host=" + url.QueryEscape(p.dir)
}

// Close ends the pooler and removes its files.
func (p *Pooler) Close() error { return errors.Join(p.stop.Close(), p.wait()) }
