package lanyardtest_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
)

// slowRenewal makes the answer to the next renewal take so long; the provider has
// done it by then, or not yet.
func slowRenewal(t *testing.T, w *lanyardtest.World, ms int, done bool) {
	t.Helper()
	lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token", GrantType: "refresh_token"}, Action: "delay", DelayMS: ms, AfterCommit: done, Times: 1}))
}

// I13: the connection is let go of while its renewal is under way. The token that
// comes back is given back, with an attempt on record.
func TestATokenThatComesBackAfterTheDeletionIsGivenBack(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		c := w.Connect(w.Zoom(), "u", "ana")
		slowRenewal(t, w, 4000, true)
		w.Expire(10)
		lanyardtest.TokenOf(w, c) // waits for a moment only, and the renewal goes on
		w.OK("DELETE", "/v1/connections/"+c.Str("id"), nil)
		lanyardtest.Eventually(t, func() bool {
			list := w.OK("GET", "/v1/audit/entries?what=connection.revoked", nil).List("data")
			return slices.ContainsFunc(list, func(e lanyardtest.JSON) bool { return e.Str("detail.why") == "came_back_after_deletion" })
		}, "the late token is on the log")
		issued := w.Sandbox.Ledger(sandbox.Query{Provider: sandbox.Zoom, Kind: "refresh", Event: "issued"})
		last := issued[len(issued)-1]
		if len(issued) != 2 || len(w.Sandbox.Ledger(sandbox.Query{Provider: sandbox.Zoom, Family: last.Family, Event: "revoked", After: last.Seq})) == 0 {
			t.Errorf("the last of %d refresh tokens lives on at the provider: %+v", len(issued), w.Sandbox.Ledger(sandbox.Query{Family: last.Family}))
		}
		var grants, open int
		w.One(&grants, `SELECT count(*) FROM grants`)
		w.One(&open, `SELECT count(*) FROM attempts WHERE ended_at = 0`)
		if grants != 0 || open != 0 {
			t.Errorf("got %d grants and %d open attempts, want none", grants, open)
		}
	})
}

// I12: the person connects again while a renewal of the old consent is under way.
func TestAReconnectDuringARenewalWins(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		c := w.Connect(w.Zoom(), "u", "ana")
		slowRenewal(t, w, 4000, false)
		w.Expire(10)
		lanyardtest.TokenOf(w, c)
		link := w.OK("POST", "/v1/connections/"+c.Str("id")+"/reconnect", map[string]any{"return_url": lanyardtest.Return})
		if at := w.Browser().Consent(link.Str("connect_url"), "ana"); at.Query().Get("lanyard_connection") != c.Str("id") {
			t.Fatalf("got %s, want the connection back", at)
		}
		lanyardtest.Eventually(t, func() bool {
			var open int
			w.One(&open, `SELECT count(*) FROM attempts WHERE ended_at = 0`)
			return open == 0
		}, "the old renewal ends")
		if s := lanyardtest.StatusOf(w, c); s != "active" {
			t.Errorf("got %s, want the verdict on the old consent dropped", s)
		}
		w.Expire(-1)
		lanyardtest.TokenOf(w, c)
		var connections int
		if w.One(&connections, `SELECT count(*) FROM connections`); connections != 1 {
			t.Errorf("got %d connections, want the one", connections)
		}
	})
}

// What was let go of cannot be connected again: it used to be tried, and to end as
// "another account" after the person had consented.
func TestAReconnectOfWhatWasLetGo(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	c := w.Connect(app, "u", "ana")
	link := w.OK("POST", "/v1/connections/"+c.Str("id")+"/reconnect", map[string]any{"return_url": lanyardtest.Return}).Str("connect_url")
	under := w.Browser()
	under.Go("POST", link, url.Values{})
	under.Go("GET", under.Next()+"&sandbox_consent=allow&sandbox_person=ana", nil)
	w.OK("DELETE", "/v1/connections/"+c.Str("id"), nil)
	at, err := url.Parse(under.Follow(lanyardtest.Return))
	if err != nil || at.Query().Get("lanyard_error") != "link_expired" {
		t.Errorf("under way: got %s, want link_expired", at)
	}
	w.Fails("connection_revoked", "POST", "/v1/connections/"+c.Str("id")+"/reconnect", map[string]any{})
	if p := w.Browser().Go("GET", link, nil); p.Status != http.StatusGone {
		t.Errorf("the link: got %d, want 410", p.Status)
	}
	var grants int
	if w.One(&grants, `SELECT count(*) FROM grants`); grants != 0 {
		t.Errorf("got %d grants, want none", grants)
	}
}

