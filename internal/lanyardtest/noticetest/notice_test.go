package noticetest_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
	"lanyard/internal/store/pgtemp"
	"lanyard/internal/store/storetest"
)

const hookSecret = "webhook-secret-of-the-app"

// hooked is an app whose notices the pretend Zoom sends; it returns the app's id and
// the client's.
func hooked(w *lanyardtest.World) (app, client string) {
	w.T.Helper()
	app = w.Zoom(func(c *sandbox.Client) { client = c.ID })
	w.OK("PATCH", "/v1/apps/"+app, map[string]any{"webhook_secret": hookSecret})
	hook(w, client, w.URL+"/hooks/zoom/"+app, hookSecret)
	return app, client
}

func hook(w *lanyardtest.World, client, at, secret string) {
	w.T.Helper()
	change, err := json.Marshal(map[string]string{"webhook_url": at, "webhook_secret": secret})
	if err == nil {
		_, err = w.Sandbox.PatchClient(sandbox.Zoom, client, change)
	}
	if err != nil {
		w.T.Fatal(err)
	}
}

// notify has a notice sent and returns the statuses it was answered with.
func notify(w *lanyardtest.World, n sandbox.Notice) (out []int) {
	w.T.Helper()
	answers, err := w.Sandbox.SendNotice(n)
	if err != nil {
		w.T.Fatal(err)
	}
	for _, a := range answers {
		out = append(out, a.Status)
	}
	return out
}

// post sends bytes to a hook, signed at a moment, and returns status and answer.
func post(t *testing.T, url, secret, body string, at time.Time, change ...func(http.Header)) (int, string) {
	t.Helper()
	ts := strconv.FormatInt(at.Unix(), 10)
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("v0:" + ts + ":" + body))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	lanyardtest.Must(t)(nil, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("x-zm-request-timestamp", ts)
	r.Header.Set("x-zm-signature", "v0="+hex.EncodeToString(m.Sum(nil)))
	for _, f := range change {
		f(r.Header)
	}
	resp, err := http.DefaultClient.Do(r)
	lanyardtest.Must(t)(nil, err)
	defer func() { _ = resp.Body.Close() }()
	out, err := io.ReadAll(resp.Body)
	lanyardtest.Must(t)(nil, err)
	return resp.StatusCode, string(out)
}

func deauthorization(client string, account lanyardtest.JSON, at time.Time) string {
	return fmt.Sprintf(`{"event":"app_deauthorized","event_ts":%d,"payload":{"account_id":%q,"user_id":%q,"deauthorization_time":%q,"client_id":%q}}`,
		at.UnixMilli(), account.Str("account.organization_id"), account.Str("account.id"), at.UTC().Format("2006-01-02T15:04:05.000Z"), client)
}

func events(w *lanyardtest.World, kind string) []lanyardtest.JSON {
	w.T.Helper()
	return w.OK("GET", "/v1/events?type="+kind, nil).List("data")
}

// settled waits until this node has acted on everything.
func settled(t *testing.T, w *lanyardtest.World) {
	t.Helper()
	lanyardtest.Eventually(t, func() bool {
		files, err := os.ReadDir(w.DataDir + "/notices")
		return err == nil && len(files) == 0
	}, "no notice waits")
}

