package flow_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/egress"
	"lanyard/internal/flow"
	"lanyard/internal/grant"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/provider"
	"lanyard/internal/provider/catalog"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
	"lanyard/internal/spool"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// node is the services of a node that was started by hand on a stopped world's
// data, so that a test can run one task, once, when it wants to.
type node struct {
	db       *store.DB
	grants   *grant.Service
	journeys *flow.Service
}

func start(t *testing.T, w *lanyardtest.World) *node {
	t.Helper()
	w.Stop()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	n := &node{}
	var err error
	n.db, err = store.Open(ctx, store.Config{URL: string(w.Settings.DatabaseURL.Reveal()), DataDir: w.DataDir})
	must(err)
	t.Cleanup(func() { _ = n.db.Close() })
	kek, err := vault.FindKEK(ctx, w.Settings.KEK, w.DataDir, n.db)
	must(err)
	v, err := vault.Open(ctx, vault.Config{KEK: kek, Keysets: n.db, Fields: n.db})
	must(err)
	t.Cleanup(v.Close)
	out, err := egress.New(egress.Config{AllowLoopback: true})
	must(err)
	entries, err := catalog.Load("")
	must(err)
	providers, err := provider.NewSet(out, entries...)
	must(err)
	name, err := os.ReadFile(filepath.Join(w.DataDir, "node"))
	must(err)
	apps := app.New(app.Config{Store: n.db, Vault: v, Providers: providers, PublicURL: w.URL})
	kept, err := spool.Open(spool.Config{Dir: filepath.Join(w.DataDir, "spool")})
	must(err)
	n.grants = grant.New(grant.Config{Store: n.db, Vault: v, Apps: apps, Spool: kept, Node: strings.TrimSpace(string(name))})
	n.journeys = flow.New(flow.Config{Store: n.db, Vault: v, Providers: providers, Apps: apps, Grants: n.grants, PublicURL: w.URL,
		Connections: connection.New(connection.Config{Store: n.db, Vault: v, Apps: apps, Grants: n.grants, PublicURL: w.URL})})
	return n
}

// task runs a background task once.
func (n *node) task(t *testing.T, name string) {
	t.Helper()
	for _, task := range append(n.journeys.Tasks(), n.grants.Tasks()...) {
		if task.Name == name {
			if err := task.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("there is no task %q", name)
}

// restart starts a world again, on the database that it had.
func restart(w *lanyardtest.World) {
	had := w.Settings.DatabaseURL
	w.Restart(func(s *server.Settings) { s.DatabaseURL = had })
}

// stop closes it, so that the world can start again.
func (n *node) stop(t *testing.T) {
	t.Helper()
	if err := n.db.Close(); err != nil {
		t.Fatal(err)
	}
}

// parked takes a person to the customer's page, and returns the completion.
func parked(w *lanyardtest.World, app, endUser, person string) (invitation lanyardtest.JSON, completion string) {
	w.T.Helper()
	invitation = w.Invite(app, endUser)
	at := w.Browser().Consent(invitation.Str("connect_url"), person)
	completion = at.Query().Get("lanyard_completion")
	if completion == "" {
		w.T.Fatalf("got %s, want a completion", at)
	}
	return invitation, completion
}

func complete(completion, endUser string) map[string]any {
	return map[string]any{"completion": completion, "end_user_id": endUser}
}

func used(w *lanyardtest.World, kind string) int {
	return len(w.Sandbox.Ledger(sandbox.Query{Kind: kind, Event: "used"}))
}

func fault(t *testing.T, w *lanyardtest.World, f sandbox.Fault) string {
	t.Helper()
	f, err := w.Sandbox.AddFault(f)
	if err != nil {
		t.Fatal(err)
	}
	return f.ID
}

// T01: a completion lives 120 s, or where the provider's code lives shorter than
// that, 5 s less than it.
func TestTheLifeOfACompletion(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]time.Duration{"300": 120 * time.Second, "125": 120 * time.Second, "60": 55 * time.Second} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "zoom.yaml"), []byte("id: zoom\nextends: zoom\ntimes:\n  code: "+code+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		w := lanyardtest.New(t, func(s *server.Settings) { s.ProvidersDir = dir })
		before := time.Now()
		parked(w, w.Zoom(), "u", "ana")
		var until int64
		w.One(&until, `SELECT completion_expires_at FROM flows`)
		if got := time.UnixMicro(until); got.Before(before.Add(want)) || got.After(time.Now().Add(want)) {
			t.Errorf("code of %s s: got a completion that lives %s, want %s", code, got.Sub(before), want)
		}
	}
}