// A reconnect is for a connection, whatever it is called by the time the person
// has found the link.
func TestAReconnectAfterTheLabelHasChanged(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	c := w.Connect(w.Zoom(), "u", "ana")
	path := "/v1/connections/" + c.Str("id")
	link := w.OK("POST", path+"/reconnect", map[string]any{"return_url": lanyardtest.Return})
	w.OK("PATCH", path, map[string]any{"label": "renamed", "paused": true})
	at := w.Browser().Consent(link.Str("connect_url"), "ana")
	if got := w.OK("GET", path, nil); at.Query().Get("lanyard_connection") != c.Str("id") || got.Str("label") != "renamed" || got.Str("status") != "paused" {
		t.Errorf("got %s and %v, want the same connection, its label and its pause left alone", at, got)
	}
	var connections int
	if w.One(&connections, `SELECT count(*) FROM connections`); connections != 1 {
		t.Errorf("got %d connections, want one", connections)
	}
}

// I11: two labels of one person hold one grant; and where the last two let go at
// the same moment, one of them is the last. On PostgreSQL each saw the other.
func TestTheLastTwoLetGoAtTheSameMoment(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		for range 4 {
			var held []lanyardtest.JSON
			for _, label := range []string{"work", "home"} {
				in := w.OK("POST", "/v1/connect-sessions", map[string]any{"app_id": app, "end_user": map[string]any{"id": "u"}, "return_url": lanyardtest.Return, "label": label})
				at := w.Browser().Consent(in.Str("connect_url"), "ana")
				held = append(held, w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "u"}))
			}
			if held[0].Str("id") == held[1].Str("id") {
				t.Fatal("two labels got one connection")
			}
			var mu sync.Mutex
			var got []string
			var wg sync.WaitGroup
			for _, c := range held {
				wg.Go(func() {
					_, out := w.Call(w.Key, "DELETE", "/v1/connections/"+c.Str("id"), nil)
					mu.Lock()
					defer mu.Unlock()
					got = append(got, out.Str("outcome"))
				})
			}
			wg.Wait()
			slices.Sort(got)
			var grants int
			if w.One(&grants, `SELECT count(*) FROM grants`); !slices.Equal(got, []string{"revoked", "shared"}) || grants != 0 {
				t.Fatalf("got %v and %d grants left, want one shared and one revoked", got, grants)
			}
		}
	})
}

// An invitation connects once, in however many tabs it is open.
func TestAnInvitationInTwoTabs(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	in := w.Invite(w.Zoom(), "u")
	tab := func(person string) string {
		return w.Browser().Consent(in.Str("connect_url"), person).Query().Get("lanyard_completion")
	}
	slow := w.Browser()
	slow.Go("POST", in.Str("connect_url"), url.Values{})
	slow.Go("GET", slow.Next()+"&sandbox_consent=allow&sandbox_person=chidi", nil)
	first, second := tab("ana"), tab("ben")
	c := w.OK("POST", "/v1/connections", map[string]any{"completion": first, "end_user_id": "u"})
	w.Fails("completion_invalid", "POST", "/v1/connections", map[string]any{"completion": second, "end_user_id": "u"})
	if at, _ := url.Parse(slow.Follow(lanyardtest.Return)); at.Query().Get("lanyard_error") != "link_used" {
		t.Errorf("the third tab: got %s, want link_used", at)
	}
	now := w.OK("GET", "/v1/connect-sessions/"+in.Str("id"), nil)
	if now.Str("status") != "connected" || now.Str("connection_id") != c.Str("id") || now.Str("last_error") != "" {
		t.Errorf("got %v, want the first connection and no error", now)
	}
	if n := len(w.Sandbox.Ledger(sandbox.Query{Kind: "code", Event: "used"})); n != 1 {
		t.Errorf("got %d codes traded, want 1", n)
	}
}

