package foreigntest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
)

// A sandbox of ours could share our misunderstandings; these servers cannot.
func TestServersWeDidNotWrite(t *testing.T) {
	for name, start := range foreignServers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := lanyardtest.New(t)
			s := start(t)
			w.Fails("operator_only", "POST", "/v1/apps", map[string]any{"provider": "custom", "custom": s.Definition(), "scopes": []string{"calls.read"}})
			w.Fails("operator_only", "PATCH", "/v1/project", map[string]any{"allow_custom_provider": true})
			j := &journeys{w: w, s: s, app: s.App(w), oidc: name == "oidc-provider"}
			j.run(t, "a person connects by our page", j.hosted)
			j.run(t, "a person connects by the customer's own callback", j.ownCallback)
			j.run(t, "a person says no, and then yes", j.denied)
			j.run(t, "what was changed on the way is refused", j.tampered)
			j.run(t, "renewals in a row", j.renewals)
			j.run(t, "when to renew", j.margins)
			j.run(t, "50 readers, one call", j.manyReaders)
			j.run(t, "a thief uses a spent refresh token", j.thiefLater)
			j.run(t, "a thief is faster", j.thiefFirst)
			j.run(t, "a refusal is believed when it is confirmed", j.confirmed)
			j.run(t, "the same account again", j.reconnected)
			j.run(t, "another account", j.otherAccount)
			j.run(t, "another account, known here", j.otherKnownAccount)
			j.run(t, "disconnect", j.disconnect)
			j.run(t, "two hold one account", j.shared)
			j.run(t, "wrong client secret", j.wrongSecret)
			j.run(t, "the client's secret changes", j.rotatedSecret)
			j.run(t, "custom providers are turned off", j.turnedOff)
			j.run(t, "nothing secret is logged", j.quiet)
		})
	}
}

// The same on PostgreSQL, as far as the database has a part in it.
func TestServersWeDidNotWriteOnPostgreSQL(t *testing.T) {
	for name, start := range foreignServers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.PostgreSQL(t).URL
			w := lanyardtest.New(t, func(s *server.Settings) { s.DatabaseURL = lanyard.NewSecret(dsn) })
			s := start(t)
			j := &journeys{w: w, s: s, app: s.App(w), oidc: name == "oidc-provider"}
			j.run(t, "a person connects by our page", j.hosted)
			j.run(t, "renewals in a row", j.renewals)
			j.run(t, "50 readers, one call", j.manyReaders)
			j.run(t, "a thief is faster", j.thiefFirst)
			j.run(t, "disconnect", j.disconnect)
			j.run(t, "nothing secret is logged", j.quiet)
		})
	}
}

var foreignServers = map[string]func(testing.TB) *lanyardtest.Foreign{"oidc-provider": lanyardtest.OIDCProvider, "fosite": lanyardtest.Fosite}

// journeys is one world and one foreign server; each journey has people of its own.
type journeys struct {
	w    *lanyardtest.World
	s    *lanyardtest.Foreign
	app  string
	oidc bool
}

func (j *journeys) run(t *testing.T, name string, f func(t *testing.T, w *lanyardtest.World)) {
	t.Run(name, func(t *testing.T) { f(t, j.w.In(t)) })
}

// tokens are what the server issued last.
func (j *journeys) tokens() (access, refresh string) {
	a := j.s.Tap.Last().Answer
	return a.Str("access_token"), a.Str("refresh_token")
}

// read reads the token of a connection whose last one is long dead.
// is checks the state of a connection.
func is(t *testing.T, w *lanyardtest.World, id, status, reason string) lanyardtest.JSON {
	t.Helper()
	c := w.OK("GET", "/v1/connections/"+id, nil)
	if c.Str("status") != status || c.Str("reason") != reason {
		t.Fatalf("got status %s, reason %q; want %s, %q", c.Str("status"), c.Str("reason"), status, reason)
	}
	return c
}

