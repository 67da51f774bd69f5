package noticetest_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// Letting go closes the record with what the provider said to it.
func TestAWithdrawalHasTheProvidersAnswer(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		c := w.Connect(app, "u", "ana")
		w.OK("DELETE", "/v1/connections/"+c.Str("id"), nil)
		r := consentOf(w, c)
		for path, want := range map[string]string{"state": "withdrawn", "withdrawal.by": "customer", "withdrawal.at_provider": "revoked", "withdrawal.reason": "",
			"withdrawal.access_token_lives_until": "", "end_user_id": "u"} {
			if got := r.Str(path); got != want {
				t.Errorf("%s: got %q, want %q", path, got, want)
			}
		}
		if r["withdrawal"].(map[string]any)["http_status"] != 200.0 || r.Str("ended_at") == "" || r.Str("withdrawal.answered_at") < r.Str("ended_at") || len(words(r["text"].(map[string]any)["lines"])) == 0 {
			t.Errorf("got %v, want when, the status, and the text still there", r)
		}

		// The operator does it, at a provider that is told of nothing.
		plain := noWayBack(w)
		d := w.Connect(plain, "u", "ben")
		if out := w.Operator("DELETE", "/v1/connections/"+d.Str("id"), nil); out.Str("outcome") != "not_supported" {
			t.Fatalf("got %v, want it not supported", out)
		}
		r = consentOf(w, d)
		until, err := time.Parse(time.RFC3339, r.Str("withdrawal.access_token_lives_until"))
		if r.Str("withdrawal.by") != "operator" || r.Str("withdrawal.at_provider") != "not_supported" || r.Str("withdrawal.detail") == "" || err != nil || until.Before(time.Now()) {
			t.Errorf("got %v, want it said that the provider has no way, and how long the token lives", r)
		}
	})
}

// noWayBack is an app at a provider that has no address for revocations.
func noWayBack(w *lanyardtest.World) string {
	w.T.Helper()
	w.Operator("PATCH", "/v1/project", map[string]any{"allow_custom_provider": true})
	s := w.SandURL + "/oidc"
	app := w.OK("POST", "/v1/apps", map[string]any{"provider": "custom", "scopes": []string{"openid", "email", "offline_access"}, "custom": map[string]any{
		"id": "custom", "name": "Harbour Sign-in", "client_auth": "basic", "class": "reuse_kill", "authorize": map[string]any{"pkce": "required", "issuer_returned": true},
		"endpoints": map[string]string{"authorize": s + "/authorize", "token": s + "/token", "identity": s + "/userinfo", "issuer": s, "jwks": s + "/jwks"},
		"times":     map[string]any{"access": 600, "code": 60}, "rules": map[string]any{},
		"identity": map[string]any{"subject": "sub", "email": "email", "name": "name", "claims": map[string]string{"subject": "sub", "email": "email"}}}})
	made, err := w.Sandbox.RegisterClient(sandbox.Client{Provider: "oidc", Name: "Harbour Notes", RedirectURIs: []string{app.Str("redirect_uri")}, Scopes: []string{"openid", "email", "offline_access"}})
	if err != nil {
		w.T.Fatal(err)
	}
	w.OK("PATCH", "/v1/apps/"+app.Str("id"), map[string]any{"client_id": made.ID, "client_secret": made.Secret})
	return app.Str("id")
}

// The provider is down. The record says so, and says otherwise when it has been told.
func TestAWithdrawalThatIsToldLater(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		c := w.Connect(w.Zoom(), "u", "ana")
		lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "revoke"}, Action: "status", Status: 503, Times: 2}))
		w.OK("DELETE", "/v1/connections/"+c.Str("id"), nil)
		r := consentOf(w, c)
		d := r["withdrawal"].(map[string]any)
		if r.Str("state") != "withdrawn" || d["at_provider"] != "failed" || d["http_status"] != 503.0 || d["tried_again"] != true || r.Str("withdrawal.detail") == "" || r.Str("withdrawal.access_token_lives_until") == "" {
			t.Errorf("got %v, want it failed, to be tried again, and a token that lives on", d)
		}
		first := r.Str("withdrawal.answered_at")
		w.SQL(`UPDATE revocations SET try_at = 1`)
		lanyardtest.Eventually(t, func() bool { r = consentOf(w, c); return r.Str("withdrawal.at_provider") == "revoked" }, "the record says that the provider was told")
		d = r["withdrawal"].(map[string]any)
		if d["http_status"] != 200.0 || d["tried_again"] != nil || d["access_token_lives_until"] != nil || r.Str("withdrawal.answered_at") <= first {
			t.Errorf("got %v, want the answer of the later try and no other", d)
		}
	}, lanyardtest.Quick)
}

