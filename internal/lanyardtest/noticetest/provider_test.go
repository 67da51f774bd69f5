package noticetest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// register makes an app at a pretend provider and its client there.
func register(w *lanyardtest.World, provider string, scopes []string, endpoints map[string]string, change ...func(*sandbox.Client)) string {
	w.T.Helper()
	w.OK("PATCH", "/v1/project", map[string]any{"return_urls": []string{lanyardtest.Return}})
	app := w.OK("POST", "/v1/apps", map[string]any{"provider": provider, "scopes": scopes, "endpoints": endpoints})
	c := sandbox.Client{Provider: provider, Name: "Harbour Notes", RedirectURIs: []string{app.Str("redirect_uri")}}
	for _, f := range change {
		f(&c)
	}
	made, err := w.Sandbox.RegisterClient(c)
	if err != nil {
		w.T.Fatal(err)
	}
	w.OK("PATCH", "/v1/apps/"+app.Str("id"), map[string]any{"client_id": made.ID, "client_secret": made.Secret})
	return app.Str("id")
}

func google(w *lanyardtest.World) map[string]string {
	g := w.SandURL + "/google"
	return map[string]string{"authorize": g + "/o/oauth2/v2/auth", "token": g + "/token", "revoke": g + "/revoke", "identity": g + "/userinfo", "issuer": g, "jwks": g + "/jwks"}
}

func TestGoogleKeepsItsRefreshTokenAndPeopleMayUntickScopes(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	scopes := []string{"openid", "https://www.googleapis.com/auth/userinfo.email", "https://www.googleapis.com/auth/calendar.events.readonly", "https://www.googleapis.com/auth/gmail.send"}
	app := register(w, "google", scopes, google(w))
	c := w.Connect(app, "u", "ana")
	if c.Str("status") != "active" || c.Str("account.email") == "" {
		t.Fatalf("got %v, want active with the account's e-mail address", c)
	}
	for range 3 {
		before := lanyardtest.TokenOf(w, c).Str("fingerprint")
		w.Expire(-1)
		if after := lanyardtest.TokenOf(w, c).Str("fingerprint"); after == before {
			t.Fatal("the token was not renewed")
		}
	}
	if w.OK("DELETE", "/v1/connections/"+c.Str("id"), nil).Str("outcome") != "revoked" {
		t.Error("not revoked at Google")
	}

	// Ben leaves a box unticked: the connection works, and says what is missing.
	link := w.Invite(app, "v").Str("connect_url")
	b := w.Browser()
	b.Go(http.MethodPost, link, url.Values{})
	b.Go(http.MethodGet, b.Next()+"&sandbox_consent=allow&sandbox_person=ben&sandbox_scopes="+url.QueryEscape(strings.Join(scopes[:3], " ")), nil)
	at, err := url.Parse(b.Follow(lanyardtest.Return))
	if err != nil {
		t.Fatal(err)
	}
	c = w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "v"})
	if c.Str("status") != "partial" || c.Str("reconnect_url") == "" {
		t.Fatalf("got %s, want partial with a link to mend it", c.Str("status"))
	}
	if missing, _ := c["scopes_missing"].([]any); len(missing) != 1 || missing[0] != scopes[3] {
		t.Errorf("got missing %v, want just the one left unticked", c["scopes_missing"])
	}
	problem := w.Fails("scopes_missing", "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{"scopes": scopes[3:]})
	if list, _ := problem["missing_scopes"].([]any); len(list) != 1 {
		t.Errorf("got %v, want the missing scope named", problem)
	}
}

func TestMicrosoftOverlapSurvivesALostAnswer(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	m := w.SandURL + "/microsoft/common"
	app := register(w, "microsoft", []string{"User.Read", "Calendars.Read"}, map[string]string{"authorize": m + "/oauth2/v2.0/authorize", "token": m + "/oauth2/v2.0/token",
		"identity": w.SandURL + "/microsoft/v1.0/me", "issuer": w.SandURL + "/microsoft/{tid}/v2.0", "jwks": m + "/discovery/v2.0/keys"})
	c := w.Connect(app, "u", "ana")
	if c.Str("status") != "active" {
		t.Fatalf("got %v, want active", c)
	}
	lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Provider: sandbox.Microsoft, Endpoint: "token"}, Action: "drop_after_commit", Times: 1}))
	w.Expire(-1)
	w.Fails("refresh_failed", "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
	w.SQL(`UPDATE grants SET retry_at = 0`)
	w.SQL(`UPDATE attempts SET ended_at = ended_at - 60000000 WHERE outcome = 'unknown'`)
	lanyardtest.TokenOf(w, c)
	if s := lanyardtest.StatusOf(w, c); s != "active" {
		t.Errorf("got %s after a lost answer at an overlap provider, want active: the old refresh token still works", s)
	}
	if out := w.OK("DELETE", "/v1/connections/"+c.Str("id"), nil); out.Str("outcome") != "not_supported" || out.Str("access_token_lives_until") == "" {
		t.Errorf("got %v, want it said that Entra cannot revoke, and until when the token lives", out)
	}
}

