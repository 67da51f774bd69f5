package bottest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
)

// reads asks for an access token with a key, and returns the status and the code.
func (s *botStory) reads(key, connection string) string {
	s.T.Helper()
	status, got := s.Call(key, "POST", "/v1/connections/"+connection+"/token", map[string]any{})
	if status == http.StatusOK {
		if got.Str("access_token") == "" || got.Str("connection_id") != connection {
			s.T.Errorf("got %v, want a token of %s", got, connection)
		}
		return "200"
	}
	if got["access_token"] != nil {
		s.T.Errorf("got %d with a token", status)
	}
	return fmt.Sprintf("%d %s", status, got.Str("code"))
}

func (s *botStory) want(what, key, connection, want string) {
	s.T.Helper()
	if got := s.reads(key, connection); got != want {
		s.T.Errorf("%s: got %s, want %s", what, got, want)
	}
}

// only allows a bot access tokens with these scopes.
func only(scopes ...string) map[string]any {
	return map[string]any{"key": true, "allow": map[string]any{"scopes": scopes}}
}

// allow.scopes used to be kept, and no bot got an access token. A stolen key of a bot now
// reads the tokens of that bot's people alone: whoever else is connected, here or in
// another project, is answered as if nobody were. Each try is on the log with the bot.
func TestABotsKeyReadsTheTokensOfItsPeopleAlone(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"sqlite", "postgres"} {
		t.Run(store, func(t *testing.T) {
			s := newBotStory(t, false, onStore(t, store))
			b := s.bot(only(lanyardtest.ZoomScopes...), s.ana)
			id, key := b.Str("id"), b.Str("credential")
			_, got := s.Call(key, "POST", "/v1/connections/"+s.ana+"/token", map[string]any{})
			r, err := http.NewRequestWithContext(t.Context(), "GET", s.SandURL+"/zoom/v2/users/me", nil)
			lanyardtest.Must(t)(nil, err)
			r.Header.Set("Authorization", "Bearer "+got.Str("access_token"))
			resp, err := http.DefaultClient.Do(r)
			lanyardtest.Must(t)(nil, err)
			if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
				t.Errorf("got %v, and the provider says %d to it", got, resp.StatusCode)
			}

			project := s.Operator("POST", "/v1/operator/projects", map[string]any{"name": "Elsewhere"}).Str("id")
			other := *s.World
			other.Key = s.Operator("POST", "/v1/operator/keys", map[string]any{"project": project, "scopes": lanyard.Scopes}).Str("credential")
			foreign := other.Connect(other.Zoom(), "u", "chidi").Str("id")
			answers := map[string]bool{}
			for _, connection := range []string{s.ben, foreign, lanyard.NewID[string]("con_"), "nobody", id} {
				status, got := s.Call(key, "POST", "/v1/connections/"+connection+"/token", map[string]any{"min_ttl_seconds": 7200})
				delete(got, "request_id")
				answers[fmt.Sprint(status, got)] = true
				if status != http.StatusNotFound {
					t.Errorf("%s: got %d %v, want 404", connection, status, got)
				}
			}
			if len(answers) != 1 {
				t.Errorf("got %v, want one answer to all", answers)
			}
			for _, e := range s.OK("GET", "/v1/audit/entries?limit=200&what=token.read", nil).List("data") {
				if e.Str("detail.bot") != id || e.Str("outcome") == "ok" != (e.Str("connection_id") == s.ana) || !strings.HasPrefix(e.Str("who"), "key:") {
					t.Errorf("got %v, want it on the log with the bot", e)
				}
				answers[e.Str("id")] = true
			}
			if len(answers) != 1+6 {
				t.Errorf("got %d entries, want one for each of six tries", len(answers)-1)
			}
		})
	}
}

func onStore(t *testing.T, store string) lanyardtest.Option {
	return func(s *server.Settings) {
		if store == "postgres" {
			s.DatabaseURL = lanyard.NewSecret(storetest.PostgreSQL(t).URL)
		}
	}
}