// T26: what no fresh token would outlive is not asked for. Each of these reads
// used to cause a renewal.
func TestReadsThatWantTooMuchDoNotRenewEachTime(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	c := w.Connect(w.Zoom(), "u", "ana")
	for range 10 {
		w.OK("POST", lanyardtest.TokenPath(c), map[string]any{"min_ttl_seconds": 86400})
	}
	if n := lanyardtest.Renewals(w); n != 0 {
		t.Errorf("min_ttl above the token's whole life: got %d renewals, want none", n)
	}
	for range 10 {
		w.OK("POST", lanyardtest.TokenPath(c), map[string]any{"min_ttl_seconds": 3599})
	}
	if n := lanyardtest.Renewals(w); n != 0 {
		t.Errorf("min_ttl just below it, on a token that is new: got %d renewals, want none", n)
	}
	w.SQL(`UPDATE grants SET refreshed_at = refreshed_at - 120000000, access_expires = access_expires - 120000000`)
	for range 10 {
		w.OK("POST", lanyardtest.TokenPath(c), map[string]any{"min_ttl_seconds": 3590})
	}
	if n := lanyardtest.Renewals(w); n != 1 {
		t.Errorf("min_ttl that a fresh token fulfils: got %d renewals, want 1", n)
	}
	// A provider whose tokens live a minute.
	app := w.Zoom(func(c *sandbox.Client) { c.AccessTTL = 60 })
	short := w.Connect(app, "v", "ben")
	before := lanyardtest.Renewals(w)
	for range 10 {
		lanyardtest.TokenOf(w, short)
	}
	if n := lanyardtest.Renewals(w) - before; n != 0 {
		t.Errorf("tokens of a minute: got %d renewals for ten reads, want none", n)
	}
}

// A bot asks every second for a token of somebody who has not connected: one
// invitation, not thousands.
func TestAskingForATokenOfNobodyMakesOneInvitation(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		want := map[string]any{"end_user_id": "u", "app_id": app}
		links := map[string]int{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_, out := w.Call(w.Key, "POST", "/v1/tokens", want)
				mu.Lock()
				defer mu.Unlock()
				links[out.Str("connect_url")]++
			})
		}
		wg.Wait()
		var sessions int
		if w.One(&sessions, `SELECT count(*) FROM sessions`); len(links) > 2 || sessions > 2 || links[""] > 0 { // two where a quarter of an hour ends just now
			t.Fatalf("got links %v and %d invitations, want one", links, sessions)
		}
		link := w.Fails("connection_needed", "POST", "/v1/tokens", want).Str("connect_url")
		at := w.Browser().Consent(link, "ana")
		c := w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "u"})
		if got := w.OK("POST", "/v1/tokens", want); got.Str("connection_id") != c.Str("id") {
			t.Errorf("got %v, want the token", got)
		}
		w.OK("DELETE", "/v1/connections/"+c.Str("id"), nil)
		if again := w.Fails("connection_needed", "POST", "/v1/tokens", want).Str("connect_url"); again == link || again == "" {
			t.Errorf("got %q, want another link than the one that has done its work", again)
		}
	})
}