// Ana takes the app out of her Zoom. Hand-out stops at once, for everybody who held her
// consent and for nobody else; what was hers is erased; she may come back, and nothing
// that is sent again changes that.
func TestDeauthorized(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app, client := hooked(w)
		one, two, ben := w.Connect(app, "u1", "ana"), w.Connect(app, "u2", "ana"), w.Connect(app, "u3", "ben")
		lanyardtest.TokenOf(w, one)
		if n, err := w.Sandbox.Revoke(sandbox.Target{Provider: sandbox.Zoom, Client: client, Person: "ana"}); err != nil || n != 1 {
			t.Fatalf("got %d, %v, want one grant ended", n, err)
		}
		began := time.Now()
		lanyardtest.Eventually(t, func() bool {
			_, out := w.Call(w.Key, "POST", lanyardtest.TokenPath(one), map[string]any{})
			return out.Str("code") == "connection_revoked"
		}, "hand-out stops")
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("hand-out stopped after %s, want 2 s at most", took)
		}
		w.Fails("connection_revoked", "POST", lanyardtest.TokenPath(two), map[string]any{})
		lanyardtest.TokenOf(w, ben)
		told := events(w, "connection.revoked")
		if len(told) != 2 {
			t.Errorf("got %v, want one event for each of her connections", told)
		}
		if is := w.OK("GET", "/v1/connections/"+one.Str("id"), nil); is.Str("account.email") != "" || is.Str("account.id") != "" || is.Str("status") != "revoked" {
			t.Errorf("got %v, want it revoked and nothing of the account left", is)
		}
		var kept int
		w.One(&kept, `SELECT (SELECT count(*) FROM grants) + (SELECT count(*) FROM revocations)`)
		if kept != 1 {
			t.Errorf("got %d grants, want ben's only", kept)
		}
		entries := w.OK("GET", "/v1/audit/entries?what=notice.received", nil)
		if n := len(entries.List("data")); n != 1 {
			t.Errorf("got %v, want one entry about the notice", entries)
		}

		again := w.Connect(app, "u1", "ana")
		if got := notify(w, sandbox.Notice{Client: client, Event: "app_deauthorized", Person: "ana", As: "replayed"}); !slices.Equal(got, []int{204}) {
			t.Errorf("got %v for the replay, want 204", got)
		}
		settled(t, w)
		lanyardtest.TokenOf(w, again)
		if n := len(events(w, "connection.revoked")); n != 2 {
			t.Errorf("got %d events after a replay, want 2 as before", n)
		}
		if got := notify(w, sandbox.Notice{Client: client, Event: "app_deauthorized", Person: "ana", As: "doubled"}); !slices.Equal(got, []int{204, 204}) {
			t.Errorf("got %v, want both taken", got)
		}
		settled(t, w)
		w.Fails("connection_revoked", "POST", lanyardtest.TokenPath(again), map[string]any{})
		if n := len(events(w, "connection.revoked")); n != 3 {
			t.Errorf("got %d events, want 3", n)
		}
	})
}

// A notice that was held up on its way tells of a consent that another has followed.
// It used to be enough to be signed well.
func TestALateNoticeDoesNotEndANewConsent(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app, client := hooked(w)
	c := w.Connect(app, "u", "ana")
	at := w.URL + "/hooks/zoom/" + app
	if status, _ := post(t, at, hookSecret, deauthorization(client, c, time.Now().Add(-time.Minute)), time.Now()); status != http.StatusNoContent {
		t.Errorf("got %d, want 204", status)
	}
	if status, _ := post(t, at, hookSecret, deauthorization("another", c, time.Now()), time.Now()); status != http.StatusNoContent {
		t.Errorf("another client of the same account: got %d, want 204", status)
	}
	settled(t, w)
	lanyardtest.TokenOf(w, c)
	if status, _ := post(t, at, hookSecret, deauthorization(client, c, time.Now()), time.Now()); status != http.StatusNoContent {
		t.Errorf("got %d, want 204", status)
	}
	settled(t, w)
	w.Fails("connection_revoked", "POST", lanyardtest.TokenPath(c), map[string]any{})
}