func TestTwoCompletesAtOnceAreOneExchange(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		_, completion := parked(w, w.Zoom(), "u", "ana")
		fault(t, w, sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "delay", DelayMS: 500, Times: 1})
		var mu sync.Mutex
		ids := map[string]int{}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				status, out := w.Call(w.Key, "POST", "/v1/connections", complete(completion, "u"))
				mu.Lock()
				defer mu.Unlock()
				if status == http.StatusCreated {
					ids[out.Str("id")]++
				} else if out.Str("code") != "completion_invalid" {
					t.Errorf("got %d %v, want the connection, or that the completion was used", status, out)
				}
			})
		}
		wg.Wait()
		var connections int
		w.One(&connections, `SELECT count(*) FROM connections`)
		if len(ids) != 1 || connections != 1 || used(w, "code") != 1 {
			t.Errorf("got connections %v, %d in the database, %d exchanges, want one of each", ids, connections, used(w, "code"))
		}
		w.Fails("completion_invalid", "POST", "/v1/connections", complete(completion, "u"))
	})
}

// The backend hung up, or waited too long. It used to hear that it may ask again,
// and then that the completion was used before.
func TestACompletionMayBeAskedWithUntilItWasAnswered(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		hangUp := func(body map[string]any) {
			t.Helper()
			raw, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			r, err := http.NewRequestWithContext(t.Context(), "POST", w.URL+"/v1/connections", strings.NewReader(string(raw)))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+w.Key)
			r.Header.Set("Content-Type", "application/json")
			if resp, err := (&http.Client{Timeout: 300 * time.Millisecond}).Do(r); err == nil {
				_ = resp.Body.Close()
				t.Fatalf("got %d, want no answer in time", resp.StatusCode)
			}
		}
		_, completion := parked(w, app, "u", "ana")
		fault(t, w, sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "delay", DelayMS: 1500, Times: 1})
		hangUp(complete(completion, "u"))
		w.Fails("end_user_mismatch", "POST", "/v1/connections", complete(completion, "somebody else"))
		first := w.OK("POST", "/v1/connections", complete(completion, "u")) // joins the exchange that runs
		if first.Str("status") != "active" || used(w, "code") != 1 {
			t.Errorf("got %s after %d exchanges, want the connection of the one", first.Str("status"), used(w, "code"))
		}
		w.Fails("completion_invalid", "POST", "/v1/connections", complete(completion, "u"))

		// The same with the customer's own callback: the state takes the completion's place.
		const callback = "http://localhost:7000/own"
		begin := w.OK("GET", "/v1/authorize-url?app_id="+app+"&end_user_id=v&redirect_uri="+callback, nil)
		b := w.Browser()
		b.Go("GET", begin.Str("authorize_url")+"&sandbox_consent=allow&sandbox_person=ben", nil)
		_, query, _ := strings.Cut(b.Next(), "code=")
		code, _, _ := strings.Cut(query, "&")
		own := map[string]any{"app_id": app, "code": code, "state": begin.Str("state"), "redirect_uri": callback}
		fault(t, w, sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "delay", DelayMS: 1000, Times: 1})
		hangUp(own)
		time.Sleep(1500 * time.Millisecond) // it is done by now, and nobody was told
		again := w.OK("POST", "/v1/connections", own)
		if again.Str("end_user.id") != "v" || used(w, "code") != 2 {
			t.Errorf("got %v after %d exchanges, want v's connection after two", again, used(w, "code"))
		}
		w.Fails("invalid_state", "POST", "/v1/connections", own)
		if reused := w.Sandbox.Ledger(sandbox.Query{Event: "reuse_detected"}); len(reused) != 0 {
			t.Errorf("the provider saw a code twice: %v", reused)
		}
	})
}

