package noticetest_test

import (
	"database/sql"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
)

// Five hundred notices come at once while PostgreSQL is stopped, each twice: every one
// is answered in time, each has its effect when the database is back, and one effect.
func TestFiveHundredNoticesWhileTheDatabaseIsStopped(t *testing.T) {
	w, cluster := stoppable(t)
	app, client := door(w, "google")
	c := w.Connect(app, "u", "ana")
	n := sandbox.Notice{Provider: "google", Client: client, Event: "sessions-revoked", Person: "ana", As: "doubled"}
	notify(w, n) // the node has heard of the app, and of Google's keys
	settled(t, w)
	lanyardtest.Must(t)(nil, cluster.Stop())
	const times = 250
	var wg sync.WaitGroup
	var slowest time.Duration
	var mu sync.Mutex
	for range times {
		wg.Go(func() {
			began := time.Now()
			answers, err := w.Sandbox.SendNotice(n)
			took := time.Since(began) / 2
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, took)
			if err != nil || len(answers) != 2 || answers[0].Status != http.StatusAccepted || answers[1].Status != http.StatusAccepted {
				t.Errorf("got %v, %v, want both taken", answers, err)
			}
		})
	}
	wg.Wait()
	if slowest > 3*time.Second {
		t.Errorf("the slowest was answered after %s, want 3 s at most", slowest)
	}
	if got := lanyardtest.Metrics(w); !strings.Contains(got, "lanyard_notices_waiting 500\n") {
		t.Errorf("got no lanyard_notices_waiting 500 in the metrics")
	}
	lanyardtest.Must(t)(nil, cluster.Run())
	settled(t, w)
	var told int
	w.One(&told, `SELECT count(*) FROM events WHERE type = 'security.account_alert' AND connection_id = $1`, c.Str("id"))
	if told != times+1 {
		t.Errorf("got %d effects, want %d", told, times+1)
	}
	t.Logf("the slowest was answered after %s", slowest)
}

// somebody else, a backup say, holds SQLite's only writer.
func locked(t *testing.T, w *lanyardtest.World) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.DataDir, "lanyard.db")+"?_pragma=busy_timeout(10000)")
	lanyardtest.Must(t)(nil, err)
	c, err := db.Conn(t.Context())
	lanyardtest.Must(t)(nil, err)
	lanyardtest.Must(t)(c.ExecContext(t.Context(), `BEGIN EXCLUSIVE`))
	return func() {
		lanyardtest.Must(t)(c.ExecContext(t.Context(), `ROLLBACK`))
		lanyardtest.Must(t)(nil, errors.Join(c.Close(), db.Close()))
	}
}

// As with PostgreSQL stopped.
func TestNoticesWhileSQLiteIsLocked(t *testing.T) {
	w := lanyardtest.New(t)
	app, client := hooked(w)
	c := w.Connect(app, "u", "ana")
	release := locked(t, w)
	body := deauthorization(client, c, time.Now())
	for range 2 {
		began := time.Now()
		status, out := post(t, w.URL+"/hooks/zoom/"+app, hookSecret, body, time.Now())
		if took := time.Since(began); status != http.StatusNoContent || took > 3*time.Second {
			t.Errorf("got %d %s after %s, want 204 within 3 s", status, out, took)
		}
	}
	if wrong, err := w.Sandbox.ValidateWebhook(client); err != nil || wrong != "" {
		t.Errorf("got %q, %v, want the address to be validated", wrong, err)
	}
	if files, err := os.ReadDir(w.DataDir + "/notices"); err != nil || len(files) != 2 {
		t.Errorf("got %v, %v, want both on disk", files, err)
	}
	release()
	settled(t, w)
	w.Fails("connection_revoked", "POST", lanyardtest.TokenPath(c), map[string]any{})
	if n := len(events(w, "connection.revoked")); n != 1 {
		t.Errorf("got %d events, want 1", n)
	}
}

// Ana takes the app out and connects again. What was said of her first consent is said
// again then, to both nodes, as it was and signed anew: neither lets go of the second.
func TestAnOldNoticeChangesNothingOnBothNodes(t *testing.T) {
	w := lanyardtest.New(t, func(s *server.Settings) { s.DatabaseURL = lanyard.NewSecret(storetest.PostgreSQL(t).URL) })
	dir := t.TempDir()
	stop, other := node(t, w, dir)
	t.Cleanup(func() { lanyardtest.Must(t)(nil, stop()) })
	app, client := hooked(w)
	first := w.Connect(app, "u", "ana")
	body, then := deauthorization(client, first, time.Now()), time.Now()
	both := []string{w.URL, other}
	say := func(at time.Time) {
		t.Helper()
		for _, node := range both {
			if status, out := post(t, node+"/hooks/zoom/"+app, hookSecret, body, at); status != http.StatusNoContent {
				t.Errorf("%s: got %d %s, want 204", node, status, out)
			}
		}
		settled(t, w)
		lanyardtest.Eventually(t, func() bool {
			files, err := os.ReadDir(dir + "/notices")
			return err == nil && len(files) == 0
		}, "no notice waits on the other node")
	}
	say(then)
	for _, at := range both {
		on := *w
		on.URL = at
		gone(t, &on, first)
	}
	again := w.Connect(app, "u", "ana")
	say(then)                         // byte for byte
	say(time.Now())                   // signed again
	body = body[:len(body)-2] + "}} " // and with other bytes
	say(time.Now())
	for _, at := range both {
		on := *w
		on.URL = at
		lanyardtest.TokenOf(&on, again)
	}
	if n := len(events(w, "connection.revoked")); n != 1 {
		t.Errorf("got %d events, want 1", n)
	}
}