func TestNoticesAboutPeople(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app, client := hooked(w)
		c := w.Connect(app, "u", "ana")
		send := func(event, person string) {
			t.Helper()
			if got := notify(w, sandbox.Notice{Client: client, Event: event, Person: person}); !slices.Equal(got, []int{204}) {
				t.Errorf("%s: got %v, want 204", event, got)
			}
			settled(t, w)
		}
		for _, event := range []string{"meeting.created", "meeting.participant_joined", "user.updated", "user.signed_out"} {
			send(event, "ana")
		}
		send("user.deactivated", "ben") // nobody we know
		lanyardtest.TokenOf(w, c)
		send("user.deactivated", "ana")
		if out := w.Fails("admin_policy", "POST", lanyardtest.TokenPath(c), map[string]any{}); out.Str("reconnect_url") == "" {
			t.Errorf("got %v, want a way to reconnect", out)
		}
		if n := len(events(w, "connection.needs_reauth")); n != 1 {
			t.Errorf("got %d events, want one", n)
		}
		send("user.deactivated", "ana") // another notice of the same
		if n := len(events(w, "connection.needs_reauth")); n != 1 {
			t.Errorf("got %d events, want one", n)
		}
		send("user.deleted", "ana")
		w.Fails("connection_revoked", "POST", lanyardtest.TokenPath(c), map[string]any{})
		d := w.Connect(app, "v", "ben")
		send("user.disassociated", "ben")
		w.Fails("connection_revoked", "POST", lanyardtest.TokenPath(d), map[string]any{})
	})
}

// Attacks on the door. None of them is told why, and none changes anything.
func TestNoticesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app, client := hooked(w)
	c := w.Connect(app, "u", "ana")
	at := w.URL + "/hooks/zoom/" + app
	other := w.OK("POST", "/v1/apps", map[string]any{"provider": "zoom", "webhook_secret": "the secret of another app"}).Str("id")
	bare := w.OK("POST", "/v1/apps", map[string]any{"provider": "zoom"}).Str("id")

	for as, want := range map[string]int{"late": 401, "early": 401, "forged": 401, "reserialised": 401, "two_signatures": 401, "unsigned": 401,
		"gzip": 415, "oracle": 400} {
		if got := notify(w, sandbox.Notice{Client: client, Event: "app_deauthorized", Person: "ana", As: as}); !slices.Equal(got, []int{want}) {
			t.Errorf("%s: got %v, want %d", as, got, want)
		}
	}
	body, now := deauthorization(client, c, time.Now()), time.Now()
	_, refused := post(t, at, "forged", body, now)
	for name, send := range map[string]func() (int, string){
		"wrong app's secret": func() (int, string) { return post(t, at, "the secret of another app", body, now) },
		"another app's door": func() (int, string) { return post(t, w.URL+"/hooks/zoom/"+other, hookSecret, body, now) },
		"no app": func() (int, string) {
			return post(t, w.URL+"/hooks/zoom/app_00000000000000000000000000", hookSecret, body, now)
		},
		"an app of no shape":   func() (int, string) { return post(t, w.URL+"/hooks/zoom/x", hookSecret, body, now) },
		"no secret, empty key": func() (int, string) { return post(t, w.URL+"/hooks/zoom/"+bare, "", body, now) },
		"another provider":     func() (int, string) { return post(t, w.URL+"/hooks/slack/"+app, hookSecret, body, now) },
		"no provider":          func() (int, string) { return post(t, w.URL+"/hooks/nobody/"+app, hookSecret, body, now) },
		"unsigned challenge": func() (int, string) {
			return post(t, at, "forged", `{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}`, now)
		},
	} {
		if status, out := send(); status != http.StatusUnauthorized || nameless(t, out) != nameless(t, refused) {
			t.Errorf("%s: got %d %s, want what everybody gets: %s", name, status, out, refused)
		}
	}
	if status, _ := post(t, at, hookSecret, strings.Repeat(" ", 64<<10)+body, now); status != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: got %d, want 413", status)
	}
	if status, _ := post(t, at, hookSecret, body, now, func(h http.Header) { h.Set("Content-Encoding", "identity") }); status != http.StatusUnsupportedMediaType {
		t.Errorf("a coding: got %d, want 415", status)
	}
	if status, out := post(t, at, hookSecret, `{"event":"app_deauthorized","event":"x"}`, now); status != http.StatusBadRequest || strings.Contains(out, "x\"") {
		t.Errorf("a member twice: got %d %s, want 400", status, out)
	}
	settled(t, w)
	lanyardtest.TokenOf(w, c)
	if n := len(events(w, "connection.revoked")); n != 0 {
		t.Errorf("got %d events, want none", n)
	}
	if strings.Contains(w.Log.String(), hookSecret) {
		t.Error("the secret is in the log")
	}
}