// T10, I21: the tokens are here, and the provider does not say whose they are.
func TestIdentityIsDownAtTheCompletion(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		_, completion := parked(w, app, "u", "ana")
		down := fault(t, w, sandbox.Fault{Match: sandbox.Match{Endpoint: "userinfo"}, Action: "status", Status: 503})
		for range 2 {
			w.Fails("identity_unavailable", "POST", "/v1/connections", complete(completion, "u"))
		}
		w.Fails("end_user_mismatch", "POST", "/v1/connections", complete(completion, "somebody else"))
		w.Sandbox.RemoveFault(down)
		if c := w.OK("POST", "/v1/connections", complete(completion, "u")); c.Str("status") != "active" || used(w, "code") != 1 {
			t.Errorf("got %v after %d exchanges, want it active after one", c, used(w, "code"))
		}

		// Nobody asks again: the task does, and whoever asks after that is told.
		invitation, completion := parked(w, app, "v", "ben")
		down = fault(t, w, sandbox.Fault{Match: sandbox.Match{Endpoint: "userinfo"}, Action: "status", Status: 503})
		w.Fails("identity_unavailable", "POST", "/v1/connections", complete(completion, "v"))
		w.SQL(`UPDATE flows SET created_at = created_at - 120000000 WHERE state = 'received'`)
		n := start(t, w)
		n.task(t, "flow.identity")
		w.Sandbox.RemoveFault(down)
		n.task(t, "flow.identity")
		n.stop(t)
		restart(w)
		in := w.OK("GET", "/v1/connect-sessions/"+invitation.Str("id"), nil)
		if in.Str("status") != "connected" || in.Str("connection_id") == "" {
			t.Errorf("got %v, want it connected by the task", in)
		}
		c := w.OK("POST", "/v1/connections", complete(completion, "v"))
		if c.Str("id") != in.Str("connection_id") || used(w, "code") != 2 {
			t.Errorf("got %v, want what the task has made", c)
		}
		w.Fails("completion_invalid", "POST", "/v1/connections", complete(completion, "v"))
	})
}

// Whose tokens they are never comes to light: after an hour nothing of them is kept.
func TestTokensOfNobodyAreNotKept(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	_, completion := parked(w, w.Zoom(), "u", "ana")
	fault(t, w, sandbox.Fault{Match: sandbox.Match{Endpoint: "userinfo"}, Action: "status", Status: 503})
	w.Fails("identity_unavailable", "POST", "/v1/connections", complete(completion, "u"))
	w.SQL(`UPDATE flows SET created_at = created_at - 3700000000`)
	n := start(t, w)
	n.task(t, "flow.identity")
	n.stop(t)
	var kept, failed int
	w.One(&kept, `SELECT count(*) FROM flows WHERE parked IS NOT NULL`)
	w.One(&failed, `SELECT count(*) FROM flows WHERE state = 'failed' AND error = 'identity_unavailable'`)
	if kept != 0 || failed != 1 {
		t.Errorf("got %d flows with tokens and %d ended, want none and one", kept, failed)
	}
}

// The node dies between the intent and the answer. The flow used to stay in
// redeeming for ever, and the person heard nothing.
func TestTheNodeDiesWithTheCodeOnItsWay(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		mine, completion := parked(w, app, "u", "ana")
		w.Stop()
		name, err := os.ReadFile(filepath.Join(w.DataDir, "node"))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		onItsWay := func(node string) {
			w.SQL(`UPDATE flows SET state = 'redeeming', parked = NULL, expires_at = $1 WHERE state = 'parked'`, now.Add(15*time.Minute).UnixMicro())
			w.SQL(`INSERT INTO attempts (id, project_id, app_id, grant_id, flow_id, kind, family, generation, node, started_at, deadline, ended_at, outcome, class, error, status, request_id)
				SELECT 'att_' || id, project_id, app_id, '', id, 'code', '', 0, $1, $2, $3, 0, '', 'strict', '', 0, '' FROM flows WHERE state = 'redeeming'`,
				node, now.UnixMicro(), now.Add(20*time.Second).UnixMicro())
		}
		onItsWay(strings.TrimSpace(string(name)))
		restart(w)
		w.Fails("completion_invalid", "POST", "/v1/connections", complete(completion, "u"))
		in := w.OK("GET", "/v1/connect-sessions/"+mine.Str("id"), nil)
		if in.Str("last_error") != "provider_unavailable" || in.Str("status") != "open" || in.Str("user_message") == "" {
			t.Errorf("got %v, want it said what became of it, and the invitation still good", in)
		}
		if list := w.OK("GET", "/v1/audit/entries?session_id="+mine.Str("id")+"&what=consent.refused", nil).List("data"); len(list) != 1 {
			t.Errorf("got %v, want one entry", list)
		}
		if p := w.Browser().Go("GET", mine.Str("connect_url"), nil); p.Status != http.StatusOK {
			t.Errorf("the link: got %d, want the page", p.Status)
		}

		// Another node's, which never comes back: swept when no call can still be under way.
		theirs, completion := parked(w, app, "v", "ben")
		n := start(t, w)
		onItsWay("nod_gone")
		n.task(t, "flow.overdue")
		var waiting int
		if w.One(&waiting, `SELECT count(*) FROM flows WHERE state = 'redeeming'`); waiting != 1 {
			t.Error("a flow was swept whose answer may still come")
		}
		w.SQL(`UPDATE flows SET expires_at = 1 WHERE state = 'redeeming'`)
		n.task(t, "flow.overdue")
		n.stop(t)
		restart(w)
		w.Fails("completion_invalid", "POST", "/v1/connections", complete(completion, "v"))
		if in := w.OK("GET", "/v1/connect-sessions/"+theirs.Str("id"), nil); in.Str("last_error") != "provider_unavailable" {
			t.Errorf("got %v, want it said what became of it", in)
		}
	})
}

