package runner_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"lanyard"
	"lanyard/internal/access"
	"lanyard/internal/egress"
	"lanyard/internal/runner"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
	"lanyard/internal/vault"
)

// world is a project on a database, with runners that are servers of the test.
type world struct {
	t  *testing.T
	db *store.DB
	p  lanyard.Principal
	s  *runner.Service
}

const publicURL = "https://connect.example"

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.Open(t.Context(), storetest.SQLite(t))
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	kek, err := vault.FindKEK(t.Context(), "file:"+filepath.Join(t.TempDir(), "kek"), "", db)
	must(t, err)
	v, err := vault.Open(t.Context(), vault.Config{KEK: kek, Keysets: db, Fields: db})
	must(t, err)
	t.Cleanup(v.Close)
	out, err := egress.New(egress.Config{AllowLoopback: true})
	must(t, err)
	w := &world{t: t, db: db, s: runner.New(runner.Config{Store: db, Vault: v, Out: out, PublicURL: publicURL, Pace: 100})}
	keys, err := access.New(db, v)
	must(t, err)
	w.p = newProject(t, keys)
	return w
}

func newProject(t *testing.T, a *access.Service) lanyard.Principal {
	t.Helper()
	pr, err := a.CreateProject(t.Context(), lanyard.Principal{Name: "operator", Operator: true}, "acme")
	must(t, err)
	return lanyard.Principal{Project: pr.ID, Name: "key:lyk_1", Scopes: []lanyard.Scope{lanyard.ScopeAdmin, lanyard.ScopeRead, lanyard.ScopeConnect}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// runner makes one of this kind at a URL, with the key "the-key" where it takes one.
func (w *world) runner(kind lanyard.RunnerKind, url string, more ...runner.Spec) (lanyard.Runner, string) {
	w.t.Helper()
	spec := runner.Spec{Kind: kind, URL: &url}
	if kind != lanyard.RunnerWebhook {
		spec.Key = new(lanyard.NewSecret("the-key"))
	}
	for _, m := range more {
		spec.Default = m.Default
	}
	r, shown, err := w.s.Create(w.t.Context(), w.p, spec)
	must(w.t, err)
	if shown.Empty() {
		return r, ""
	}
	return r, string(shown.Reveal())
}

// asked is one request that a runner got.
type asked struct {
	method, uri string
	header      http.Header
	body        string
}

// there is a runner's server. It answers as answer says; nil: 200 and an empty object.
type there struct {
	url    string
	mu     sync.Mutex
	seen   []asked
	answer func(w http.ResponseWriter, r *http.Request, n int)
}

func (w *world) there(answer func(w http.ResponseWriter, r *http.Request, n int)) *there {
	s := &there{answer: answer}
	srv := httptest.NewServer(s)
	w.t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

func (s *there) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.seen = append(s.seen, asked{r.Method, r.RequestURI, r.Header, string(body)})
	n := len(s.seen)
	s.mu.Unlock()
	if s.answer == nil {
		_, _ = w.Write([]byte("{}"))
		return
	}
	s.answer(w, r, n)
}

func (s *there) all() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// says answers with this status and body.
func says(status int, body string) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}
