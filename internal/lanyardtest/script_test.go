package lanyardtest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
)

// Each script in testdata/script tells an attack and tries it. The commands are
// explained in testdata/script/README.md.
func TestScripts(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // so that "nowhere" can look through every temporary file
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"), RequireUniqueNames: true, Cmds: commands(),
		Setup: func(env *testscript.Env) error {
			env.Values[playKey{}] = &play{tb: env.T().(testing.TB), browsers: map[string]*lanyardtest.Browser{}}
			env.Setenv("RETURN", lanyardtest.Return)
			return nil
		},
	})
}

type playKey struct{}

// play is what one script has made so far.
type play struct {
	tb       testing.TB
	w        *lanyardtest.World
	options  []lanyardtest.Option
	browsers map[string]*lanyardtest.Browser
	traps    map[string]*trap

	last     answer
	noted    string   // of "remember"
	shown    []string // error answers and pages, for "nowhere"
	searched []string // values that "nowhere" looked for
}

// answer is what the last api or browser command was answered.
type answer struct {
	url    string
	status int
	header http.Header
	body   string
	next   string
	took   time.Duration
}

type command func(p *play, ts *testscript.TestScript, neg bool, args []string)

func commands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	out := map[string]func(ts *testscript.TestScript, neg bool, args []string){}
	all := map[string]command{
		"server": cmdServer, "app": cmdApp, "invite": cmdInvite, "connect": cmdConnect, "project": cmdProject,
		"browser": cmdBrowser, "api": cmdAPI, "expect": cmdExpect, "keep": cmdKeep, "send": cmdSend,
		"fault": cmdFault, "ledger": cmdLedger, "trap": cmdTrap, "forge": cmdForge,
		"sql": cmdSQL, "tamper": cmdTamper, "remember": cmdRemember, "unchanged": cmdUnchanged,
		"opens": cmdOpens, "nowhere": cmdNowhere, "searched": cmdSearched, "foreign": cmdForeign, "notice": cmdNotice,
	}
	for name, c := range all {
		out[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			c(ts.Value(playKey{}).(*play), ts, neg, args)
		}
	}
	out["repeat"] = func(ts *testscript.TestScript, neg bool, args []string) {
		n, err := strconv.Atoi(args[0])
		ts.Check(err)
		for range n {
			out[args[1]](ts, neg, args[2:])
		}
	}
	return out
}

// server [SETTING=VALUE…] starts it, or starts it again on the same data; server
// stop stops it.
func cmdServer(p *play, ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 1 && args[0] == "stop" {
		p.w.Stop()
		return
	}
	socket, err := os.MkdirTemp("", "ly") // a socket's address has little room
	ts.Check(err)
	p.options = []lanyardtest.Option{func(s *server.Settings) { s.Socket = filepath.Join(socket, "s") }}
	for name, value := range pairs(ts, args) {
		p.options = append(p.options, setting(ts, name, value))
	}
	if p.w == nil {
		p.w = lanyardtest.New(p.tb, p.options...)
	} else {
		p.w.Restart(p.options...)
	}
	ts.Setenv("URL", p.w.URL)
	ts.Setenv("SANDBOX", p.w.SandURL)
	ts.Setenv("KEY", p.w.Key)
}

// setting sets one of the server's settings by its name.
func setting(ts *testscript.TestScript, name, value string) lanyardtest.Option {
	return func(s *server.Settings) {
		v := reflect.ValueOf(s).Elem()
		for f := range v.Type().Fields() {
			if f.Tag.Get("name") != name {
				continue
			}
			switch to := v.FieldByIndex(f.Index); to.Kind() {
			case reflect.String:
				to.SetString(value)
				return
			case reflect.Bool:
				to.SetBool(value == "true")
				return
			case reflect.Int:
				n, err := strconv.Atoi(value)
				ts.Check(err)
				to.SetInt(int64(n))
				return
			}
		}
		ts.Fatalf("there is no setting %s that a script can set", name)
	}
}

// pairs reads NAME=VALUE arguments.
func pairs(ts *testscript.TestScript, args []string) map[string]string {
	out := map[string]string{}
	for _, a := range args {
		name, value, ok := strings.Cut(a, "=")
		if !ok {
			ts.Fatalf("%q is not NAME=VALUE", a)
		}
		out[name] = value
	}
	return out
}