// The node dies between keeping the tokens and binding them.
func TestTheNodeDiesWithTheTokensInItsHand(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	in, completion := parked(w, w.Zoom(), "u", "ana")
	down := fault(t, w, sandbox.Fault{Match: sandbox.Match{Endpoint: "userinfo"}, Action: "status", Status: 503})
	w.Fails("identity_unavailable", "POST", "/v1/connections", complete(completion, "u"))
	w.Stop()
	w.Sandbox.RemoveFault(down)
	restart(w)
	if c := w.OK("POST", "/v1/connections", complete(completion, "u")); c.Str("status") != "active" || used(w, "code") != 1 {
		t.Errorf("got %v after %d exchanges, want it active after one", c, used(w, "code"))
	}
	if s := w.OK("GET", "/v1/connect-sessions/"+in.Str("id"), nil).Str("status"); s != "connected" {
		t.Errorf("got the invitation %s, want connected", s)
	}
}

// What cannot be done is found out before the code is spent: the app is broken,
// is mended, and the same completion works.
func TestNothingIsSpentThatCannotBeTraded(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	_, completion := parked(w, w.Zoom(), "u", "ana")
	w.SQL(`UPDATE apps SET state = 'draft'`)
	w.Fails("app_not_ready", "POST", "/v1/connections", complete(completion, "u"))
	w.SQL(`UPDATE apps SET state = 'ready'`)
	if c := w.OK("POST", "/v1/connections", complete(completion, "u")); c.Str("status") != "active" {
		t.Errorf("got %v, want it active", c)
	}
}

// The answer was damaged: only the refresh token could be saved. Without an
// access token nobody can say whose it is, so it is renewed first.
func TestAnExchangeWithoutAnAccessToken(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	w.Connect(app, "v", "ben")
	all := regexp.MustCompile(`"refresh_token": ?"([^"]+)"`).FindAllStringSubmatch(w.Wire.String(), -1)
	if len(all) == 0 {
		t.Fatal("no refresh token went over the wire")
	}
	refresh := all[len(all)-1][1] // ben's, who consents once more
	_, completion := parked(w, app, "u", "chidi")
	fault(t, w, sandbox.Fault{Match: sandbox.Match{Endpoint: "token", GrantType: "authorization_code"}, Action: "status", Status: 200, Times: 1,
		Body: `{"token_type":"bearer","refresh_token":"` + refresh + `"}`})
	c := w.OK("POST", "/v1/connections", complete(completion, "u"))
	if c.Str("status") != "active" || c.Str("account.email") != "ben.okafor@example.com" || used(w, "refresh") != 1 {
		t.Errorf("got %v after %d renewals, want ben's account after one", c, used(w, "refresh"))
	}
	if got := w.OK("POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{}); got.Str("access_token") == "" {
		t.Errorf("got %v, want a token", got)
	}
}

// I16: the tokens before a renewal are kept for a day, and not for longer.
func TestOldTokensAreForgotten(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		c := w.Connect(w.Zoom(), "u", "ana")
		w.Expire(-1)
		w.OK("POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
		n := start(t, w)
		count := func() (kept int) {
			w.One(&kept, `SELECT count(*) FROM grants WHERE previous IS NOT NULL`)
			return kept
		}
		if n.task(t, "grant.previous"); count() != 1 {
			t.Error("the old tokens went before the new ones have worked")
		}
		w.SQL(`UPDATE grants SET refreshed_at = refreshed_at - 86401000000`)
		if n.task(t, "grant.previous"); count() != 0 {
			t.Error("the old tokens were kept for more than a day")
		}
		n.stop(t)
		restart(w)
		w.OK("POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
	})
}
