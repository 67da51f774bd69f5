package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"lanyard"
	"lanyard/client"
	"lanyard/internal/server"
	"lanyard/wire"
)

var update = flag.Bool("update", false, "write openapi.json anew")

type running struct {
	t        *testing.T
	s        *server.Server
	settings server.Settings
	base     string
	key      string
	log      *safeBuffer
	stop     func() error
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func settings(t *testing.T, flags map[string]string) server.Settings {
	t.Helper()
	all := map[string]string{"public_url": "http://localhost:8080", "listen": "127.0.0.1:0", "data_dir": filepath.Join(t.TempDir(), "data"),
		"kek": "file:" + filepath.Join(t.TempDir(), "kek"), "drain_time": "5s"}
	for k, v := range flags {
		all[k] = v
	}
	loaded, err := server.Load(server.Sources{Flags: all})
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Settings
}

func start(t *testing.T, st server.Settings) *running {
	t.Helper()
	r := &running{t: t, settings: st, log: &safeBuffer{}}
	ctx, cancel := context.WithCancel(context.Background())
	log, err := server.NewLogger(r.log, "debug")
	if err == nil {
		r.s, err = server.New(ctx, st, log)
	}
	if err == nil {
		err = r.s.Listen(ctx)
	}
	var terminal bytes.Buffer
	if err == nil {
		err = r.s.Bootstrap(ctx, &terminal)
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	if at := strings.Index(terminal.String(), "lyk_"); at >= 0 {
		r.key = terminal.String()[at:][:88]
	}
	r.base = "http://" + r.s.Addr()
	done := make(chan error, 1)
	go func() { done <- r.s.Run(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return errors.Join(<-done, r.s.Close(context.Background()))
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return r
}

func (r *running) socket() *client.Client {
	r.t.Helper()
	c, err := client.New(client.Config{Socket: r.settings.Socket})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *running) tcp(key, project string) *client.Client {
	r.t.Helper()
	c, err := client.New(client.Config{Server: r.base, Key: lanyard.NewSecret(key), Project: project})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func get(t *testing.T, c *http.Client, url string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), resp.Header
}

func TestTheOpenAPIDocumentIsTheCommittedOne(t *testing.T) {
	r := start(t, settings(t, nil))
	got, err := r.s.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("openapi.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("openapi.json is not what is registered; run: go test ./internal/server -run OpenAPI -update")
	}
	if _, served, _ := get(t, http.DefaultClient, r.base+"/openapi.json"); served != string(want) && !*update {
		t.Error("got another document served than committed")
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Security []map[string][]string
			Scope    string `json:"x-lanyard-scope"`
		}
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Enum []lanyard.EventType }
			}
		}
	}
	if err := json.Unmarshal(got, &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Paths) < 5 {
		t.Fatalf("got %d paths", len(doc.Paths))
	}
	for _, of := range []string{"Event", "Delivery"} {
		if types := doc.Components.Schemas[of].Properties["type"].Enum; !slices.Equal(types, lanyard.EventTypes) {
			t.Errorf("%s: got the types %q, want all that there are, in their order: %q", of, types, lanyard.EventTypes)
		}
	}
	// The security of every operation is not a matter of what it says of itself.
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if len(op.Security) == 0 != (op.Scope == "capability") || op.Scope == "" {
				t.Errorf("%s %s: no security in the document", method, path)
			}
			req, _ := http.NewRequestWithContext(t.Context(), strings.ToUpper(method), r.base+strings.ReplaceAll(path, "{id}", "x"), nil)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != 401 {
				t.Errorf("%s %s without a credential: got %d, want 401", method, path, resp.StatusCode)
			}
		}
	}
}

func TestFirstStart(t *testing.T) {
	st := settings(t, nil)
	r := start(t, st)
	if r.key == "" {
		t.Fatal("got no first key on the terminal")
	}
	who, err := r.tcp(r.key, "").Whoami(t.Context())
	if err != nil || len(who.Scopes) != len(lanyard.Scopes) || who.Project == "" {
		t.Fatalf("got %+v %v, want the first key with every scope", who, err)
	}
	projects, err := r.socket().ListProjects(t.Context(), client.Page{})
	if err != nil || len(projects.Data) != 1 || projects.Data[0].Name != "default" {
		t.Fatalf("got %+v %v, want project default", projects, err)
	}
	if strings.Contains(r.log.String(), r.key) {
		t.Error("got the first key in the log")
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	again := start(t, st)
	if again.key != "" {
		t.Error("got a key again on the second start")
	}
	if _, err := again.tcp(r.key, "").Whoami(t.Context()); err != nil {
		t.Errorf("got %v with the first key after a restart", err)
	}
}

func TestFirstKeyInAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "first")
	r := start(t, settings(t, map[string]string{"first_key_file": file}))
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, want 0600", info.Mode())
	}
	if _, err := r.tcp(strings.TrimSpace(string(b)), "").Whoami(t.Context()); err != nil {
		t.Errorf("got %v with the key of the file", err)
	}
	// Over nothing.
	s, err := server.New(t.Context(), settings(t, map[string]string{"first_key_file": file}), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	if err := s.Bootstrap(t.Context(), nil); err == nil {
		t.Error("got a file written over, want it refused")
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(b, after) {
		t.Error("got the file changed")
	}
}

func TestASecondServerIsRefused(t *testing.T) {
	r := start(t, settings(t, nil))
	_, err := server.New(t.Context(), r.settings, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), r.settings.DataDir) {
		t.Fatalf("got %v, want a refusal that names the directory", err)
	}
	if _, err := r.socket().Whoami(t.Context()); err != nil {
		t.Errorf("got %v from the first one afterwards", err)
	}
}