func TestSlackGivesTwoGrantsInOneAnswer(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		s := w.SandURL + "/slack"
		app := register(w, "slack", []string{"chat:write", "users:read", "user:search:read"}, map[string]string{"authorize": s + "/oauth/v2/authorize",
			"token": s + "/api/oauth.v2.access", "revoke": s + "/api/auth.revoke", "identity": s + "/api/auth.test"}, func(c *sandbox.Client) { c.Rotation = true })
		c := w.Connect(app, "u", "ana")
		also, _ := c["also"].([]any)
		if len(also) != 1 {
			t.Fatalf("got %v, want a second connection beside it", c)
		}
		other := w.OK("GET", "/v1/connections/"+also[0].(string), nil)
		kinds := []string{c.Str("kind"), other.Str("kind")}
		slices.Sort(kinds)
		if !slices.Equal(kinds, []string{"bot", "user"}) || c.Str("status") != "active" || other.Str("status") != "active" {
			t.Fatalf("got %v: %s and %s, want bot and user, both active", kinds, c.Str("status"), other.Str("status"))
		}
		if lanyardtest.TokenOf(w, c).Str("fingerprint") == lanyardtest.TokenOf(w, other).Str("fingerprint") {
			t.Error("bot and user have the same token")
		}
		// One page, and a record for each of the two, which are let go of one by one.
		ofBot, ofUser := consentOf(w, c), consentOf(w, other)
		if c.Str("kind") == "user" {
			ofBot, ofUser = ofUser, ofBot
		}
		asked, askedOfUser := words(ofBot["scopes_asked"]), words(ofUser["scopes_asked"])
		if ofBot.Str("id") == ofUser.Str("id") || ofBot.Str("text.hash") != ofUser.Str("text.hash") || ofBot.Str("session_id") != ofUser.Str("session_id") ||
			!slices.Contains(asked, "chat:write") || slices.Contains(askedOfUser, "chat:write") || len(askedOfUser) != 1 || len(words(ofUser["scopes_missing"])) != 0 {
			t.Errorf("got %v and %v, want two of one page, each with its own scopes", ofBot, ofUser)
		}
		for _, one := range []lanyardtest.JSON{c, other} {
			before := lanyardtest.TokenOf(w, one).Str("fingerprint")
			w.SQL(`UPDATE grants SET access_expires = 1 WHERE id = (SELECT grant_id FROM connections WHERE id = $1)`, one.Str("id"))
			if after := lanyardtest.TokenOf(w, one).Str("fingerprint"); after == before {
				t.Errorf("the %s token was not renewed", one.Str("kind"))
			}
		}
	})
}

func TestZoomWithClassicScopes(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	z := w.ZoomEndpoints()
	app := register(w, "zoom", []string{"user:read", "user_zak:read", "meeting:read", "meeting_token:read:local_recording"}, z)
	c := w.Connect(app, "u", "ana")
	if c.Str("status") != "active" {
		t.Fatalf("got %v, want active", c)
	}
	m, err := w.Sandbox.CreateMeeting("ana", "", "")
	if err != nil {
		t.Fatal(err)
	}
	out := w.OK("POST", "/v1/join-tokens", map[string]any{"connection_id": c.Str("id"), "meeting_number": m.Number, "types": []string{"onbehalf", "zak", "local_recording"}})
	if got := out.List("tokens"); len(got) != 3 {
		t.Errorf("got %v, want all three types", out)
	}
}