// The webhook secret is changed at Zoom while notices come: for a while either is
// believed, and a challenge is answered with the one that it was signed with.
func TestTheWebhookSecretIsRotated(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app, client := hooked(w)
		at := w.URL + "/hooks/zoom/" + app
		believed := func(secret string) bool {
			t.Helper()
			status, _ := post(t, at, secret, `{"event":"meeting.started"}`, time.Now())
			return status == http.StatusNoContent
		}
		if believed("the new one") || !believed(hookSecret) {
			t.Error("before: want the old one believed, and no other")
		}
		if got := w.OK("PATCH", "/v1/apps/"+app, map[string]any{"next_webhook_secret": "the new one"}); got["has_next_webhook_secret"] != true {
			t.Errorf("got %v, want the next one noted", got)
		}
		lanyardtest.Eventually(t, func() bool { return believed("the new one") }, "the new one is believed")
		if !believed(hookSecret) || believed("another") {
			t.Error("during: want both believed, and no other")
		}
		for _, secret := range []string{hookSecret, "the new one"} {
			hook(w, client, at, secret)
			if wrong, err := w.Sandbox.ValidateWebhook(client); err != nil || wrong != "" {
				t.Errorf("got %q, %v, want the challenge answered with the secret that signed it", wrong, err)
			}
		}
		w.OK("PATCH", "/v1/apps/"+app, map[string]any{"webhook_secret": "the new one", "next_webhook_secret": ""})
		lanyardtest.Eventually(t, func() bool { return !believed(hookSecret) }, "the old one is not believed any more")
		if !believed("the new one") {
			t.Error("after: want the new one believed")
		}
		// One sealed secret in the place of another does not open (T13).
		w.SQL(`UPDATE apps SET next_webhook_secret = webhook_secret, webhook_secret = NULL WHERE id = $1`, app)
		lanyardtest.Eventually(t, func() bool { return !believed("the new one") }, "a secret that was moved is not believed")
		for _, secret := range []string{hookSecret, "the new one"} {
			if strings.Contains(w.Log.String(), secret) {
				t.Error("a secret is in the log")
			}
		}
	})
}

// A project keeps what was read of an account for some days after its consent has
// ended. Hand-out stops at once all the same, and the tokens are gone at once.
func TestWhatWasReadOfAnAccountIsErasedLater(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		w.Fails("invalid_request", "PATCH", "/v1/project", map[string]any{"erase_after_days": 11})
		if got := w.OK("PATCH", "/v1/project", map[string]any{"erase_after_days": 3}); got["erase_after_days"] != 3.0 {
			t.Errorf("got %v, want it set", got)
		}
		app, client := hooked(w)
		c := w.Connect(app, "u", "ana")
		lanyardtest.Must(t)(w.Sandbox.Revoke(sandbox.Target{Provider: sandbox.Zoom, Client: client, Person: "ana"}))
		gone(t, w, c)
		is := func() lanyardtest.JSON { return w.OK("GET", "/v1/connections/"+c.Str("id"), nil) }
		if is().Str("account.email") == "" {
			t.Errorf("got %v, want the account still there", is())
		}
		var grants int
		var eraseAt int64
		w.One(&grants, `SELECT count(*) FROM grants`)
		w.One(&eraseAt, `SELECT erase_at FROM connections WHERE id = $1`, c.Str("id"))
		if days := time.Until(time.UnixMicro(eraseAt)).Hours() / 24; grants != 0 || days < 2.9 || days > 3.1 {
			t.Errorf("got %d grants and %.1f days, want none and three", grants, days)
		}
		w.SQL(`UPDATE connections SET erase_at = 1 WHERE id = $1`, c.Str("id"))
		lanyardtest.Eventually(t, func() bool { return is().Str("account.email") == "" && is().Str("account.id") == "" }, "nothing is left of the account")
		var erased int
		for _, e := range w.OK("GET", "/v1/audit/entries?what=connection.changed", nil).List("data") {
			if e.Str("detail.change") == "account_erased" {
				erased++
			}
		}
		if erased != 1 {
			t.Errorf("got %d entries, want one", erased)
		}
	})
}