// A bot has tokens from two minutes before its hour until it is over, and no access token
// at another time: its key is believed for a second longer than it is good.
func TestABotsKeyReadsNoTokenEarlyOrLate(t *testing.T) {
	t.Parallel()
	s := newBotStory(t, false)
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	in := only(lanyardtest.ZoomScopes...)
	in["join_at"] = at(time.Hour)
	b := s.bot(in, s.ana)
	id, key := b.Str("id"), b.Str("credential")
	_, got := s.Call(key, "POST", "/v1/connections/"+s.ana+"/token", map[string]any{})
	if after, _ := got["retry_after"].(float64); got.Str("code") != "bot_too_early" || after < 3000 || after > 3600 {
		t.Errorf("an hour ahead: got %v, want it to say when", got)
	}
	for _, connection := range []string{s.ben, lanyard.NewID[string]("con_")} { // or one could look for who is connected
		s.want("an hour ahead, who is none of its people", key, connection, "409 bot_too_early")
	}
	s.OK("PATCH", "/v1/bots/"+id, map[string]any{"join_at": at(90 * time.Second)})
	s.want("a minute and a half ahead", key, s.ana, "200")
	s.is(id, "ready")
	s.report(id, "joined", map[string]any{"state": "joined"})
	s.want("while it is in", key, s.ana, "200")

	s.SQL(`UPDATE bots SET state = 'left' WHERE id = $1`, id) // another node has, and this one believes in the key
	for _, connection := range []string{s.ana, s.ben, lanyard.NewID[string]("con_")} {
		s.want("when it is over", key, connection, "409 bot_over")
	}
	s.SQL(`UPDATE bots SET state = 'joined' WHERE id = $1`, id)
	s.want("it is in", key, s.ana, "200")
	s.OK("POST", "/v1/bots/"+id+"/leave", nil)
	if got := s.reads(key, s.ana); got != "409 bot_over" && got != "401 credential_invalid" {
		t.Errorf("it has left: got %s", got)
	}
	lanyardtest.Eventually(t, func() bool { return s.reads(key, s.ana) == "401 credential_invalid" }, "the key of a bot that is over ends")
}