func TestJoinTokensSayWhyNot(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	c := w.Connect(app, "u", "ana")
	mine, err := w.Sandbox.CreateMeeting("ana", "", "")
	if err != nil {
		t.Fatal(err)
	}
	bens, err := w.Sandbox.CreateMeeting("ben", "", "")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(change map[string]any) map[string]any {
		body := map[string]any{"connection_id": c.Str("id"), "meeting_number": mine.Number, "types": []string{"onbehalf"}}
		for k, v := range change {
			body[k] = v
		}
		return body
	}
	for name, x := range map[string]struct {
		code   string
		change map[string]any
	}{
		"somebody else's meeting": {"meeting_not_found", map[string]any{"meeting_number": bens.Number, "types": []string{"local_recording"}}},
		"no such meeting":         {"meeting_not_found", map[string]any{"meeting_number": "99999999999", "types": []string{"local_recording"}}},
		"a link that is none":     {"invalid_meeting_link", map[string]any{"meeting_number": "", "meeting_url": "https://zoom.us.evil.example/j/12345678901"}},
		"two links":               {"ambiguous_meeting_link", map[string]any{"meeting_number": "", "meeting_url": "https://zoom.us/j/12345678901 https://zoom.us/j/12345678902"}},
		"a personal link":         {"personal_meeting_link", map[string]any{"meeting_number": "", "meeting_url": "https://zoom.us/my/ana.torres"}},
		"both ways":               {"invalid_request", map[string]any{"meeting_url": "https://zoom.us/j/12345678901"}},
		"no type":                 {"invalid_request", map[string]any{"types": []string{"sdk"}}},
		"foreign connection":      {"not_found", map[string]any{"connection_id": "con_00000000000000000000000000"}},
	} {
		t.Run(name, func(t *testing.T) {
			w.On(t).Fails(x.code, "POST", "/v1/join-tokens", ask(x.change))
		})
	}
	t.Run("a refused access token is renewed once", func(t *testing.T) {
		before := lanyardtest.Renewals(w)
		w.SQL(`UPDATE grants SET refreshed_at = refreshed_at - 60000000`)
		lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Provider: sandbox.Zoom, Endpoint: "api"}, Action: "status", Status: 401,
			Body: `{"code":124,"message":"Access token is expired."}`, Headers: map[string]string{"Content-Type": "application/json"}, Times: 1}))
		if got := w.OK("POST", "/v1/join-tokens", ask(nil)).List("tokens"); len(got) != 1 || lanyardtest.Renewals(w) != before+1 {
			t.Errorf("got %d tokens after %d renewals, want one after one", len(got), lanyardtest.Renewals(w)-before)
		}
	})
	t.Run("the provider is down", func(t *testing.T) {
		lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Provider: sandbox.Zoom, Endpoint: "api"}, Action: "status", Status: 503, Times: 1}))
		w.Fails("provider_unavailable", "POST", "/v1/join-tokens", ask(nil))
	})
	t.Run("a key for one type does not do for another", func(t *testing.T) {
		key := w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"join:onbehalf"}}).Str("credential")
		w.FailsAs(key, "scope_missing", "POST", "/v1/join-tokens", ask(map[string]any{"types": []string{"zak"}}))
		if status, out := w.Call(key, "POST", "/v1/join-tokens", ask(nil)); status != http.StatusOK {
			t.Errorf("got %d %v, want the type it has the scope for", status, out)
		}
	})
	t.Run("a scope the person did not grant", func(t *testing.T) {
		link := w.OK("POST", "/v1/connect-sessions", map[string]any{"app_id": app, "end_user": map[string]any{"id": "w"},
			"return_url": lanyardtest.Return, "scopes": []string{"user:read:user", "user:read:token"}}).Str("connect_url")
		at := w.Browser().Consent(link, "dana")
		less := w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "w"})
		problem := w.Fails("scopes_missing", "POST", "/v1/join-tokens", ask(map[string]any{"connection_id": less.Str("id"), "types": []string{"zak"}}))
		if problem.Str("reconnect_url") == "" || problem["missing_scopes"] == nil {
			t.Errorf("got %v, want the scope named and a link", problem)
		}
	})
}

func TestYourOwnCallback(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		const callback = "http://localhost:7000/own"
		ask := "/v1/authorize-url?" + url.Values{"app_id": {app}, "redirect_uri": {callback}, "end_user_id": {"u"}, "state": {"mine-17"}}.Encode()
		begin := w.OK("GET", ask, nil)
		b := w.Browser()
		b.Go(http.MethodGet, begin.Str("authorize_url")+"&sandbox_consent=allow&sandbox_person=ana", nil)
		at, err := url.Parse(b.Next())
		if err != nil || !strings.HasPrefix(at.String(), callback) {
			t.Fatalf("got %s, want the customer's callback", b.Next())
		}
		if at.Query().Get("state") != begin.Str("state") || strings.Contains(begin.Str("authorize_url"), "mine-17") {
			t.Error("the state on the wire is not ours")
		}
		done := map[string]any{"app_id": app, "code": at.Query().Get("code"), "state": at.Query().Get("state"), "redirect_uri": callback}
		for _, wrong := range []string{"state", "redirect_uri"} {
			bad := map[string]any{}
			for k, v := range done {
				bad[k] = v
			}
			bad[wrong] = ""
			w.Fails(map[string]string{"state": "invalid_state", "redirect_uri": "invalid_request"}[wrong], "POST", "/v1/connections", bad)
		}
		c := w.OK("POST", "/v1/connections", done)
		if c.Str("status") != "active" || c.Str("state") != "mine-17" || c.Str("origin") != "own_callback" {
			t.Fatalf("got %v, want it connected and the caller's state back", c)
		}
		w.Fails("invalid_state", "POST", "/v1/connections", done)
		seen := false
		for _, e := range w.OK("GET", "/v1/audit/entries?connection_id="+c.Str("id"), nil).List("data") {
			seen = seen || e.Str("detail.browser") == "browser_not_seen"
		}
		if !seen {
			t.Error("the log does not say that no browser was seen")
		}
		// By end user: one call.
		if got := w.OK("POST", "/v1/tokens", map[string]any{"end_user_id": "u", "provider": "zoom"}); got.Str("access_token") == "" {
			t.Errorf("got %v, want the token by end user", got)
		}
		needed := w.Fails("connection_needed", "POST", "/v1/tokens", map[string]any{"end_user_id": "stranger", "provider": "zoom"})
		if !strings.Contains(needed.Str("connect_url"), "/connect/") {
			t.Errorf("got %v, want a link to connect", needed)
		}
	})
}
