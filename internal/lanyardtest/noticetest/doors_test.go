package noticetest_test

import (
	"encoding/base64"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// door is an app of a provider other than Zoom, whose notices the sandbox sends.
func door(w *lanyardtest.World, provider string) (app, client string) {
	w.T.Helper()
	var scopes []string
	var endpoints map[string]string
	switch base := w.SandURL + "/" + provider; provider {
	case "slack":
		scopes = []string{"chat:write", "users:read", "user:search:read"}
		endpoints = map[string]string{"authorize": base + "/oauth/v2/authorize", "token": base + "/api/oauth.v2.access",
			"revoke": base + "/api/auth.revoke", "identity": base + "/api/auth.test"}
	case "google":
		scopes, endpoints = []string{"openid", "https://www.googleapis.com/auth/userinfo.email"}, google(w)
	case "microsoft":
		m := base + "/common"
		scopes = []string{"User.Read", "Calendars.Read"}
		endpoints = map[string]string{"authorize": m + "/oauth2/v2.0/authorize", "token": m + "/oauth2/v2.0/token", "identity": base + "/v1.0/me",
			"issuer": base + "/{tid}/v2.0", "jwks": m + "/discovery/v2.0/keys"}
	}
	client = provider + "-client"
	app = register(w, provider, scopes, endpoints, func(c *sandbox.Client) { c.ID, c.Rotation = client, true })
	change := `{"webhook_url":"` + w.URL + "/hooks/" + provider + "/" + app + `","webhook_secret":"` + hookSecret + `"}`
	lanyardtest.Must(w.T.(*testing.T))(w.Sandbox.PatchClient(provider, client, []byte(change)))
	if provider != "google" { // which signs with keys of its own
		w.OK("PATCH", "/v1/apps/"+app, map[string]any{"webhook_secret": hookSecret})
	}
	return app, client
}

// revoked says whether a connection's hand-out has stopped for good.
func revoked(w *lanyardtest.World, c lanyardtest.JSON) bool {
	_, out := w.Call(w.Key, "POST", lanyardtest.TokenPath(c), map[string]any{})
	return out.Str("code") == "connection_revoked"
}

// gone waits until it has, two seconds at most.
func gone(t *testing.T, w *lanyardtest.World, conns ...lanyardtest.JSON) {
	t.Helper()
	began := time.Now()
	for _, c := range conns {
		lanyardtest.Eventually(t, func() bool { return revoked(w, c) }, "hand-out stops")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("hand-out stopped after %s, want 2 s at most", took)
	}
}

// attacks sends each, and each must be refused with its status and change nothing.
func attacks(t *testing.T, w *lanyardtest.World, n sandbox.Notice, want map[string]int) {
	t.Helper()
	for as, status := range want {
		n.As = as
		if got := notify(w, n); !slices.Equal(got, []int{status}) {
			t.Errorf("%s %s: got %v, want %d", n.Event, as, got, status)
		}
	}
	settled(t, w)
	if n := len(events(w, "connection.revoked")) + len(events(w, "connection.needs_reauth")); n != 0 {
		t.Errorf("got %d events of attacks, want none", n)
	}
}

func TestSlackNotices(t *testing.T) {
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		w = w.On(t)
		app, client := door(w, "slack")
		if wrong, err := w.Sandbox.Validate("slack", client); err != nil || wrong != "" {
			t.Errorf("got %q, %v, want the address validated", wrong, err)
		}
		ana, ben, chidi := w.Connect(app, "u", "ana"), w.Connect(app, "v", "ben"), w.Connect(app, "x", "chidi")
		also := lanyardtest.JSON{"id": ana["also"].([]any)[0]}
		n := sandbox.Notice{Provider: "slack", Client: client, Event: "tokens_revoked", Person: "ana"}
		attacks(t, w, n, map[string]int{"late": 401, "early": 401, "forged": 401, "reserialised": 401, "two_signatures": 401, "unsigned": 401,
			"gzip": 415, "oracle": 400})
		lanyardtest.TokenOf(w, ana)

		lanyardtest.Must(t)(w.Sandbox.Revoke(sandbox.Target{Provider: "slack", Client: client, Person: "ana"}))
		gone(t, w, ana, also)
		settled(t, w)
		again := w.Connect(app, "u", "ana")
		n.As = "replayed"
		if got := notify(w, n); !slices.Equal(got, []int{204}) {
			t.Errorf("got %v for the replay, want 204", got)
		}
		settled(t, w)
		lanyardtest.TokenOf(w, again)
		revocations := len(events(w, "connection.revoked"))

		// The whole workspace takes it out, and the other one does not.
		n = sandbox.Notice{Provider: "slack", Client: client, Event: "app_uninstalled", Person: "ben", As: "doubled"}
		if got := notify(w, n); !slices.Equal(got, []int{204, 204}) {
			t.Errorf("got %v, want both taken", got)
		}
		gone(t, w, again, ben)
		settled(t, w)
		lanyardtest.TokenOf(w, chidi)
		if n := len(events(w, "connection.revoked")) - revocations; n != 3 { // ana again, ben, and the bot
			t.Errorf("got %d events for the workspace, want 3", n)
		}
	})
}