// T23: a key for some providers, or for some labels, reaches nothing else on any
// path, and each refusal is on record.
func TestALimitedKeyIsLimitedEverywhere(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	c := w.Connect(app, "u", "ana")
	key := func(limit string, to ...string) string {
		return w.OK("POST", "/v1/keys", map[string]any{"scopes": lanyard.Scopes, limit: to}).Str("credential")
	}
	google, work := key("providers", "google"), key("labels", "work")
	in := w.Invite(app, "v")
	completion := w.Browser().Consent(in.Str("connect_url"), "ben").Query().Get("lanyard_completion")
	begin := w.OK("GET", "/v1/authorize-url?app_id="+app+"&end_user_id=v&redirect_uri=http://localhost:7000/own", nil)
	path := "/v1/connections/" + c.Str("id")
	for name, limited := range map[string]string{"provider": google, "label": work} {
		calls := map[string]struct {
			method, path string
			body         any
		}{
			"get":        {"GET", path, nil},
			"attempts":   {"GET", path + "/attempts", nil},
			"patch":      {"PATCH", path, map[string]any{"label": "work"}},
			"delete":     {"DELETE", path, nil},
			"token":      {"POST", path + "/token", map[string]any{}},
			"report":     {"POST", path + "/token/report", map[string]any{"fingerprint": "0123456789abcdef"}},
			"refresh":    {"POST", path + "/refresh", map[string]any{"fingerprint": "0123456789abcdef"}},
			"reconnect":  {"POST", path + "/reconnect", map[string]any{}},
			"join":       {"POST", "/v1/join-tokens", map[string]any{"connection_id": c.Str("id"), "meeting_number": "123456789", "types": []string{"zak"}}},
			"invite":     {"POST", "/v1/connect-sessions", map[string]any{"app_id": app, "end_user": map[string]any{"id": "x"}, "return_url": lanyardtest.Return}},
			"session":    {"GET", "/v1/connect-sessions/" + in.Str("id"), nil},
			"authorize":  {"GET", "/v1/authorize-url?app_id=" + app + "&end_user_id=v&redirect_uri=http://localhost:7000/own", nil},
			"complete":   {"POST", "/v1/connections", map[string]any{"completion": completion, "end_user_id": "v"}},
			"complete 2": {"POST", "/v1/connections", map[string]any{"app_id": app, "code": "x", "state": begin.Str("state"), "redirect_uri": "http://localhost:7000/own"}},
			"by user":    {"POST", "/v1/tokens", map[string]any{"end_user_id": "u", "app_id": app}},
		}
		if name == "provider" {
			calls["app"] = struct {
				method, path string
				body         any
			}{"GET", "/v1/apps/" + app, nil}
			calls["app delete"] = struct {
				method, path string
				body         any
			}{"DELETE", "/v1/apps/" + app, nil}
			calls["app create"] = struct {
				method, path string
				body         any
			}{"POST", "/v1/apps", map[string]any{"provider": "zoom", "scopes": lanyardtest.ZoomScopes}}
		}
		for what, call := range calls {
			var before, after int
			w.One(&before, `SELECT count(*) FROM entries WHERE outcome = 'denied' AND code = 'key_limited'`)
			status, out := w.Call(limited, call.method, call.path, call.body)
			if status != http.StatusForbidden || out.Str("code") != "key_limited" {
				t.Errorf("%s, %s: got %d %v, want key_limited", name, what, status, out)
			}
			if w.One(&after, `SELECT count(*) FROM entries WHERE outcome = 'denied' AND code = 'key_limited'`); after != before+1 {
				t.Errorf("%s, %s: got %d entries of the refusal, want one", name, what, after-before)
			}
		}
		for _, list := range []string{"/v1/connections", "/v1/events"} {
			if _, out := w.Call(limited, "GET", list, nil); len(out.List("data")) != 0 {
				t.Errorf("%s: %s shows %v", name, list, out)
			}
		}
		_, out := w.Call(limited, "GET", "/v1/audit/entries?limit=200", nil)
		for _, e := range out.List("data") {
			if e.Str("connection_id") != "" && e.Str("outcome") != "denied" || e.Str("what") == "project.changed" {
				t.Errorf("%s: the log shows %v", name, e)
			}
		}
	}
	// Nothing of that has spent anything.
	if got := w.OK("POST", "/v1/connections", map[string]any{"completion": completion, "end_user_id": "v"}); got.Str("status") != "active" {
		t.Errorf("got %v, want the completion still good", got)
	}
	// Nor does a key for a label give away what it holds.
	w.OK("PATCH", path, map[string]any{"label": "work"})
	w.FailsAs(work, "key_limited", "PATCH", path, map[string]any{"label": "other"})
	if _, out := w.Call(work, "GET", "/v1/events", nil); len(out.List("data")) == 0 {
		t.Error("a key for the label sees none of its events")
	}
}

// Whoever asks for what is not theirs is on record, whichever service was asked.
func TestDenialsOfAKnownCallerAreOnRecord(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	w.Fails("not_found", "GET", "/v1/connections/con_00000000000000000000000000", nil)
	w.Fails("not_found", "GET", "/v1/apps/app_00000000000000000000000000", nil)
	w.Fails("not_found", "POST", "/v1/connections/con_00000000000000000000000000/token", map[string]any{})
	list := w.OK("GET", "/v1/audit/entries?outcome=denied", nil).List("data")
	var got []string
	for _, e := range list {
		got = append(got, e.Str("what")+" "+e.Str("detail.route"))
	}
	slices.Sort(got)
	want := []string{"access.denied GET /v1/apps/{id}", "access.denied GET /v1/connections/{id}", "token.read "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q: each once", got, want)
	}
}

