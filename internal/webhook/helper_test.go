package webhook_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/access"
	"lanyard/internal/connection"
	"lanyard/internal/egress"
	"lanyard/internal/store"
	"lanyard/internal/vault"
	"lanyard/internal/webhook"
	"lanyard/internal/worker"
)

// world is a project on a database, whose events any number of nodes deliver.
type world struct {
	t       *testing.T
	db      *store.DB
	vault   *vault.Vault
	project lanyard.ProjectID
	p       lanyard.Principal
	pace    float64
	hold    func() error
	way     egress.Config
	s       *webhook.Service // one that delivers nothing
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, pace: 1, way: egress.Config{AllowLoopback: true}}
	kek, err := vault.FindKEK(t.Context(), "file:"+filepath.Join(t.TempDir(), "kek"), "", db)
	w.must(err)
	w.vault, err = vault.Open(t.Context(), vault.Config{KEK: kek, Keysets: db, Fields: db})
	w.must(err)
	t.Cleanup(w.vault.Close)
	w.project = w.newProject()
	w.p = lanyard.Principal{Project: w.project, Name: "key:lyk_1", Scopes: []lanyard.Scope{lanyard.ScopeWebhooks}}
	w.s = w.service()
	return w
}

func (w *world) newProject() lanyard.ProjectID {
	w.t.Helper()
	a, err := access.New(w.db, w.vault)
	w.must(err)
	pr, err := a.CreateProject(w.t.Context(), lanyard.Principal{Name: "operator", Operator: true}, "acme")
	w.must(err)
	return pr.ID
}

func (w *world) service() *webhook.Service {
	w.t.Helper()
	out, err := egress.New(w.way)
	w.must(err)
	return webhook.New(webhook.Config{Store: w.db, Vault: w.vault, Out: out, Pace: w.pace, Hold: w.hold,
		Connections: connection.New(connection.Config{Store: w.db, Vault: w.vault, PublicURL: "https://connect.example"}),
		Logger:      slog.New(slog.NewTextHandler(w.t.Output(), nil))})
}

// node delivers until stop, or the end of the test.
func (w *world) node() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	s := w.service()
	done := make(chan struct{})
	go func() { worker.Run(ctx, slog.New(slog.DiscardHandler), s.Tasks()...); close(done) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	w.t.Cleanup(stop)
	return stop
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) create(url string, types ...lanyard.EventType) (lanyard.Endpoint, string) {
	w.t.Helper()
	e, secret, err := w.s.Create(w.t.Context(), w.p, webhook.Spec{URL: &url, Types: types})
	w.must(err)
	return e, string(secret.Reveal())
}

// happens writes events, as changes do.
func (w *world) happens(events ...lanyard.Event) (ids []lanyard.EventID) {
	w.t.Helper()
	w.must(w.db.Bookkeep(w.t.Context(), func(tx *store.Tx) error {
		for _, e := range events {
			e.ID = lanyard.NewID[lanyard.EventID]("evt_")
			if e.Project == "" {
				e.Project = w.project
			}
			if e.Type == "" {
				e.Type = lanyard.EventAppRecovered
			}
			ids = append(ids, e.ID)
			if err := tx.AddEvent(e); err != nil {
				return err
			}
		}
		return nil
	}))
	return ids
}

func (w *world) deliveries(f store.DeliveryFilter) []webhook.Sent {
	w.t.Helper()
	list, _, err := w.s.Deliveries(w.t.Context(), w.p, f, lanyard.Page{Limit: 200})
	w.must(err)
	return list
}

// lastStatus is what the newest delivery was answered; 0: nothing yet.
func (w *world) lastStatus() int64 {
	w.t.Helper()
	list := w.deliveries(store.DeliveryFilter{})
	if len(list) == 0 {
		return 0
	}
	return list[0].Status
}

func (w *world) endpoint(id lanyard.EndpointID) lanyard.Endpoint {
	w.t.Helper()
	e, err := w.s.Get(w.t.Context(), w.p, id)
	w.must(err)
	return e
}

// until waits for something that is to become true.
func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s: not within 20 seconds", what)
		}
	}
}

// got is one request that a receiver was sent.
type got struct {
	at     time.Time
	id     lanyard.EventID
	header http.Header
	body   []byte
}

// receiver is a customer's server. It answers as answer says; nil: 204.
type receiver struct {
	url    string
	mu     sync.Mutex
	seen   []got
	answer func(w http.ResponseWriter, r *http.Request, n int)
}

func (w *world) receiver(answer func(w http.ResponseWriter, r *http.Request, n int)) *receiver {
	r := &receiver{answer: answer}
	srv := httptest.NewServer(r)
	w.t.Cleanup(srv.Close)
	w.t.Cleanup(srv.CloseClientConnections)
	r.url = srv.URL + "/hook"
	return r
}

func (r *receiver) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	r.seen = append(r.seen, got{time.Now(), lanyard.EventID(req.Header.Get(webhook.HeaderID)), req.Header, body})
	n := len(r.seen)
	answer := r.answer
	r.mu.Unlock()
	if answer == nil {
		rw.WriteHeader(http.StatusNoContent)
		return
	}
	answer(rw, req, n)
}

func (r *receiver) all() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

func (r *receiver) ids() (ids []lanyard.EventID) {
	for _, g := range r.all() {
		ids = append(ids, g.id)
	}
	return ids
}