// What a token may do is the provider's to say, and changes: the person connects again and
// allows more, or a renewal brings more. A token that may do more than the bot was made with
// is not handed to it, and neither is one of which nobody has said what it may do.
func TestABotGetsNoTokenThatMayDoMore(t *testing.T) {
	t.Parallel()
	s := newBotStory(t, false)
	narrow := []string{"user:read:user", "user:read:token"}
	app := s.OK("GET", "/v1/connections/"+s.ana, nil).Str("app_id")
	s.OK("PATCH", "/v1/apps/"+app, map[string]any{"scopes": narrow})
	c := s.Connect(app, "w", "dana").Str("id")
	b := s.bot(only(append(narrow, "user:read:zak")...), s.ana, c)
	key := b.Str("credential")
	s.want("with less than it may", key, c, "200")
	s.want("somebody who has allowed more", key, s.ana, "403 bot_not_allowed")
	_, got := s.Call(key, "POST", "/v1/connections/"+s.ana+"/token", map[string]any{"scopes": narrow})
	if got.Str("code") != "bot_not_allowed" || !strings.Contains(got.Str("detail"), "allow.scopes") || !strings.Contains(got.Str("detail"), "make the bot with") {
		t.Errorf("by asking for less: got %v, want the same, and what to do", got)
	}
	s.want("a bot without allow.scopes", s.bot(map[string]any{"key": true}, c).Str("credential"), c, "403 bot_not_allowed")
	s.want("one scope is a beginning of another", s.bot(only("user:read:user", "user:read:tok"), c).Str("credential"), c, "403 bot_not_allowed")

	s.OK("PATCH", "/v1/apps/"+app, map[string]any{"scopes": lanyardtest.ZoomScopes})
	link := s.OK("POST", "/v1/connections/"+c+"/reconnect", map[string]any{"return_url": lanyardtest.Return}).Str("connect_url")
	if at := s.Browser().Consent(link, "dana"); at.Query().Get("lanyard_connection") != c {
		t.Fatalf("got %s, want the same connection", at)
	}
	s.want("once more is allowed", key, c, "403 bot_not_allowed")
	s.OK("PATCH", "/v1/apps/"+app, map[string]any{"scopes": narrow})
	if is := s.Connect(app, "w", "dana").Str("id"); is != c {
		t.Fatalf("got %s, want the same connection", is)
	}
	s.want("once less is", key, c, "200")

	body := `{"access_token":"sbx_at_wide","token_type":"bearer","refresh_token":"sbx_rt_wide","expires_in":3600,"scope":"` + strings.Join(narrow, " ") + ` user:write:admin"}`
	lanyardtest.Must(t)(s.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token", GrantType: "refresh_token"}, Action: "status", Status: 200, Body: body, Times: 1}))
	s.Expire(-10)
	s.want("the renewal that it has caused itself brings more", key, c, "403 bot_not_allowed")
	if got := s.OK("POST", "/v1/connections/"+c+"/token", map[string]any{}); got.Str("access_token") != "sbx_at_wide" {
		t.Errorf("got %v, want the renewed token for who may have it", got)
	}
	s.SQL(`UPDATE grants SET scopes = '' WHERE id = (SELECT grant_id FROM connections WHERE id = $1)`, c) // as where a provider has none
	s.want("nobody says what it may do", key, c, "403 bot_not_allowed")
}

// Its people are who they are now: a label that is taken away, a meeting that somebody else
// hosts. Who is meant by name or label is meant at the meeting's provider; and a bot reaches
// no further than the key that made it.
func TestTheTokensOfABotsPeopleAsTheyAreNow(t *testing.T) {
	t.Parallel()
	s := newBotStory(t, false, func(s *server.Settings) { s.MeetingsStop = false })
	label := func(connection, to string) {
		t.Helper()
		s.OK("PATCH", "/v1/connections/"+connection, map[string]any{"label": to})
	}
	among := func(who map[string]any) string {
		t.Helper()
		in := only(lanyardtest.ZoomScopes...)
		in["candidates"] = []map[string]any{who}
		return s.bot(in).Str("credential")
	}
	label(s.ana, "sales")
	sales, person, host := among(map[string]any{"label": "sales"}), among(map[string]any{"end_user_id": "u"}), among(map[string]any{"host": true})
	s.want("of the group", sales, s.ana, "200")
	s.want("not of the group", sales, s.ben, "404 not_found")
	limited := s.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"connect", "read", "token", "join:onbehalf"}, "labels": []string{"sales"}}).Str("credential")
	_, made := s.Call(limited, "POST", "/v1/bots", map[string]any{"meeting_url": "https://zoom.us/j/" + s.number, "key": true,
		"candidates": []map[string]any{{"connection_id": s.ana}}, "allow": map[string]any{"scopes": lanyardtest.ZoomScopes}})
	s.want("within the reach of its maker", made.Str("credential"), s.ana, "200")
	label(s.ana, "board")
	label(s.ben, "sales")
	s.want("no longer of the group", sales, s.ana, "404 not_found")
	s.want("of the group by now", sales, s.ben, "200")
	s.want("named by id, and out of its maker's reach by now", made.Str("credential"), s.ana, "404 not_found")

	s.want("the person", person, s.ana, "200")
	s.want("another", person, s.ben, "404 not_found")
	mail := s.google("u")
	s.want("the person's connection elsewhere", person, mail, "404 not_found")
	in := only("openid", "email", "https://www.googleapis.com/auth/userinfo.email", "https://www.googleapis.com/auth/calendar.events.readonly")
	s.want("which is named", s.bot(in, s.ana, mail).Str("credential"), mail, "200")

	lanyardtest.Within(t, 20*time.Second, "it is known whose meeting it is", func() bool {
		return s.OK("GET", "/v1/meetings?meeting_number="+s.number, nil).Str("host") == "connected"
	})
	s.want("the host", host, s.ana, "200")
	s.want("who is not", host, s.ben, "404 not_found")

	s.OK("DELETE", "/v1/connections/"+s.ana, nil)
	s.want("who has gone", person, s.ana, "410 connection_revoked")
}