// T07: more than was asked for is an alert.
func TestMoreScopesThanAskedForAreAnAlert(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	c := w.Connect(app, "u", "ana")
	more := strings.Join(append(slices.Clone(lanyardtest.ZoomScopes), "recording:read:admin"), " ")
	lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "status", Status: 200, Times: 1,
		Body: `{"access_token":"more-than-asked","refresh_token":"and-more","token_type":"bearer","expires_in":3600,"scope":"` + more + `"}`}))
	w.Expire(-1)
	lanyardtest.TokenOf(w, c)
	alerts := w.OK("GET", "/v1/events?type=security.granted_beyond_request", nil).List("data")
	if len(alerts) != 1 || alerts[0].Str("data.count") != "1" || alerts[0].Str("connection_id") != c.Str("id") {
		t.Errorf("got %v, want one alert", alerts)
	}
	changed := w.OK("GET", "/v1/events?type=connection.scopes_changed", nil).List("data")
	if len(changed) != 1 || changed[0].Str("data.gained") != "recording:read:admin" {
		t.Errorf("got %v, want what was gained", changed)
	}
}

// T01: a link that needs no session of the customer's is off by default, and then
// for one account only.
func TestLinkMode(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		invite := func(more map[string]any) map[string]any {
			body := map[string]any{"app_id": app, "end_user": map[string]any{"id": "u"}}
			for k, v := range more {
				body[k] = v
			}
			return body
		}
		ana := map[string]any{"expected_email": "Ana.Silva@Example.com"}
		w.Fails("invalid_request", "POST", "/v1/connect-sessions", invite(ana))
		w.OK("PATCH", "/v1/project", map[string]any{"allow_link_mode": true})
		w.Fails("invalid_request", "POST", "/v1/connect-sessions", invite(nil)) // without either: no return URL, nobody who vouches
		mail := w.Connect(app, "probe", "ana").Str("account.email")
		w.OK("DELETE", "/v1/connections/"+w.OK("GET", "/v1/connections?end_user_id=probe", nil).List("data")[0].Str("id"), nil)
		in := w.OK("POST", "/v1/connect-sessions", invite(map[string]any{"expected_email": strings.ToUpper(mail)}))

		// The link was sent on: somebody else's account is not connected, and given back.
		b := w.Browser()
		b.Go("POST", in.Str("connect_url"), url.Values{})
		b.Go("GET", b.Next()+"&sandbox_consent=allow&sandbox_person=ben", nil)
		b.Follow("http://localhost:7000/")
		if got := w.OK("GET", "/v1/connect-sessions/"+in.Str("id"), nil); got.Str("status") != "open" || got.Str("last_error") != "account_mismatch" {
			t.Errorf("got %v, want account_mismatch", got)
		}
		var n int
		if w.One(&n, `SELECT count(*) FROM connections WHERE state <> 'revoked'`); n != 0 {
			t.Fatalf("got %d connections of somebody else's account", n)
		}
		// The right account, by the same link.
		b = w.Browser()
		b.Go("POST", in.Str("connect_url"), url.Values{})
		b.Go("GET", b.Next()+"&sandbox_consent=allow&sandbox_person=ana", nil)
		b.Follow("http://localhost:7000/")
		got := w.OK("GET", "/v1/connect-sessions/"+in.Str("id"), nil)
		if got.Str("status") != "connected" || got.Str("purpose") != "link" {
			t.Fatalf("got %v, want it connected without a completion", got)
		}
		c := w.OK("GET", "/v1/connections/"+got.Str("connection_id"), nil)
		if c.Str("origin") != "link" || c.Str("status") != "active" || c.Str("end_user.id") != "u" {
			t.Errorf("got %v, want u's connection, and how it came", c)
		}
		// By the provider's id.
		in = w.OK("POST", "/v1/connect-sessions", invite(map[string]any{"expected_subject": c.Str("account.id"), "return_url": lanyardtest.Return}))
		if at := w.Browser().Consent(in.Str("connect_url"), "ana"); at.Query().Get("lanyard_connection") != c.Str("id") {
			t.Errorf("got %s, want the connection", at)
		}
		if w.Settings.DatabaseURL.Empty() { // whose account is expected is personal
			w.SQL(`PRAGMA wal_checkpoint`)
			for _, file := range []string{"lanyard.db", "lanyard.db-wal"} {
				if raw, err := os.ReadFile(filepath.Join(w.DataDir, file)); err == nil && strings.Contains(strings.ToLower(string(raw)), strings.ToLower(mail)) {
					t.Errorf("%s holds the address that was expected", file)
				}
			}
		}
	})
}