// A process that dies between letting go and telling the provider leaves "pending",
// and another tells it. An account that has come back meanwhile is not told about.
func TestAWithdrawalThatWasInterrupted(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t, lanyardtest.Quick)
	app := w.Zoom()
	c := w.Connect(app, "u", "ana")
	lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "revoke"}, Action: "status", Status: 503, Times: 2}))
	w.OK("DELETE", "/v1/connections/"+c.Str("id"), nil)
	w.SQL(`UPDATE consents SET at_provider = 'pending', provider_status = 0, provider_again = 0, answered_at = 0`)
	if r := consentOf(w, c); r.Str("withdrawal.at_provider") != "pending" || r.Str("withdrawal.answered_at") != "" {
		t.Errorf("got %v, want it pending", r)
	}
	again := w.Connect(app, "u", "ana")
	w.SQL(`UPDATE revocations SET try_at = 1`)
	lanyardtest.Eventually(t, func() bool { return consentOf(w, c).Str("withdrawal.at_provider") == "connected_again" }, "the record says why the provider is not told")
	if r := consentOf(w, again); r.Str("state") != "given" {
		t.Errorf("got %v, want the new consent untouched", r)
	}
}

// Two of the customer's users hold one account's grant. The first who lets go has
// withdrawn; the provider hears of it with the last.
func TestAWithdrawalOfASharedGrant(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	one, two := w.Connect(app, "u1", "ana"), w.Connect(app, "u2", "ana")
	if a, b := consentOf(w, one), consentOf(w, two); a.Str("state") != "given" || b.Str("state") != "given" {
		t.Errorf("got %v and %v, want both in force: each has consented", a, b)
	}
	w.OK("DELETE", "/v1/connections/"+one.Str("id"), nil)
	if r := consentOf(w, one); r.Str("withdrawal.at_provider") != "shared" || r.Str("withdrawal.answered_at") != "" {
		t.Errorf("got %v, want it withdrawn, and the provider not told", r)
	}
	if r := consentOf(w, two); r.Str("state") != "given" {
		t.Errorf("got %v, want the other's in force", r)
	}
	w.OK("DELETE", "/v1/connections/"+two.Str("id"), nil)
	for _, c := range []lanyardtest.JSON{one, two} {
		if r := consentOf(w, c); r.Str("withdrawal.at_provider") != "revoked" {
			t.Errorf("got %v, want both told", r)
		}
	}
}

// Ana takes the app out of her Zoom. It is the provider's word, at once for everybody
// who held her consent; what proves it stays, though her account is erased.
func TestAWithdrawalAtTheProvider(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app, client := hooked(w)
		gone, c, ben := w.Connect(app, "u1", "ana"), w.Connect(app, "u2", "ana"), w.Connect(app, "u3", "ben")
		w.OK("DELETE", "/v1/connections/"+gone.Str("id"), nil)
		if got := notify(w, sandbox.Notice{Client: client, Event: "app_deauthorized", Person: "ana"}); !slices.Equal(got, []int{204}) {
			t.Fatalf("got %v, want 204", got)
		}
		settled(t, w)
		r := consentOf(w, c)
		if r.Str("state") != "withdrawn" || r.Str("withdrawal.by") != "provider" || r.Str("withdrawal.at_provider") != "told_us" || r.Str("withdrawal.reason") == "" || r.Str("withdrawal.answered_at") == "" {
			t.Errorf("got %v, want it withdrawn at the provider", r)
		}
		if len(words(r["text"].(map[string]any)["lines"])) == 0 || r.Str("end_user_id") != "u2" {
			t.Errorf("got %v, want the proof kept", r)
		}
		if r := consentOf(w, gone); r.Str("withdrawal.by") != "customer" || r.Str("withdrawal.at_provider") != "told_us" {
			t.Errorf("got %v, want it the customer's act, and known at the provider by now", r)
		}
		if r := consentOf(w, ben); r.Str("state") != "given" {
			t.Errorf("got %v, want ben's in force", r)
		}
		again := w.Connect(app, "u2", "ana")
		if got := notify(w, sandbox.Notice{Client: client, Event: "app_deauthorized", Person: "ana", As: "replayed"}); !slices.Equal(got, []int{204}) {
			t.Fatalf("got %v, want 204", got)
		}
		settled(t, w)
		if r := consentOf(w, again); r.Str("state") != "given" {
			t.Errorf("got %v after a replay, want the new consent in force", r)
		}
		if n := len(w.OK("GET", "/v1/consents?end_user_id=u2", nil).List("data")); n != 2 {
			t.Errorf("got %d consents of hers, want 2", n)
		}
	})
}