func (j *journeys) hosted(t *testing.T, w *lanyardtest.World) {
	b := w.Browser()
	away := b.Depart(w.Invite(j.app, "user-1").Str("connect_url"))
	q := away.Query()
	if !strings.HasPrefix(away.String(), j.s.Authorize+"?") || len(q.Get("state")) < 40 || len(q.Get("code_challenge")) != 43 || q.Get("code_challenge_method") != "S256" {
		t.Errorf("got the authorization request %s, want state and an S256 challenge", away)
	}
	if got := len(q.Get("nonce")) >= 40; got != j.oidc {
		t.Errorf("got a nonce: %v, want %v: only OpenID has one", got, j.oidc)
	}
	c := w.Complete(b.SignIn(away.String(), "ana", lanyardtest.Return), "user-1")
	if c.Str("status") != "active" || c.Str("account.id") != "ana" || c.Str("account.email") != "ana@example.com" || c.Str("account.display_name") != "ana" || c.Str("origin") != "hosted" {
		t.Fatalf("got %v, want an active connection of ana's account", c)
	}
	call := j.s.Tap.Last()
	if call.Form.Get("grant_type") != "authorization_code" || len(call.Form.Get("code_verifier")) < 43 || call.Form.Has("client_secret") {
		t.Errorf("got the token request %v, want a code and a verifier, and the secret in the header alone", call.Form)
	}
	if got := call.Answer.Str("id_token") != ""; got != j.oidc {
		t.Fatalf("the server gave an ID token: %v, want %v", got, j.oidc)
	}
	access, _ := j.tokens()
	token := w.OK("POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{"scopes": []string{"calls.read"}})
	if token.Str("access_token") != access || !j.s.Lives(access) || token.Str("api_base") != "" {
		t.Errorf("got %v, want the token that the server issued", token)
	}
	w.Fails("completion_invalid", "POST", "/v1/connections", map[string]any{"completion": "cmp_" + strings.Repeat("A", 43), "end_user_id": "user-1"})
	check := w.OK("POST", "/v1/apps/"+j.app+"/check", nil).List("lines")
	if check[1].Str("what") != "client id and secret" || check[1].Str("state") != "proved" {
		t.Errorf("got %v, want id and secret proved", check)
	}
}

// A refusal after the state was spent used to be answered with 201 and an empty
// connection: what the customer's backend then believed to have was nobody's.
func (j *journeys) ownCallback(t *testing.T, w *lanyardtest.World) {
	begin := func(endUser string) (lanyardtest.JSON, url.Values) {
		a := w.OK("GET", "/v1/authorize-url?"+url.Values{"app_id": {j.app}, "redirect_uri": {lanyardtest.OwnCallback},
			"end_user_id": {endUser}, "state": {"theirs"}}.Encode(), nil)
		at, err := url.Parse(w.Browser().SignIn(a.Str("authorize_url"), endUser, lanyardtest.OwnCallback))
		if err != nil {
			t.Fatal(err)
		}
		q := at.Query()
		if q.Get("code") == "" || q.Get("state") != a.Str("state") || q.Has("iss") != j.oidc {
			t.Fatalf("got %s, want a code and our state", at)
		}
		return lanyardtest.JSON{"app_id": j.app, "redirect_uri": lanyardtest.OwnCallback, "code": q.Get("code"), "state": q.Get("state"), "end_user_id": endUser}, q
	}
	if j.oidc { // it says that it always sends iss
		in, _ := begin("olga")
		w.Fails("issuer_mismatch", "POST", "/v1/connections", in)
		in, _ = begin("olga")
		in["iss"] = "https://accounts.example.com"
		w.Fails("issuer_mismatch", "POST", "/v1/connections", in)
	}
	in, q := begin("olga")
	if j.oidc {
		in["iss"] = q.Get("iss")
	}
	in["end_user_id"] = "mallory"
	w.Fails("end_user_mismatch", "POST", "/v1/connections", in)
	in["end_user_id"] = "olga"
	w.Fails("invalid_state", "POST", "/v1/connections", in) // spent all the same

	in, q = begin("olga")
	if j.oidc {
		in["iss"] = q.Get("iss")
	}
	c := w.OK("POST", "/v1/connections", in)
	if c.Str("status") != "active" || c.Str("account.id") != "olga" || c.Str("state") != "theirs" || c.Str("origin") != "own_callback" {
		t.Fatalf("got %v, want an active connection of olga's account, and the caller's state", c)
	}
	w.Fails("invalid_state", "POST", "/v1/connections", in)
	j.renew(t, w, c.Str("id"))
}

func (j *journeys) denied(t *testing.T, w *lanyardtest.World) {
	link := w.Invite(j.app, "dora").Str("connect_url")
	b := w.Browser()
	away := b.Depart(link)
	b.Go(http.MethodGet, away.String(), nil)
	for b.Next() != "" && strings.HasPrefix(b.Next(), j.s.Issuer) {
		b.Go(http.MethodGet, b.Next(), nil)
	}
	if j.oidc {
		b.Go(http.MethodGet, b.At.String()+"/abort", nil)
	} else {
		b.Go(http.MethodPost, away.String(), url.Values{"decision": {"deny"}})
	}
	if end := b.Follow(lanyardtest.Return); !strings.Contains(end, "lanyard_error=consent_denied") {
		t.Fatalf("got %q, want consent_denied", end)
	}
	// Another browser may not answer for the one that began.
	away = w.Browser().Depart(link)
	other := w.Browser()
	if end := other.SignIn(away.String(), "dora", lanyardtest.Return); end != "" || !strings.Contains(other.Body, "browser") {
		t.Errorf("another browser's answer: got %q %d, want a page", end, other.Status)
	}
	b = w.Browser()
	c := w.Complete(b.SignIn(b.Depart(link).String(), "dora", lanyardtest.Return), "dora")
	is(t, w, c.Str("id"), "active", "")
}

// Each of these begins a journey and lets somebody on the way change one thing.
func (j *journeys) tampered(t *testing.T, w *lanyardtest.World) {
	for _, x := range []struct {
		what, param, code string
		oidc              bool
	}{
		{"the challenge", "code_challenge", "code_rejected", false},
		{"the nonce", "nonce", "provider_answer_invalid", true},
	} {
		if x.oidc && !j.oidc {
			continue
		}
		b := w.Browser()
		away := b.Depart(w.Invite(j.app, "tom").Str("connect_url"))
		q := away.Query()
		q.Set(x.param, strings.Repeat("x", 43))
		away.RawQuery = q.Encode()
		at, err := url.Parse(b.SignIn(away.String(), "tom", lanyardtest.Return))
		if err != nil {
			t.Fatal(err)
		}
		completion := at.Query().Get("lanyard_completion")
		w.Fails(x.code, "POST", "/v1/connections", map[string]any{"completion": completion, "end_user_id": "tom"})
		w.Fails("completion_invalid", "POST", "/v1/connections", map[string]any{"completion": completion, "end_user_id": "tom"})
		if access, refresh := j.tokens(); access != "" && (j.s.Lives(access) || j.s.Lives(refresh)) {
			t.Errorf("%s: tokens that nobody took still live", x.what)
		}
	}
	if !j.oidc {
		return
	}
	for what, change := range map[string]func(url.Values){
		"another issuer": func(q url.Values) { q.Set("iss", "https://accounts.example.com") },
		"no issuer":      func(q url.Values) { q.Del("iss") },
	} {
		b := w.Browser()
		away := b.Depart(w.Invite(j.app, "tom").Str("connect_url"))
		back, err := url.Parse(b.SignIn(away.String(), "tom", w.URL+"/oauth/callback/"))
		if err != nil {
			t.Fatal(err)
		}
		q := back.Query()
		change(q)
		back.RawQuery = q.Encode()
		calls := len(j.s.Tap.Calls())
		b.Go(http.MethodGet, back.String(), nil)
		if end := b.Follow(lanyardtest.Return); !strings.Contains(end, "lanyard_error=issuer_mismatch") || len(j.s.Tap.Calls()) != calls {
			t.Errorf("%s: got %q and %d calls, want issuer_mismatch and none", what, end, len(j.s.Tap.Calls())-calls)
		}
	}
}

// Who may not add a custom provider could still turn one into another.
func (j *journeys) turnedOff(t *testing.T, w *lanyardtest.World) {
	w.Operator("PATCH", "/v1/project", map[string]any{"allow_custom_provider": false})
	d := j.s.Definition()
	d["endpoints"].(map[string]string)["token"] = "https://attacker.example/token"
	w.Fails("operator_only", "PATCH", "/v1/apps/"+j.app, map[string]any{"custom": d})
	w.OK("PATCH", "/v1/apps/"+j.app, map[string]any{"name": "Calls"})
	j.renew(t, w, w.ConnectAbroad(j.app, "ute", "ute").Str("id")) // what there is goes on
	w.Operator("PATCH", "/v1/project", map[string]any{"allow_custom_provider": true})
}

func (j *journeys) quiet(t *testing.T, w *lanyardtest.World) {
	log, secrets := w.Log.String(), []string{j.s.Secret, url.QueryEscape(j.s.Secret), j.w.Key}
	for _, c := range j.s.Tap.Calls() {
		secrets = append(secrets, c.Form.Get("code"), c.Form.Get("code_verifier"), c.Form.Get("refresh_token"), c.Answer.Str("access_token"),
			c.Answer.Str("refresh_token"), c.Answer.Str("id_token"), c.Answer.Str("error_description"))
	}
	for _, s := range secrets {
		if s != "" && strings.Contains(log, s) {
			t.Errorf("the log has %.8s… in it", s)
		}
	}
	if !strings.Contains(log, "/v1/connections") {
		t.Error("the log is empty: this test proves nothing")
	}
}