func TestGoogleNotices(t *testing.T) {
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		w = w.On(t)
		app, client := door(w, "google")
		c, ben := w.Connect(app, "u", "ana"), w.Connect(app, "v", "ben")
		n := sandbox.Notice{Provider: "google", Client: client, Event: "tokens-revoked", Person: "ana"}
		attacks(t, w, n, map[string]int{"late": 401, "early": 401, "forged": 401, "reserialised": 401, "unsigned": 401, "other_client": 401,
			"other_issuer": 401, "id_token": 401, "gzip": 415})
		send := func(event, as string, want ...int) {
			t.Helper()
			n.Event, n.As = event, as
			if got := notify(w, n); !slices.Equal(got, want) {
				t.Errorf("%s %s: got %v, want %v", event, as, got, want)
			}
			settled(t, w)
		}
		for _, event := range []string{"verification", "token-revoked"} {
			send(event, "", 202)
		}
		lanyardtest.TokenOf(w, c)
		send("sessions-revoked", "doubled", 202, 202)
		if told := events(w, "security.account_alert"); len(told) != 1 || told[0].Str("data.what") != "sessions_revoked" {
			t.Errorf("got %v, want it told once", told)
		}
		lanyardtest.TokenOf(w, c)

		// Barred, and let in again: what we hold is tried at once.
		send("account-disabled", "", 202)
		if out := w.Fails("account_disabled", "POST", lanyardtest.TokenPath(c), map[string]any{}); out.Str("reconnect_url") == "" {
			t.Errorf("got %v, want a way to reconnect", out)
		}
		send("account-enabled", "", 202)
		lanyardtest.Eventually(t, func() bool { return lanyardtest.StatusOf(w, c) == "active" }, "it works again")
		lanyardtest.TokenOf(w, c)
		if n := len(events(w, "connection.recovered")); n != 1 {
			t.Errorf("got %d events, want it told once", n)
		}

		began := time.Now()
		if ended, err := w.Sandbox.Revoke(sandbox.Target{Provider: "google", Client: client, Person: "ana"}); err != nil || ended != 1 {
			t.Fatalf("got %d, %v, want one grant ended", ended, err)
		}
		gone(t, w, c)
		t.Logf("hand-out stopped after %s", time.Since(began))
		lanyardtest.TokenOf(w, ben)
		settled(t, w)
		again := w.Connect(app, "u", "ana")
		send("tokens-revoked", "replayed", 202)
		lanyardtest.TokenOf(w, again)
	})
}

// Google's keys cannot be had: the token is neither believed nor refused for good, so
// that Google sends it again; and the answer does not take longer than it may.
func TestGoogleNoticesWithoutKeys(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app, client := door(w, "google")
	c := w.Connect(app, "u", "ana")
	key := strings.TrimPrefix(app, "app_")
	w.OK("PATCH", "/v1/apps/"+app, map[string]any{"endpoints": merged(google(w), map[string]string{"jwks": w.SandURL + "/google/jwks?" + key})})
	lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Provider: sandbox.Google, Endpoint: "jwks"}, Action: "delay", DelayMS: 10_000}))
	n := sandbox.Notice{Provider: "google", Client: client, Event: "tokens-revoked", Person: "ana"}
	time.Sleep(11 * time.Second) // until this node has heard of the other address
	began := time.Now()
	if got := notify(w, n); !slices.Equal(got, []int{503}) {
		t.Errorf("got %v, want 503", got)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("answered after %s, want 3 s at most", took)
	}
	lanyardtest.TokenOf(w, c)
	w.Sandbox.RemoveFault("")
	time.Sleep(2 * time.Second) // who has failed is left alone for so long
	n.As = "replayed"
	if got := notify(w, n); !slices.Equal(got, []int{202}) {
		t.Errorf("got %v, want it taken", got)
	}
	gone(t, w, c)
}

func merged(a, b map[string]string) map[string]string {
	maps.Copy(a, b)
	return a
}