func TestWrongKEKIsRefusedAndNamed(t *testing.T) {
	st := settings(t, nil)
	r := start(t, st)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	st.KEK = "file:" + filepath.Join(t.TempDir(), "another")
	if _, err := server.New(t.Context(), st, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "kek_") {
		t.Errorf("got %v, want it to name the key it needs", err)
	}
}

func TestTheOperatorsDoor(t *testing.T) {
	r := start(t, settings(t, nil))
	ctx, op := t.Context(), r.socket()
	who, err := op.Whoami(ctx)
	if err != nil || !who.Operator || who.Name != "operator" {
		t.Fatalf("got %+v %v over the socket, want the operator", who, err)
	}
	if info, err := os.Stat(r.settings.Socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v %v, want the socket with mode 0600", info, err)
	}
	made, err := op.CreateOperatorKey(ctx, wire.NewOperatorKey{Operator: true, Name: "ops"})
	if err != nil || !strings.HasPrefix(made.Credential, "lyo_") {
		t.Fatalf("got %+v %v", made, err)
	}
	far := r.tcp(made.Credential, "")
	b, err := far.CreateProject(ctx, wire.NewProject{Name: "b"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := far.GetProject(ctx); !errors.Is(err, lanyard.Invalid) {
		t.Errorf("got %v without a project named", err)
	}
	if pr, err := r.tcp(made.Credential, b.ID).GetProject(ctx); err != nil || pr.Name != "b" {
		t.Errorf("got %+v %v", pr, err)
	}
	if _, err := r.tcp(made.Credential, "prj_00000000000000000000000000").GetProject(ctx); !errors.Is(err, lanyard.NotFound) {
		t.Errorf("got %v for a project that is not there", err)
	}
	bKey, err := r.tcp(made.Credential, b.ID).CreateKey(ctx, wire.NewKey{Scopes: []string{"read"}})
	if err != nil || bKey.Project != b.ID {
		t.Fatalf("got %+v %v", bKey, err)
	}
	// An API key is not the operator, whichever door it comes through.
	for name, c := range map[string]*client.Client{"TCP": r.tcp(r.key, "")} {
		for _, err := range []error{
			func() error { _, err := c.ListProjects(ctx, client.Page{}); return err }(),
			func() error { _, err := c.Status(ctx); return err }(),
			func() error { _, err := c.VaultStatus(ctx); return err }(),
			func() error { _, err := c.RotateVault(ctx, wire.RotateVault{Level: "root"}); return err }(),
			func() error { _, err := c.CreateOperatorKey(ctx, wire.NewOperatorKey{Operator: true}); return err }(),
		} {
			if !errors.Is(err, lanyard.CodeOperatorOnly) {
				t.Errorf("%s: got %v, want operator_only", name, err)
			}
		}
	}
	if _, err := r.tcp(r.key, "").RevokeKey(ctx, bKey.ID, false); !errors.Is(err, lanyard.NotFound) {
		t.Errorf("got %v for another project's key", err)
	}
	if st, err := op.VaultStatus(ctx); err != nil || len(st.Levels) != 4 {
		t.Errorf("got %+v %v", st, err)
	}
	if list, err := op.RotateVault(ctx, wire.RotateVault{Level: "root"}); err != nil || len(list.Data) != 1 {
		t.Errorf("got %+v %v", list, err)
	}
	if _, err := op.RotateVault(ctx, wire.RotateVault{Level: "project", Project: "prj_00000000000000000000000000"}); !errors.Is(err, lanyard.NotFound) {
		t.Errorf("got %v for the keys of no project", err)
	}
	if list, err := op.ListMigrations(ctx); err != nil || len(list.Data) == 0 || list.Data[0].AppliedAt == nil {
		t.Errorf("got %+v %v", list, err)
	}
	if _, err := op.RevokeOperatorKey(ctx, "", made.ID, false); err != nil {
		t.Errorf("got %v", err)
	}
	if _, err := far.Whoami(ctx); !errors.Is(err, lanyard.CodeCredentialInvalid) {
		t.Errorf("got %v with a withdrawn operator key", err)
	}
}

// The same key twice: one API key is made, and the answer, credential and all,
// comes again.
func TestIdempotencyKeys(t *testing.T) {
	r := start(t, settings(t, nil))
	// Twenty at once dial connections that are never used, and a server that stops waits for those.
	caller := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(caller.CloseIdleConnections)
	post := func(key, body string) (int, string, http.Header) {
		req, _ := http.NewRequestWithContext(t.Context(), "POST", r.base+"/v1/keys", strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+r.key)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
		resp, err := caller.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b), resp.Header
	}
	status, first, _ := post("a", `{"scopes":["read"]}`)
	status2, second, h := post("a", `{"scopes":["read"]}`)
	if status != 201 || status2 != 201 || first != second || h.Get("Idempotent-Replayed") != "true" || h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %s, then %d %s %v", status, first, status2, second, h)
	}
	if status, body, _ := post("a", `{"scopes":["token"]}`); status != 422 || !strings.Contains(body, "idempotency_key_reused") {
		t.Errorf("got %d %s for another body", status, body)
	}
	if status, body, _ := post("b", `{"scopes":["nothing"]}`); status != 400 {
		t.Errorf("got %d %s", status, body)
	}
	if status, body, h := post("b", `{"scopes":["nothing"]}`); status != 400 || h.Get("Idempotent-Replayed") != "true" || h.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %s %v, want what the service decided again", status, body, h)
	}
	if status, body, _ := post("c", `{"scopes":5}`); status != 400 {
		t.Errorf("got %d %s", status, body)
	}
	if status, body, _ := post("c", `{"scopes":["read"]}`); status != 201 {
		t.Errorf("got %d %s, want a request that never reached the service to leave no trace", status, body)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	for range 20 {
		wg.Go(func() {
			status, _, _ := post("d", `{"scopes":["read"]}`)
			mu.Lock()
			got[status]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if got[201]+got[409] != 20 || got[201] == 0 {
		t.Errorf("got %v from twenty at once", got)
	}
	all, err := client.All(t.Context(), r.tcp(r.key, "").ListKeys)
	if err != nil || len(all) != 4 { // the first, a, c, d
		t.Errorf("got %d keys %v, want 4", len(all), err)
	}
}

func TestHealth(t *testing.T) {
	r := start(t, settings(t, map[string]string{"metrics_listen": "127.0.0.1:0"}))
	if status, body, _ := get(t, http.DefaultClient, r.base+"/healthz"); status != 200 || !strings.Contains(body, "ok") {
		t.Errorf("got %d %s", status, body)
	}
	status, body, _ := get(t, http.DefaultClient, r.base+"/readyz")
	if status != 200 {
		t.Errorf("got %d %s", status, body)
	}
	for _, part := range []string{"database", "keys", "disk", "spool"} {
		if !strings.Contains(body, `"`+part+`":"ok"`) {
			t.Errorf("got %s, want %s named", body, part)
		}
	}
	if status, _, _ := get(t, http.DefaultClient, r.base+"/metrics"); status != 404 {
		t.Errorf("got %d for metrics on the public address, want 404", status)
	}
	unix := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return client.DialSocket(ctx, r.settings.Socket)
	}}}
	who, _ := r.tcp(r.key, "").Whoami(t.Context())
	status, body, _ = get(t, unix, "http://x/metrics")
	if status != 200 || !strings.Contains(body, `lanyard_http_request_seconds_count{method="GET",route="/v1/whoami",status="200"}`) {
		t.Errorf("got %d and no count of whoami", status)
	}
	for _, secret := range []string{who.KeyID, who.Project, "127.0.0.1"} {
		if strings.Contains(body, secret) {
			t.Errorf("got %s in the metrics", secret)
		}
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(r.settings.Socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want the socket gone after a stop", err)
	}
}

// A long data directory must not make the socket unusable: its address has room
// for some 100 bytes.
func TestALongPathToTheSocket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	r := start(t, settings(t, map[string]string{"data_dir": dir}))
	if _, err := r.socket().Whoami(t.Context()); err != nil {
		t.Errorf("got %v through %d bytes of path", err, len(r.settings.Socket))
	}
}

// In process, as commands do it where no server runs.
func TestLocal(t *testing.T) {
	s, err := server.New(t.Context(), settings(t, nil), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	c, err := client.New(client.Config{Transport: s.Local()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateProject(t.Context(), wire.NewProject{Name: "x"}); err != nil {
		t.Fatal(err)
	}
	list, err := client.All(t.Context(), c.ListProjects)
	if err != nil || len(list) != 1 {
		t.Errorf("got %v %v", list, err)
	}
}