// value finds what an expectation is about, in the last answer.
func (p *play) value(ts *testscript.TestScript, what string) string {
	kind, name, _ := strings.Cut(what, ".")
	switch kind {
	case "status":
		return strconv.Itoa(p.last.status)
	case "code":
		return p.last.code()
	case "body":
		return p.last.body
	case "within":
		return p.last.took.String()
	case "header":
		return strings.Join(p.last.header.Values(name), ", ")
	case "json":
		return jsonAt(p.last.body, name)
	case "next":
		if name == "" {
			return p.last.next
		}
		u, err := url.Parse(p.last.next)
		ts.Check(err)
		return u.Query().Get(name)
	case "cookie": // the value of the one that has this in its name
		for _, c := range (&http.Response{Header: p.last.header}).Cookies() {
			if strings.Contains(c.Name, name) {
				return c.Value
			}
		}
		return ""
	}
	ts.Fatalf("%q is not status, code, body, within, header.…, json.…, next, next.… or cookie.…", what)
	return ""
}

var problemPath = regexp.MustCompile(`/connect/problem/([a-z_]+)`)

// code is the error code of an answer: in the JSON, in the parameter that goes
// back to the customer, or in the address of the page a person is sent to.
func (a answer) code() string {
	if c := jsonAt(a.body, "code"); c != "" {
		return c
	}
	if u, err := url.Parse(a.next); err == nil && u.Query().Get("lanyard_error") != "" {
		return u.Query().Get("lanyard_error")
	}
	if m := problemPath.FindStringSubmatch(a.next); m != nil {
		return m[1]
	}
	return ""
}

// expect WHAT VALUE compares with the last answer. header, next and body take a
// regular expression, within takes seconds; the others are exact.
func cmdExpect(p *play, ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: expect WHAT VALUE")
	}
	got := p.value(ts, args[0])
	ok := got == args[1]
	switch kind, _, _ := strings.Cut(args[0], "."); kind {
	case "within":
		seconds, err := strconv.ParseFloat(args[1], 64)
		ts.Check(err)
		ok = p.last.took.Seconds() < seconds
	case "header", "next", "body":
		re, err := regexp.Compile(args[1])
		ts.Check(err)
		ok = re.MatchString(got)
	}
	if ok == neg {
		ts.Fatalf("%s: got %s, want %s%q; the whole answer: %d to %s\n%.600s", args[0], clip(got), map[bool]string{true: "not "}[neg], args[1], p.last.status, p.last.next, p.last.body)
	}
}

// keep NAME WHAT puts a value of the last answer into a variable; keep NAME wire
// REGEXP the first group of its last match between server and provider.
func cmdKeep(p *play, ts *testscript.TestScript, _ bool, args []string) {
	var got string
	switch {
	case len(args) == 3 && args[1] == "wire":
		if all := regexp.MustCompile(args[2]).FindAllStringSubmatch(p.w.Wire.String(), -1); len(all) > 0 {
			got = all[len(all)-1][1]
		}
	case len(args) == 2:
		got = p.value(ts, args[1])
	default:
		ts.Fatalf("usage: keep NAME WHAT | keep NAME wire REGEXP")
	}
	if got == "" {
		ts.Fatalf("nothing to keep for %s at %s; the whole answer: %d to %s\n%.600s", args[0], args[1], p.last.status, p.last.next, p.last.body)
	}
	ts.Setenv(args[0], got)
}

// note remembers an answer, and what of it everybody may see.
func (p *play) note(a answer) {
	p.last = a
	if strings.HasPrefix(a.url, p.w.URL) && (a.status >= 400 || strings.Contains(a.header.Get("Content-Type"), "html")) {
		p.shown = append(p.shown, fmt.Sprintf("%v\n%s", a.header, a.body))
	}
}

func (p *play) do(ts *testscript.TestScript, client *http.Client, r *http.Request) {
	began := time.Now()
	resp, err := client.Do(r)
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	ts.Check(err)
	p.note(answer{url: r.URL.String(), status: resp.StatusCode, header: resp.Header, body: string(raw), next: resp.Header.Get("Location"), took: time.Since(began)})
}

func clip(s string) string {
	if len(s) > 300 {
		s = s[:300] + "…"
	}
	return strconv.Quote(s)
}

// docs/threats.md says which attack is shown by which script.
func TestThreatsNameTheirScripts(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "threats.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 {
			continue
		}
		for _, m := range regexp.MustCompile("`(T[0-9]{2}-[a-z-]+)`").FindAllStringSubmatch(cells[len(cells)-2], -1) {
			named[m[1]] = true
			if !strings.HasPrefix(m[1], strings.TrimSpace(cells[1])+"-") {
				t.Errorf("the row of %s names %s", strings.TrimSpace(cells[1]), m[1])
			}
		}
	}
	scripts, err := filepath.Glob(filepath.Join("testdata", "script", "*-regression.txtar"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("got %d scripts, %v", len(scripts), err)
	}
	for _, s := range scripts {
		name := strings.TrimSuffix(filepath.Base(s), "-regression.txtar")
		if !named[name] {
			t.Errorf("no row of docs/threats.md names %s", name)
		}
		delete(named, name)
	}
	for name := range named {
		t.Errorf("docs/threats.md names %s, and there is no such script", name)
	}
}