// One token can be written in several ways: base64 leaves bits at its end that mean
// nothing. Each way used to be another notice.
func TestATokenWrittenAnotherWayIsTheSame(t *testing.T) {
	w := lanyardtest.New(t)
	app, client := door(w, "google")
	c := w.Connect(app, "u", "ana")
	heard := make(chan string, 1)
	catch := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		lanyardtest.Must(t)(nil, err)
		heard <- string(b)
	}), ReadHeaderTimeout: time.Second}
	at := listen(t, catch)
	lanyardtest.Must(t)(w.Sandbox.PatchClient("google", client, []byte(`{"webhook_url":"`+at+`"}`)))
	notify(w, sandbox.Notice{Provider: "google", Client: client, Event: "sessions-revoked", Person: "ana"})
	token := <-heard
	if len(token)%4 == 0 && strings.HasSuffix(token, "=") {
		t.Fatal("the signature is padded")
	}
	letters := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	taken := 0
	for i := range 16 {
		last := strings.IndexByte(letters, token[len(token)-1])
		other := token[:len(token)-1] + string(letters[last&^15|i])
		if _, err := base64.RawURLEncoding.DecodeString(other[strings.LastIndexByte(other, '.')+1:]); err != nil {
			t.Fatal(err)
		}
		if status, _ := post(t, w.URL+"/hooks/google/"+app, "", other, time.Now()); status == http.StatusAccepted {
			taken++
		}
	}
	settled(t, w)
	if told := events(w, "security.account_alert"); taken == 0 || len(told) != 1 {
		t.Errorf("got %d taken and %d told, want one told", taken, len(told))
	}
	lanyardtest.TokenOf(w, c)
}

func TestMicrosoftNotices(t *testing.T) {
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		w = w.On(t)
		app, client := door(w, "microsoft")
		if wrong, err := w.Sandbox.Validate("microsoft", client); err != nil || wrong != "" {
			t.Errorf("got %q, %v, want the address validated", wrong, err)
		}
		c, ben := w.Connect(app, "u", "ana"), w.Connect(app, "v", "ben")
		n := sandbox.Notice{Provider: "microsoft", Client: client, Event: "user.deleted", Person: "ana"}
		attacks(t, w, n, map[string]int{"late": 401, "forged": 401, "unsigned": 401, "gzip": 415})
		generation := func() (out int) {
			w.One(&out, `SELECT max(g.generation) FROM grants g JOIN connections c ON c.grant_id = g.id WHERE c.id = $1`, c.Str("id"))
			return out
		}
		for _, event := range []string{"lifecycle.missed", "lifecycle.subscriptionRemoved", "user.updated"} {
			before := generation()
			n.Event = event
			if got := notify(w, n); !slices.Equal(got, []int{204}) {
				t.Errorf("%s: got %v, want 204", event, got)
			}
			settled(t, w)
			if event != "lifecycle.missed" {
				lanyardtest.Eventually(t, func() bool { return generation() > before }, event+": what we hold is tried")
			}
			lanyardtest.TokenOf(w, c)
		}
		// The hint was true: Ana's consent is gone, and nothing else would have said so.
		n.Event = "user.deleted"
		if got := notify(w, n); !slices.Equal(got, []int{204}) {
			t.Errorf("got %v, want 204", got)
		}
		gone(t, w, c)
		lanyardtest.TokenOf(w, ben)
		settled(t, w)
		again := w.Connect(app, "u", "ana")
		n.As = "replayed"
		notify(w, n)
		settled(t, w)
		lanyardtest.TokenOf(w, again)
	})
}

// The question for plain text comes unsigned, so the answer proves nothing, is no page,
// and does not say whether there is such an app.
func TestTheQuestionForPlainTextIsNoOracle(t *testing.T) {
	w := lanyardtest.New(t)
	app, _ := door(w, "microsoft")
	ask := func(provider, app, query string) (int, string, http.Header) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/hooks/"+provider+"/"+app+"?"+query, nil)
		lanyardtest.Must(t)(nil, err)
		resp, err := http.DefaultClient.Do(r)
		lanyardtest.Must(t)(nil, err)
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		lanyardtest.Must(t)(nil, err)
		return resp.StatusCode, string(b), resp.Header
	}
	good := "validationToken=" + url.QueryEscape("Validation: a token, 1+1")
	for _, id := range []string{app, "app_00000000000000000000000000"} {
		status, body, h := ask("microsoft", id, good)
		if status != http.StatusOK || body != "Validation: a token, 1+1" || !strings.HasPrefix(h.Get("Content-Type"), "text/plain") || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %d %q %v, want the token as plain text", id, status, body, h)
		}
	}
	for name, query := range map[string]string{
		"a page":    "validationToken=" + url.QueryEscape("<script>alert(1)</script>"),
		"two":       good + "&" + good,
		"long":      "validationToken=" + strings.Repeat("a", 513),
		"empty":     "validationToken=",
		"two lines": "validationToken=" + url.QueryEscape("a\nb"),
	} {
		if status, body, _ := ask("microsoft", app, query); status != http.StatusUnauthorized || strings.Contains(body, "script") {
			t.Errorf("%s: got %d %s, want it refused", name, status, body)
		}
	}
	for _, provider := range []string{"zoom", "slack", "google"} {
		if status, _, _ := ask(provider, app, good); status != http.StatusUnauthorized {
			t.Errorf("%s: got %d, want 401: it does not ask so", provider, status)
		}
	}
}

// listen serves at an address of its own until the test ends.
func listen(t *testing.T, s *http.Server) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	lanyardtest.Must(t)(nil, err)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return "http://" + l.Addr().String()
}