// nameless is a problem without the id of its request.
func nameless(t *testing.T, problem string) string {
	t.Helper()
	var p map[string]any
	lanyardtest.Must(t)(nil, json.Unmarshal([]byte(problem), &p))
	delete(p, "request_id")
	out, err := json.Marshal(p)
	lanyardtest.Must(t)(nil, err)
	return string(out)
}

// The check of our address, with a secret that was put in a moment ago, and one that
// was changed a moment ago.
func TestValidation(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app, client := hooked(w)
	check := func() string {
		t.Helper()
		wrong, err := w.Sandbox.ValidateWebhook(client)
		lanyardtest.Must(t)(nil, err)
		return wrong
	}
	if wrong := check(); wrong != "" {
		t.Error(wrong)
	}
	w.OK("PATCH", "/v1/apps/"+app, map[string]any{"webhook_secret": "another"})
	hook(w, client, w.URL+"/hooks/zoom/"+app, "another")
	time.Sleep(1100 * time.Millisecond) // one question a second about an app
	if wrong := check(); wrong != "" {
		t.Error(wrong)
	}
	lanyardtest.Eventually(t, func() bool {
		status, _ := post(t, w.URL+"/hooks/zoom/"+app, hookSecret, "{}", time.Now())
		return status == http.StatusUnauthorized
	}, "the old secret is not believed any more")
}

// stoppable is a world on a PostgreSQL server of its own, which the test may stop.
func stoppable(t *testing.T) (*lanyardtest.World, *pgtemp.Cluster) {
	t.Helper()
	if os.Getenv("LANYARD_TEST_POSTGRES") == "off" {
		t.Skip("LANYARD_TEST_POSTGRES=off")
	}
	cluster, err := pgtemp.Start(pgtemp.Config{})
	if errors.Is(err, pgtemp.ErrNoPrograms) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	lanyardtest.Must(t)(nil, err)
	t.Cleanup(func() { _ = cluster.Close() })
	return lanyardtest.New(t, func(s *server.Settings) { s.DatabaseURL = lanyard.NewSecret(cluster.URL("postgres")) }), cluster
}

// A provider waits three seconds, whatever our database does; what it said is acted on
// when the database is back, once, by this process or by the next.
func TestNoticesWhileTheDatabaseIsStopped(t *testing.T) {
	t.Parallel()
	w, cluster := stoppable(t)
	app, client := hooked(w)
	ana, ben := w.Connect(app, "u", "ana"), w.Connect(app, "v", "ben")
	if wrong, err := w.Sandbox.ValidateWebhook(client); err != nil || wrong != "" { // without which Zoom sends nothing
		t.Fatalf("got %q, %v, want the address to be validated", wrong, err)
	}
	lanyardtest.Must(t)(nil, cluster.Stop())
	for _, n := range []sandbox.Notice{{Event: "app_deauthorized", Person: "ana", As: "doubled"}, {As: "replayed", Event: "app_deauthorized", Person: "ana"},
		{Event: "app_deauthorized", Person: "ben", As: "forged"}, {Event: "meeting.started", Person: "ana"}} {
		n.Client = client
		began := time.Now()
		got := notify(w, n)
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%+v: answered after %s", n, took)
		}
		want := 204
		if n.As == "forged" {
			want = 401
		}
		if slices.ContainsFunc(got, func(s int) bool { return s != want }) {
			t.Errorf("%+v: got %v, want %d", n, got, want)
		}
	}
	if wrong, err := w.Sandbox.ValidateWebhook(client); err != nil || wrong != "" {
		t.Errorf("got %q, %v, want the address to be validated", wrong, err)
	}
	files, err := os.ReadDir(w.DataDir + "/notices")
	if err != nil || len(files) != 4 {
		t.Errorf("got %v, %v, want the four notices on disk", files, err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(w.DataDir + "/notices/" + f.Name())
		if err != nil || bytes.Contains(raw, []byte(ana.Str("account.id"))) || bytes.Contains(raw, []byte("deauthorized")) {
			t.Errorf("got %s, %v, want it sealed", raw, err)
		}
	}
	lanyardtest.Must(t)(nil, cluster.Run())
	settled(t, w)
	w.Fails("connection_revoked", "POST", lanyardtest.TokenPath(ana), map[string]any{})
	lanyardtest.TokenOf(w, ben)
	if n := len(events(w, "connection.revoked")); n != 1 {
		t.Errorf("got %d events for four deliveries, want 1", n)
	}

	// And by a process that comes after the one that took it.
	dir := t.TempDir()
	stop, at := node(t, w, dir)
	if status, _ := post(t, at+"/hooks/zoom/"+app, hookSecret, `{"event":"endpoint.url_validation","payload":{"plainToken":"x"}}`, time.Now()); status != http.StatusOK {
		t.Errorf("got %d, want the address to be validated", status)
	}
	lanyardtest.Must(t)(nil, cluster.Stop())
	if status, _ := post(t, at+"/hooks/zoom/"+app, hookSecret, deauthorization(client, ben, time.Now()), time.Now()); status != http.StatusNoContent {
		t.Errorf("got %d, want 204", status)
	}
	_ = stop() // it could not take itself out of the list of nodes
	lanyardtest.Must(t)(nil, cluster.Run())
	stop, _ = node(t, w, dir)
	lanyardtest.Eventually(t, func() bool {
		_, out := w.Call(w.Key, "POST", lanyardtest.TokenPath(ben), map[string]any{})
		return out.Str("code") == "connection_revoked"
	}, "the next process acts on it")
	lanyardtest.Must(t)(nil, stop())
}