// A long poll does not hold up the stop of a server.
func TestALongPollEndsWithTheServer(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	in := w.Invite(w.Zoom(), "u")
	done := make(chan int, 1)
	go func() {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/v1/connect-sessions/"+in.Str("id")+"?wait=55", nil)
		r.Header.Set("Authorization", "Bearer "+w.Key)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			done <- 0
			return
		}
		_ = resp.Body.Close()
		done <- resp.StatusCode
	}()
	time.Sleep(500 * time.Millisecond)
	began := time.Now()
	w.Stop()
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the stop took %s", took)
	}
	if status := <-done; status != http.StatusOK {
		t.Errorf("the poll ended with %d, want an answer", status)
	}
}

// T18: every level is rotated while tokens are read and renewed. No read fails,
// and everything opens afterwards.
func TestEveryKeyIsRotatedUnderRunningReads(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		a, b := w.Connect(app, "u", "ana"), w.Connect(app, "v", "ben")
		stop := make(chan struct{})
		var reads atomic.Int64
		var wg sync.WaitGroup
		for _, c := range []lanyardtest.JSON{a, b, a, b} {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if status, out := w.Call(w.Key, "POST", lanyardtest.TokenPath(c), map[string]any{}); status != http.StatusOK {
						t.Errorf("read during the rotation: got %d %v", status, out)
						return
					}
					if status, out := w.Call(w.Key, "GET", "/v1/connections/"+c.Str("id"), nil); status != http.StatusOK || out.Str("account.email") == "" {
						t.Errorf("look during the rotation: got %d %v", status, out)
						return
					}
					reads.Add(1)
				}
			})
		}
		before := lanyardtest.Operator(t, w, "GET", "/v1/operator/vault", nil)
		project := w.OK("GET", "/v1/project", nil).Str("id")
		var person string
		w.One(&person, `SELECT person_id FROM connections WHERE id = $1`, a.Str("id"))
		for _, rotation := range []map[string]any{
			{"level": "person", "project": project, "person": person},
			{"level": "project", "project": project},
			{"level": "root"},
			{"level": "kek", "kek": "file:" + filepath.Join(t.TempDir(), "next-kek")},
		} {
			// And one is renewed meanwhile. Its token lives on: one that this ended just after a
			// renewal was refused to who had waited for that.
			w.SQL(`UPDATE grants SET access_expires = $1 WHERE id IN (SELECT grant_id FROM connections WHERE id = $2)`,
				time.Now().Add(5*time.Second).UnixMicro(), b.Str("id"))
			out := lanyardtest.Operator(t, w, "POST", "/v1/operator/vault/rotate", rotation)
			if len(out.List("data")) == 0 {
				t.Errorf("%v: got %v, want what was done", rotation, out)
			}
		}
		n := reads.Load()
		lanyardtest.Eventually(t, func() bool { return reads.Load() > n+4 }, "reads go on after the rotations")
		close(stop)
		wg.Wait()
		after := lanyardtest.Operator(t, w, "GET", "/v1/operator/vault", nil)
		if before.Str("kek") == after.Str("kek") || after.Str("kek") == "" {
			t.Errorf("got key-encryption key %s, want another than before", after.Str("kek"))
		}
		rotating := 0.0
		for _, l := range after.List("levels") {
			if l["unopened"] != 0.0 {
				t.Errorf("%s: got %v that do not open", l.Str("level"), l["unopened"])
			}
			r, _ := l["rotating"].(float64)
			rotating += r
		}
		if rotating == 0 {
			t.Errorf("got %v, want the status to show keys that were replaced and are kept for a while", after)
		}
		// A new process has nothing in memory: all must open from what is stored.
		had, kek := w.Settings.DatabaseURL, after.Str("kek_uri")
		w.Stop()
		w.Restart(func(s *server.Settings) { s.DatabaseURL, s.KEK = had, kek })
		for _, c := range []lanyardtest.JSON{a, b} {
			lanyardtest.TokenOf(w, c)
			if got := w.OK("GET", "/v1/connections/"+c.Str("id"), nil); got.Str("account.email") == "" {
				t.Errorf("got %v, want the account opened", got)
			}
		}
		w.Expire(-1)
		lanyardtest.TokenOf(w, a)
	})
}
