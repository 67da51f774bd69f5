package lanyardtest_test

import (
	"database/sql"
	"errors"
	"net/http"
	"os"
	"sync"
	"testing"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
	"lanyard/internal/store/pgtemp"
)

// Two nodes on one PostgreSQL behind a real PgBouncer in transaction mode: they
// migrate, connect people, and renew a token once, although no session is theirs.
func TestTwoNodesBehindAPooler(t *testing.T) {
	t.Parallel()
	if os.Getenv("LANYARD_TEST_POSTGRES") == "off" {
		t.Skip("LANYARD_TEST_POSTGRES=off")
	}
	missing := func(err error) {
		t.Helper()
		if os.Getenv("CI") == "" && (errors.Is(err, pgtemp.ErrNoPrograms) || errors.Is(err, pgtemp.ErrNoPooler)) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cluster, err := pgtemp.Start(pgtemp.Config{})
	missing(err)
	t.Cleanup(func() { _ = cluster.Close() })
	pooler, err := cluster.Pooler()
	missing(err)
	t.Cleanup(func() { _ = pooler.Close() })
	w := lanyardtest.New(t, func(s *server.Settings) { s.DatabaseURL = lanyard.NewSecret(pooler.URL("postgres")) })
	other := lanyardtest.Second(t, w)
	c := w.Connect(w.Zoom(), "u", "ana")
	lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "delay", DelayMS: 500, Times: 1}))
	db, err := sql.Open("pgx", cluster.URL("postgres"))
	missing(err)
	defer func() { _ = db.Close() }()
	lanyardtest.Must(t)(db.Exec(`UPDATE grants SET access_expires = 1`))
	var mu sync.Mutex
	got := map[string]int{}
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			ask := other
			if n%2 == 0 {
				ask = func(method, path string, body any) (int, lanyardtest.JSON) { return w.Call(w.Key, method, path, body) }
			}
			status, out := ask("POST", lanyardtest.TokenPath(c), map[string]any{})
			mu.Lock()
			defer mu.Unlock()
			if status != http.StatusOK {
				t.Errorf("got %d %v, want a token", status, out)
			}
			got[out.Str("fingerprint")]++
		})
	}
	wg.Wait()
	if n := lanyardtest.Renewals(w); n != 1 || len(got) != 1 {
		t.Errorf("got %d renewals and tokens %v, want one of each", n, got)
	}
	st, err := lanyardtest.SocketOf(w).Status(t.Context())
	if err != nil || len(st.Nodes) != 2 {
		t.Errorf("got %+v, %v, want both nodes", st, err)
	}
}