// A key for some providers or labels sees the consents of the connections that it
// reaches, by what they are called now.
func TestALimitedKeySeesItsConsents(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	labelled := w.OK("POST", "/v1/connect-sessions", map[string]any{"app_id": app, "end_user": map[string]any{"id": "u"}, "return_url": lanyardtest.Return, "label": "sales"})
	at := w.Browser().Consent(labelled.Str("connect_url"), "ana")
	sales := w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "u"})
	other := w.Connect(app, "v", "ben")
	key := func(limit map[string]any) string {
		limit["name"], limit["scopes"] = "limited", []string{"read", "audit"}
		return w.OK("POST", "/v1/keys", limit).Str("credential")
	}
	sees := func(key string, want ...lanyardtest.JSON) {
		t.Helper()
		_, out := w.Call(key, "GET", "/v1/consents", nil)
		var got []string
		for _, r := range out.List("data") {
			got = append(got, r.Str("connection_id"))
		}
		var ids []string
		for _, c := range want {
			ids = append(ids, c.Str("id"))
		}
		slices.Sort(got)
		slices.Sort(ids)
		if !slices.Equal(got, ids) {
			t.Errorf("got %v, want %v", got, ids)
		}
	}
	ofSales, ofGoogle, ofZoom := key(map[string]any{"labels": []string{"sales"}}), key(map[string]any{"providers": []string{"google"}}), key(map[string]any{"providers": []string{"zoom"}})
	sees(ofSales, sales)
	sees(ofGoogle)
	sees(ofZoom, sales, other)
	id := consentOf(w, other).Str("id")
	w.FailsAs(ofSales, "key_limited", "GET", "/v1/consents/"+id, nil)
	w.FailsAs(ofGoogle, "key_limited", "GET", "/v1/consents/"+id, nil)
	w.OK("PATCH", "/v1/connections/"+sales.Str("id"), map[string]any{"label": "support"})
	w.OK("PATCH", "/v1/connections/"+other.Str("id"), map[string]any{"label": "sales"})
	sees(ofSales, other)
	w.FailsAs(ofSales, "key_limited", "GET", "/v1/consents/"+consentOf(w, sales).Str("id"), nil)
	elsewhere := key(map[string]any{"cidrs": []string{"198.51.100.0/24"}})
	w.FailsAs(elsewhere, "address_not_allowed", "GET", "/v1/consents", nil)
}

// A link that names whose account it must be needs no completion; the page was ours.
func TestAConsentByLink(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t, behindProxy)
	app := w.Zoom()
	w.Operator("PATCH", "/v1/project", map[string]any{"allow_link_mode": true})
	link := w.OK("POST", "/v1/connect-sessions", map[string]any{"app_id": app, "end_user": map[string]any{"id": "u"}, "return_url": lanyardtest.Return, "expected_email": "ana.torres@example.com"}).Str("connect_url")
	b := anas(w)
	b.Go(http.MethodGet, link, nil)
	b.Go(http.MethodPost, link, b.Form())
	b.Go(http.MethodGet, b.Next()+"&sandbox_consent=allow&sandbox_person=ana", nil)
	at, err := url.Parse(b.Follow(lanyardtest.Return))
	lanyardtest.Must(t)(nil, err)
	r := consentOf(w, lanyardtest.JSON{"id": at.Query().Get("lanyard_connection")})
	if r.Str("origin") != "link" || r.Str("shown") != "page" || r.Str("completed_by") != "person" || r.Str("key_id") != "" || r.Str("ip") != anasAddress {
		t.Errorf("got %v, want the page, and herself", r)
	}
}