// node starts one more node on the world's database. It returns how to stop it, and
// where it listens.
func node(t *testing.T, w *lanyardtest.World, dir string) (func() error, string) {
	t.Helper()
	settings := w.Settings
	settings.DataDir, settings.Socket, settings.Listen = dir, filepath.Join(dir, "s.sock"), "127.0.0.1:0"
	srv, err := server.New(t.Context(), settings, slog.New(slog.NewJSONHandler(w.Log, nil)))
	lanyardtest.Must(t)(nil, err)
	lanyardtest.Must(t)(nil, srv.Listen(t.Context()))
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	return func() error {
		stop()
		return errors.Join(<-done, srv.Close(context.Background()))
	}, "http://" + srv.Addr()
}

// A notice comes to one node, and the next try of it to the other: both act, one has
// the effect, and neither hands out anything from then on.
func TestNoticesOnTwoNodes(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t, func(s *server.Settings) { s.DatabaseURL = lanyard.NewSecret(storetest.PostgreSQL(t).URL) })
	stop, other := node(t, w, t.TempDir())
	t.Cleanup(func() { lanyardtest.Must(t)(nil, stop()) })
	app, client := hooked(w) // which the second node has never heard of
	for round := range 5 {
		c := w.Connect(app, "u", "ana")
		body := deauthorization(client, c, time.Now())
		var wg sync.WaitGroup
		for _, at := range []string{w.URL, other, w.URL, other} {
			wg.Go(func() {
				if status, out := post(t, at+"/hooks/zoom/"+app, hookSecret, body, time.Now()); status != http.StatusNoContent {
					t.Errorf("%s: got %d %s, want 204", at, status, out)
				}
			})
		}
		wg.Wait()
		began := time.Now()
		for _, at := range []string{w.URL, other} {
			on := *w
			on.URL = at
			lanyardtest.Eventually(t, func() bool {
				_, out := on.Call(w.Key, "POST", lanyardtest.TokenPath(c), map[string]any{})
				return out.Str("code") == "connection_revoked"
			}, "hand-out stops on "+at)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("hand-out stopped after %s, want 2 s at most", took)
		}
		settled(t, w)
		if n := len(events(w, "connection.revoked")); n != round+1 {
			t.Errorf("got %d events, want %d", n, round+1)
		}
	}
}
