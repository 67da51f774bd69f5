package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lanyard/internal/server"
)

var update = flag.Bool("update", false, "write docs/commands.md and docs/settings.md anew")

// place is a machine of its own: a data directory, a key, and no settings file.
type place struct {
	t   *testing.T
	dir string
	env []string
}

func newPlace(t *testing.T) *place {
	dir := t.TempDir()
	t.Chdir(dir)
	return &place{t: t, dir: dir, env: []string{"LANYARD_DATA_DIR=" + filepath.Join(dir, "data"), "LANYARD_KEK=file:" + filepath.Join(dir, "kek")}}
}

// run is the command; it returns the exit code and what it wrote.
func (p *place) run(args ...string) (int, string, string) {
	p.t.Helper()
	var out, err bytes.Buffer
	code := run(p.t.Context(), args, &out, &err, p.env)
	return code, out.String(), err.String()
}

func (p *place) ok(args ...string) string {
	p.t.Helper()
	code, out, err := p.run(args...)
	if code != 0 {
		p.t.Fatalf("lanyard %s: got %d\n%s%s", strings.Join(args, " "), code, out, err)
	}
	return out
}

// serve runs the server until the test ends.
func (p *place) serve(args ...string) {
	p.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var log bytes.Buffer
	done := make(chan int, 1)
	go func() {
		c := &cli{out: &bytes.Buffer{}, err: &log, environ: p.env}
		root := c.root()
		root.SetArgs(append([]string{"serve"}, args...))
		if err := root.ExecuteContext(ctx); err != nil {
			done <- c.fail(err)
			return
		}
		done <- 0
	}()
	p.t.Cleanup(func() {
		stop()
		if code := <-done; code != 0 {
			p.t.Errorf("serve ended with %d:\n%s", code, &log)
		}
	})
	for range 200 {
		if up, _ := answers(ctx, filepath.Join(p.dir, "data", "lanyard.sock")); up {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.t.Fatal("the server does not come up")
}

func TestCommandsWithoutAServerAndWithOne(t *testing.T) {
	p := newPlace(t)
	if out := p.ok("migrate", "status"); !strings.Contains(out, "not yet") && !strings.Contains(out, "STEP") {
		t.Errorf("got %s", out)
	}
	// In process, under the lock.
	if code, _, err := p.run("key", "list"); code != exitNotFound || !strings.Contains(err, "lanyard project create") {
		t.Errorf("got %d %s, want to be told that there is no project yet", code, err)
	}
	p.ok("project", "create", "prod")
	key := strings.TrimSpace(p.ok("key", "create", "--scope", "read,token", "--expires", "30d"))
	if !strings.HasPrefix(key, "lyk_") || strings.Contains(key, "\n") {
		t.Fatalf("got %q, want the key alone on standard output", key)
	}

	// With a server, over its socket.
	p.serve("--listen", "localhost:0")
	p.ok("project", "create", "dev")
	if code, _, err := p.run("key", "list"); code != exitUsage || !strings.Contains(err, "prod, dev") {
		t.Errorf("got %d %s, want to be asked which project", code, err)
	}
	if out := p.ok("key", "list", "--project", "prod"); !strings.Contains(out, key[:30]) || strings.Contains(out, key[31:]) {
		t.Errorf("got %s, want the key's id and not its secret", out)
	}
	if out := p.ok("project", "update", "--project", "dev", "--return-url", "https://a.example/cb", "--allow-custom-provider"); !strings.Contains(out, "https://a.example/cb") {
		t.Errorf("got %s", out)
	}
	if code, _, err := p.run("project", "update", "--project", "dev", "--return-url", "ftp://x"); code != exitUsage || !strings.Contains(err, "code: invalid_request") {
		t.Errorf("got %d %s", code, err)
	}
	p.ok("key", "create", "--project", "dev", "--scope", "connect", "--dialect", "meetstream")
	if out := p.ok("key", "list", "--project", "dev"); !strings.Contains(out, "meetstream") {
		t.Errorf("got %s, want the dialect of the key", out)
	}
	if code, _, err := p.run("key", "create", "--project", "dev", "--scope", "connect", "--dialect", "klingon"); code != exitUsage || !strings.Contains(err, "attendee or meetstream") {
		t.Errorf("got %d %s, want to be told which dialects there are", code, err)
	}
	var list []struct{ ID, Name string }
	if err := json.Unmarshal([]byte(p.ok("project", "list", "--json")), &list); err != nil || len(list) != 2 {
		t.Errorf("got %v %v, want two projects as JSON", list, err)
	}
	for _, args := range [][]string{{"vault", "status"}, {"vault", "rotate", "--level", "root"}, {"vault", "rotate", "--level", "project", "--project", "dev"},
		{"migrate"}, {"migrate", "status"}, {"version"}, {"project", "show", "--project", "prod"}, {"key", "create", "--operator"}, {"key", "list", "--operator"}} {
		p.ok(args...)
	}
	p.ok("key", "revoke", key[:30], "--project", "prod")
	if code, _, _ := p.run("key", "revoke", key[:30], "--project", "dev"); code != exitNotFound {
		t.Errorf("got %d for a key of another project", code)
	}
	if out := p.ok("key", "list", "--project", "prod"); !strings.Contains(out, "withdrawn") {
		t.Errorf("got %s", out)
	}
	code, out, _ := p.run("doctor", "--json")
	var findings []finding
	if err := json.Unmarshal([]byte(out), &findings); err != nil || len(findings) < 6 || code > exitFailed {
		t.Errorf("got %d %s", code, out)
	}
	for _, f := range findings {
		if f.Verdict != proved && f.Verdict != refused && f.Verdict != unknown {
			t.Errorf("got verdict %q", f.Verdict)
		}
	}
}

func TestOverTCPWithAKey(t *testing.T) {
	p := newPlace(t)
	p.ok("project", "create", "prod")
	admin := strings.TrimSpace(p.ok("key", "create", "--scope", "admin"))
	weak := strings.TrimSpace(p.ok("key", "create", "--scope", "read"))
	op := strings.TrimSpace(p.ok("key", "create", "--operator"))
	port := freePort(t)
	p.serve("--listen", "localhost:"+port, "--public-url", "http://localhost:"+port)
	socket := p.env
	with := func(key string) *place {
		return &place{t: t, dir: p.dir, env: append([]string{"LANYARD_SERVER=http://localhost:" + port, "LANYARD_KEY=" + key}, socket...)}
	}
	with(admin).ok("key", "list")
	with(op).ok("project", "list")
	with(op).ok("key", "list", "--project", "prod")
	for name, c := range map[string]struct {
		key  string
		args []string
		code int
		says string
	}{
		"no right":      {weak, []string{"key", "list"}, exitDenied, "scope_missing"},
		"no operator":   {admin, []string{"project", "list"}, exitDenied, "operator_only"},
		"a wrong key":   {"lyk_nonsense", []string{"key", "list"}, exitDenied, "credential_invalid"},
		"no key":        {"", []string{"key", "list"}, exitDenied, "LANYARD_KEY"},
		"nobody there":  {admin, []string{"key", "list", "--server", "http://localhost:1"}, exitUnavailable, "cannot be reached"},
		"in the clear":  {admin, []string{"key", "list", "--server", "http://lanyard.example"}, exitUsage, "https"},
		"not there":     {admin, []string{"key", "revoke", "lyk_00000000000000000000000000"}, exitNotFound, "not_found"},
		"wrong flag":    {admin, []string{"key", "list", "--nonsense"}, exitUsage, "nonsense"},
		"wrong command": {admin, []string{"nonsense"}, exitUsage, "nonsense"},
		"half command":  {admin, []string{"key"}, exitUsage, "needs a command"},
		"missing word":  {admin, []string{"key", "revoke"}, exitUsage, "key revoke --help"},
	} {
		code, _, err := with(c.key).run(c.args...)
		if code != c.code || !strings.HasPrefix(err, "lanyard: ") || !strings.Contains(err, c.says) {
			t.Errorf("%s: got %d %q, want %d and %q", name, code, err, c.code, c.says)
		}
		if c.key != "" && strings.Contains(err, c.key) {
			t.Errorf("%s: got the key in %q", name, err)
		}
	}
	code, _, err := with(weak).run("key", "list", "--json")
	var problem struct{ Code string }
	if json.Unmarshal([]byte(err), &problem) != nil || code != exitDenied || problem.Code != "scope_missing" {
		t.Errorf("got %d %s, want the problem as JSON", code, err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := strings.Cut(l.Addr().String(), ":")
	return port
}

func TestConfigHidesSecrets(t *testing.T) {
	p := newPlace(t)
	p.env = append(p.env, "LANYARD_SMTP_URL=smtps://u:s3cr3t@mail.example", "LANYARD_MAIL_FROM=lanyard@sender.example", "LANYARD_DATABASE_URL=postgres://u:s3cr3t@db/x", "LANYARD_LISTNE=x")
	for _, args := range [][]string{{"config"}, {"config", "--json"}} {
		out := p.ok(args...)
		if strings.Contains(out, "s3cr3t") || !strings.Contains(out, "[redacted]") || !strings.Contains(out, "environment") || !strings.Contains(out, "LANYARD_LISTNE") {
			t.Errorf("%v: got %s", args, out)
		}
	}
	if code, out, err := p.run("config", "--public-url", "http://a.example"); code != exitFailed || !strings.Contains(out, "http://a.example") || !strings.Contains(err, "plain http") {
		t.Errorf("got %d %s, want the settings and what is wrong with them", code, err)
	}
	for _, s := range server.Described() {
		if f := new(cli).root().Commands(); s.Secret && strings.Contains(fmt.Sprint(f), "--"+s.Flag) {
			t.Errorf("got a flag for secret %s", s.Name)
		}
	}
}

// The pages are made from the commands and the settings, so they cannot drift.
func TestDocsAreWhatTheCommandsSay(t *testing.T) {
	var settings, commands bytes.Buffer
	if err := writeSettings(&settings); err != nil {
		t.Fatal(err)
	}
	writeCommands(&commands, (&cli{}).root())
	for path, got := range map[string]string{"../../docs/settings.md": settings.String(), "../../docs/commands.md": commands.String()} {
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != got {
			t.Errorf("%s is not what the program says (%v); run: go test ./cmd/lanyard -run Docs -update", path, err)
		}
	}
}

func writeCommands(w *bytes.Buffer, root *cobra.Command) {
	w.WriteString(`# Commands

` + root.Long + `

A key is never an argument: command lines are in every process list.

## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | the command or the request is wrong: change it |
| 3 | not found, or not yours |
| 4 | denied: no key, a wrong one, or one that may not |
| 5 | not reachable, or not able to at the moment: try again later |
| 6 | not in this state of things: the message says what has to be done first |

A failure says the sentence, the code of [errors](errors.md) and the next step on standard error; with ` + "`--json`" + ` it is the problem object instead.

## For every command

`)
	writeFlags(w, root.PersistentFlags())
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			if !sub.IsAvailableCommand() || sub.Name() == "completion" || sub.Name() == "help" {
				continue
			}
			if sub.Runnable() && !sub.HasSubCommands() || sub.Name() == "migrate" {
				text := sub.Long
				if text == "" {
					text = sub.Short + "."
				}
				fmt.Fprintf(w, "\n## %s\n\n```\n%s\n```\n\n%s\n\n", sub.CommandPath(), sub.UseLine(), text)
				writeFlags(w, sub.LocalNonPersistentFlags())
			}
			walk(sub)
		}
	}
	walk(root)
}

func writeFlags(w *bytes.Buffer, f *pflag.FlagSet) {
	f.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && !f.Hidden {
			fmt.Fprintf(w, "- `--%s`: %s\n", f.Name, f.Usage)
		}
	})
}