// google connects an end user at the pretend Google.
func (s *botStory) google(endUser string) string {
	s.T.Helper()
	g := s.SandURL + "/google"
	app := s.OK("POST", "/v1/apps", map[string]any{"provider": "google", "scopes": []string{"openid", "https://www.googleapis.com/auth/userinfo.email", "https://www.googleapis.com/auth/calendar.events.readonly"},
		"endpoints": map[string]string{"authorize": g + "/o/oauth2/v2/auth", "token": g + "/token", "revoke": g + "/revoke", "identity": g + "/userinfo", "issuer": g, "jwks": g + "/jwks"}})
	made, err := s.Sandbox.RegisterClient(sandbox.Client{Provider: sandbox.Google, Name: "Harbour Notes", RedirectURIs: []string{app.Str("redirect_uri")}})
	lanyardtest.Must(s.T.(*testing.T))(nil, err)
	s.OK("PATCH", "/v1/apps/"+app.Str("id"), map[string]any{"client_id": made.ID, "client_secret": made.Secret})
	return s.Connect(app.Str("id"), endUser, "ana").Str("id")
}

// Nobody lets a bot do what they may not do themselves: a key without the scope token used
// to make bots with allow.scopes. A slip in a scope is heard of when it is made.
func TestWhoReadsNoTokensMakesNoBotThatDoes(t *testing.T) {
	t.Parallel()
	s := newBotStory(t, false)
	in := map[string]any{"meeting_url": "https://zoom.us/j/" + s.number, "candidates": []map[string]any{{"connection_id": s.ana}}, "allow": map[string]any{"scopes": []string{"user:read:user"}}}
	every := slices.DeleteFunc(slices.Clone(lanyard.Scopes), func(sc lanyard.Scope) bool { return sc == lanyard.ScopeToken })
	maker := s.OK("POST", "/v1/keys", map[string]any{"scopes": every}).Str("credential")
	for _, key := range []bool{true, false} {
		in["key"] = key
		if got := s.FailsAs(maker, "scope_missing", "POST", "/v1/bots", in); !strings.Contains(got.Str("detail"), "allow.scopes") {
			t.Errorf("got %v, want it to name what it is about", got)
		}
	}
	if n := len(s.OK("GET", "/v1/bots", nil).List("data")); n != 0 {
		t.Errorf("got %d bots, want none", n)
	}
	for _, scope := range []string{"", "user:read:user user:read:zak", "a\tb", strings.Repeat("a", 256)} {
		in["allow"] = map[string]any{"scopes": []string{"user:read:user", scope}}
		if got := s.Fails("invalid_request", "POST", "/v1/bots", in); !strings.Contains(got.Str("detail"), "allow.scopes[1]") {
			t.Errorf("%q: got %v", scope, got)
		}
	}
}

// Reading a token is one thing and a call through the proxy another: a bot that has the one
// allowed has not the other, and no token leaves with a call.
func TestAllowedScopesAndTheProxyAreTwoThings(t *testing.T) {
	t.Parallel()
	s := newBotStory(t, false)
	call := func(key string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/v1/proxy/"+url.PathEscape(s.ana)+"/v2/users/me", nil)
		lanyardtest.Must(t)(nil, err)
		r.Header.Set("Authorization", "Bearer "+key)
		resp, err := http.DefaultClient.Do(r)
		lanyardtest.Must(t)(nil, err)
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	rules := []map[string]any{{"methods": []string{"GET"}, "path": "/v2/users/me"}}
	calls := s.bot(map[string]any{"key": true, "allow": map[string]any{"proxy": rules}}, s.ana).Str("credential")
	both := s.bot(map[string]any{"key": true, "allow": map[string]any{"proxy": rules, "scopes": []string{"user:read:user"}}}, s.ana).Str("credential")
	reads := s.bot(only(lanyardtest.ZoomScopes...), s.ana).Str("credential")
	for name, c := range map[string]struct {
		key, token string
		call       int
	}{
		"calls alone":               {calls, "403 bot_not_allowed", http.StatusOK},
		"calls, and fewer scopes":   {both, "403 bot_not_allowed", http.StatusOK},
		"tokens alone, and no call": {reads, "200", http.StatusForbidden},
	} {
		s.want(name, c.key, s.ana, c.token)
		if got := call(c.key); got != c.call {
			t.Errorf("%s: the call got %d, want %d", name, got, c.call)
		}
	}
}
